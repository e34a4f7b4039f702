"""`skywarden serve`: its configuration read and checked, the watcher run, a new file taken up when
it is good.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from pathlib import Path

from skywarden.errors import InputError, SkywardenError
from skywarden.session.ending import stopping
from skywarden.session.service import logs
from skywarden.session.service.configuration import Configuration, read
from skywarden.session.service.notify import Notifier
from skywarden.session.service.supervisor import REFUSED, supervise

ENDED, FAILED = 0, 1  # exit codes


def serve(path: Path, supervised: bool) -> int:
    """Serve until told to stop; the exit code.

    supervised  restart it here when it ends or hangs, where no systemd does
    path        file of the service
    """
    return supervise(lambda pipe: serve_once(path, pipe)) if supervised else serve_once(path, None)


def serve_once(path: Path, pipe: int | None) -> int:
    """One life of the service.

    path  file of the service
    pipe  file descriptor on which the supervisor is told of life, None without one
    """
    log = logs.begin()
    try:
        asked = read(path)
        from skywarden.session.standby import Watcher  # kernels are loaded only for a good configuration

        notifier = Notifier(pipe)
        with stopping() as stop:
            while True:
                life = Life(stop)
                reloading = Reloading(asked, life, log)
                Watcher(asked, notifier).run(life)
                if reloading.found is None or stop.is_set():
                    return ENDED
                asked = reloading.found
    except InputError as error:
        for fault in error.faults:
            log.error(
                "%s: %s %s", fault.file if fault.line is None else f"{fault.file}:{fault.line}", fault.what, fault.do
            )
        print(error, file=sys.stderr)
        return REFUSED
    except SkywardenError as error:
        log.error("%s", error)
        return FAILED
    except Exception:
        log.exception("the service ends by a fault of ours")
        return FAILED


class Life(threading.Event):
    """The end of what runs with one configuration: its own, or that of the whole service."""

    def __init__(self, service: threading.Event) -> None:
        super().__init__()
        self._service = service

    def is_set(self) -> bool:
        """Whether either is over."""
        return super().is_set() or self._service.is_set()


class Reloading:
    """Checks the file when SIGHUP comes; a good one ends the loop between two frames and goes on
    with the new one in the same process, where every kernel is loaded; a wrong one is told and
    left.
    """

    def __init__(self, asked: Configuration, stop: threading.Event, log: logging.Logger) -> None:
        self._asked, self._stop, self._log = asked, stop, log
        self.found: Configuration | None = None
        self._asked_for = threading.Event()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGHUP, lambda *_: self._asked_for.set())
        threading.Thread(target=self._wait, name="skywarden-reload", daemon=True).start()

    def _wait(self) -> None:
        while True:
            self._asked_for.wait()
            self._asked_for.clear()
            try:
                found = read(self._asked.path)
            except SkywardenError as error:
                self._log.error(
                    "the new configuration is refused, the old one runs on: %s", " ".join(str(error).split())
                )
                continue
            self._log.info("the new configuration is good and is taken up")
            self.found = found
            self._stop.set()
            return
