"""Which session a request means: feeds alone are live, anything with a scenario is a simulation."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from skywarden.session.request import Request


def run_request(request: Request, talk: Console) -> dict[str, Any]:
    """Run what was asked for to its end, or until it is interrupted, and return the summary.

    request  what was asked for on the command line
    talk     where people are spoken to: standard error
    """
    if request.scenario is None and request.feeds:
        from skywarden.session.live import run_live

        return run_live(request, talk)
    from skywarden.session.simulation import run_simulation

    return run_simulation(request, talk)
