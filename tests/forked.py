"""Our processes, to be killed: forked from one that has set Django up, so that they begin at once.

Each is a process of its own like any other; only the two seconds of importing are shared.
"""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import pytest
from django.conf import settings

from tenantry.ledger.audit.sealer import run_sealer
from tenantry.work.automation import workers
from tenantry.work.schedules import scheduling
from tests.config.support import database_url


def start(run: Callable[..., None], *words: object) -> ForkServerProcess:
    """Run a function of a module in a new process, on this test run's database."""
    process = _context(_as_url(database_url())).Process(target=run, args=words)
    process.start()
    return process


def browser_worker(site_url: str, objects: str) -> None:
    """Drive Chromium against the site; look after dead workers often, for the test's sake."""
    settings.CAFE_SITE_URL, settings.OBJECT_STORE_URL = site_url, objects
    workers._TEND_EVERY = 0.5
    workers.run_worker(queues=["browser"], concurrency=1)


def scheduler(log: Path) -> None:
    """Dispatch until killed; what it says goes to the log."""
    with log.open("ab") as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    scheduling.run_scheduler(threading.Event())


def sealer(objects: str) -> None:
    """Seal the audit log until killed."""
    settings.OBJECT_STORE_URL = objects
    run_sealer(stop=threading.Event(), holder="doomed")


@cache
def _context(url: str) -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.forked_ready", __name__])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_SETTINGS_MODULE", "tenantry.config.settings")
        patch.setenv("DATABASE_URL", url)
        patch.setenv("TENANTRY_STATE_DIR", str(settings.STATE_DIR))
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()
    return context


def _as_url(conninfo: str) -> str:
    """Leave an address alone; write `key=value` words as one."""
    if conninfo.startswith("postgres"):
        return conninfo
    parts = dict(word.split("=", 1) for word in conninfo.split())
    host = f"{parts['user']}:{parts.get('password', '')}@{parts['host']}:{parts['port']}"
    return f"postgresql://{host}/{parts['dbname']}"
