"""A process that seals, to be killed: `python sealing_process.py DATABASE OBJECT_STORE_URL`."""

import sys
import threading

import django
from django.conf import settings

from tenantry.ledger.audit.sealer import run_sealer


def main() -> None:
    database, store = sys.argv[1:]
    settings.DATABASES["default"]["NAME"] = database
    settings.OBJECT_STORE_URL = store
    django.setup()
    run_sealer(stop=threading.Event(), holder="doomed")


if __name__ == "__main__":
    main()
