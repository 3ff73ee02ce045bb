"""Ports of this worker alone: one that was found free stays so until its process listens.

Those the system hands out are not: somebody else may get the same a moment later, and two gateways
even share it.
"""

import os
import socket
from itertools import count

# Below those that the system hands out itself, and where nothing of the platform looks for one.
_FIRST, _EACH = 10_000, 400
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_NEXT = count(_FIRST + _EACH * WORKER)


def free_port() -> int:
    while True:
        port = next(_NEXT)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
