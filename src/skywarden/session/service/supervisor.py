"""Restarts the service where there is no systemd: when it ends by itself, and when its loop gives
no sign of life.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable

SILENT_S = 4.0  # seconds without a sign of life of the loop, once there was one, after which it is killed
STARTING_S = 1800.0  # seconds until the first one: kernels may have to be compiled
PAUSE_S = 0.5  # seconds before a service that ended is started again
REFUSED = 2  # exit code of a configuration that was refused: starting again is no use


def supervise(serve: Callable[[int], int], silent_s: float = SILENT_S) -> int:
    """Run `serve` in a process of its own, again and again, until it is told to stop; its exit
    code.

    serve     (pipe) -> exit code; writes a byte to the pipe as its loop goes round
    silent_s  silence after which the child is restarted [s]
    """
    while True:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            os.set_blocking(writing, False)
            code = 1
            try:
                code = serve(writing)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        os.close(writing)
        code, asked = _watch(child, reading, silent_s)
        os.close(reading)
        if asked or code in (0, REFUSED):
            return code
        print(f"the service ended with {code}: it is started again", file=sys.stderr, flush=True)
        time.sleep(PAUSE_S)


def _watch(child: int, pipe: int, silent_s: float) -> tuple[int, bool]:
    """Wait for a child's end, killing it where it is silent; its exit code, and whether somebody
    asked for the end.
    """
    asked = [False]

    def stop(number: int, _: object) -> None:
        asked[0] = True
        os.kill(child, number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, lambda number, _: os.kill(child, number))
    heard, patience = time.monotonic(), STARTING_S
    try:
        while True:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status), asked[0]
            if select.select([pipe], [], [], 0.1)[0] and os.read(pipe, 4096):
                heard, patience = time.monotonic(), silent_s
            if time.monotonic() - heard > patience:
                print(f"the loop has been silent for {patience:.0f} s: it is killed", file=sys.stderr, flush=True)
                os.kill(child, signal.SIGKILL)
                patience = STARTING_S
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
