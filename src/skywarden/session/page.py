"""The console's page of a run: where it listens, and what to say of that."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable

from skywarden.console.instructor import Instructor
from skywarden.console.server import Console as Page
from skywarden.console.server import is_loopback
from skywarden.errors import UsageError
from skywarden.run.clock import Paced
from skywarden.session.request import Request, folder_of
from skywarden.site.model import Site

PORT = 8080


def open_page(
    site: Site, mode: str, title: str, request: Request, epoch_ns: int, clock: Paced | None = None, took: Callable[[],
        float] = lambda: math.nan, instructor: Instructor | None = None,
) -> Page:
    """The browser console of a run; with an instructor, of an exercise.

    site      the site as its defender declared it
    mode      SIMULATION, LIVE, REPLAY or EXERCISE
    title     what the page calls the run
    request   what was asked for on the command line
    epoch_ns  the record's epoch, ns since 1970
    clock     the clock, None where nobody may change the speed
    took      function that tells how long the last frame took [s]
    """
    records = request.record.parent if request.record is not None else None
    return on_a_port(request.port, lambda port: Page(
        site, mode, title, request.host, port, users=request.users, audit=request.audit, tls=request.tls,
        epoch_ns=epoch_ns,
        site_folder=folder_of(request), records=records, clock=clock, took=took, tiles=request.tiles,
        recording=request.record, public_url=request.public_url, instructor=instructor))


def on_a_port(asked: int | None, at: Callable[[int], Page]) -> Page:
    """The page on the port asked for, else on the usual one, else on a free one.

    at  function that opens the page on a port
    """
    if asked is not None:
        return at(asked)
    with socket.socket() as probe:
        taken = probe.connect_ex(("127.0.0.1", PORT)) == 0
    try:
        return at(0 if taken else PORT)
    except UsageError:      # another start was quicker
        if taken:
            raise
        return at(0)


def in_the_clear(request: Request) -> str:
    """What somebody who lets others in has to know: under which address, or that there is no TLS.

    request  what was asked for on the command line
    """
    if request.public_url is not None:
        return f"  (through your proxy: {request.public_url})"
    if request.tls is not None or is_loopback(request.host):
        return ""
    return ("  (without TLS: passwords and pictures travel readable; add --tls-certificate and --tls-key, or put a TLS "
        "proxy before it)")
