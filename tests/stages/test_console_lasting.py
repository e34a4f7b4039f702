"""A console that stands for days: pages come and go, pictures come for ever, nothing is left behind."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import socket
import threading
import time

import pytest
from test_console import SITE, Page, Play, console, newest
from websockets.exceptions import ConnectionClosed

DAY = 86_400.0
FRAME_S = 0.25
FLAT = 0.05             # of the memory once everything that is kept for a while is full
FULL_S = 7_200.0        # s of pictures after which it is


def resident():
    """Bytes of memory this process holds."""
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def held():
    """Threads and open files of this process."""
    return threading.active_count(), len(os.listdir("/proc/self/fd"))


def until(true, patience=60.0):
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("times", [40, pytest.param(500, marks=pytest.mark.prove)])
def test_pages_that_come_and_go_leave_no_thread_file_or_memory_behind(times):
    with console() as served:
        served.take(Play(SITE).moment(20.0))
        page = Page(served)

        def come_and_go(ways):
            for k in range(ways):
                if k % 10 == 0:
                    page.ask("GET", "/api/session")
                with contextlib.suppress(OSError), page.connected() as (link, _):
                    if k % 2:
                        newest(link)
                    if k % 3 == 0:      # a laptop that is shut: no farewell
                        link.socket.shutdown(socket.SHUT_RDWR)

        come_and_go(10)
        time.sleep(0.5)
        before, memory = held(), resident()
        come_and_go(times)
        until(lambda: all(now <= then + 3 for now, then in zip(held(), before, strict=True)))
        grown = resident() - memory
        print(f"{times} pages came and went: threads and files {before} before, {held()} after, "
            f"grown by {grown / 1e6:.1f} MB")
        assert grown < 20e6 + 20e3 * times


def shown_for(seconds):
    """Memory [bytes] by time [s] of a console that is given pictures for so long, a page looking on."""
    play, memory = Play(SITE, rounds=14, start=58.0, again=40.0), []
    with console() as served:
        page = Page(served)
        with page.enter() as (link, _):
            def look_on():
                with contextlib.suppress(ConnectionClosed, TimeoutError, OSError):
                    while json.loads(link.recv(60.0)):
                        pass

            threading.Thread(target=look_on, daemon=True).start()
            for k in range(round(seconds / FRAME_S)):
                served.take(play.moment(k * FRAME_S))
                if k % round(600.0 / FRAME_S) == 0:
                    memory.append((k * FRAME_S, resident()))
            memory.append((seconds, resident()))
    return memory


@pytest.mark.prove
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("hours", [3.0, 24.0])
def test_the_memory_of_a_console_is_flat_over_a_day(hours, evidence):
    memory = shown_for(hours * 3600.0)
    full = next(size for t, size in memory if t >= FULL_S)
    growth = memory[-1][1] / full - 1.0
    evidence("console-memory", f"console, {hours:g} hours of pictures with raids, a page looking on",
        megabytes_after_2_h=round(full / 2**20), megabytes_at_end=round(memory[-1][1] / 2**20),
        growth_percent=round(100.0 * growth, 2))
    assert growth <= FLAT
