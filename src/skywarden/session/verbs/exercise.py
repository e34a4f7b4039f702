"""The verbs of `skywarden exercise`: run one, go on with one, score it, keep the standing of those
who did.
"""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skywarden.emit.forms import HELP as EMIT_HELP
from skywarden.errors import UsageError
from skywarden.exercise import verbs
from skywarden.session.verbs.speaking import example, talk

if TYPE_CHECKING:
    from skywarden.session.request import Request

exercise_app = typer.Typer(no_args_is_help=True,
    help="Exercises: run them, score them from their records, keep everybody's standing, certify.")
USERS_HELP = "File of users, made by `skywarden user`: an instructor and at least one trainee."
SEAT_HELP = "Who sits where at the beginning, as in amina=watch; seats are watch, second, shadow. May be repeated."
Users = Annotated[Path, typer.Option(help=USERS_HELP)]
Written = Annotated[Path | None, typer.Option("--record", help="The record to write; a new one where none is named.")]
Seats = Annotated[list[str] | None, typer.Option("--seat", metavar="NAME=SEAT", help=SEAT_HELP)]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Of the page. Default: 8080, or a free one.")]
Host = Annotated[str, typer.Option(help="Where the page listens.")]
Certificate = Annotated[Path | None, typer.Option(help="PEM file; with --tls-key the page is served by HTTPS.")]
Log = Annotated[Path | None, typer.Option(help="File that every action, and every try, is appended to.")]
Shown = Annotated[list[str] | None, typer.Option("--emit", metavar="URL", help=EMIT_HELP)]
Json = Annotated[bool, typer.Option("--json", help="The summary as one JSON object.")]
STAY_HELP = "Serve the page after the end. Default: on a terminal."
Stay = Annotated[bool | None, typer.Option("--stay/--no-stay", help=STAY_HELP)]


@exercise_app.command("run", **example("skywarden exercise run course-3-real-or-ghost --users users.toml"))
def run_command(
    scenario: Annotated[str, typer.Argument(help="A scenario's name or file.")], users: Users, record: Written = None,
    seat: Seats = None, seed: Annotated[int | None, typer.Option(min=0, max=2**62,
        help="The seed; without one it is drawn, and revealed at the end.")] = None,
    duration: Annotated[float | None, typer.Option(min=1.0, help="Stop after so many seconds of the run.")] = None,
    port: Port = None, host: Host = "127.0.0.1", tls_certificate: Certificate = None, tls_key: Certificate = None,
    audit: Log = None, stay: Stay = None, emit: Shown = None, as_json: Json = False,
) -> None:
    """Run an exercise: trainees see the picture alone, the instructor what is true, and fires what
    is ready.
    """
    request = _request(scenario, users, record or Path(f"exercise-{time.strftime('%Y%m%d-%H%M%S')}.rec"), port, host,
        tls_certificate, tls_key, audit, stay, emits=tuple(emit or ()), seed=seed, duration=duration)
    _run(request, seat, as_json)


@exercise_app.command("resume", **example("skywarden exercise resume watch.rec --users users.toml"))
def resume_command(
    broken: Annotated[Path, typer.Argument(metavar="RECORD", help="The record of an exercise that was killed.")],
    users: Users, record: Written = None, port: Port = None, host: Host = "127.0.0.1",
    tls_certificate: Certificate = None, tls_key: Certificate = None, audit: Log = None, stay: Stay = None,
    emit: Shown = None, as_json: Json = False,
) -> None:
    """Go on with an exercise whose process was killed, from its last frame, in a new record; it
    stands until let go on.
    """
    request = _request(None, users, record or broken.with_name(f"{broken.stem}-resumed.rec"), port, host,
        tls_certificate, tls_key, audit, stay, emits=tuple(emit or ()))
    _run(request, None, as_json, broken, math.inf, "resumed")


@exercise_app.command("branch", **example("skywarden exercise branch watch.rec --at 95 --users users.toml"))
def branch_command(
    past: Annotated[Path, typer.Argument(metavar="RECORD", help="The record of an exercise.")],
    at: Annotated[float, typer.Option(min=0.0, help="The moment to go on from [s].")], users: Users,
    record: Written = None, port: Port = None, host: Host = "127.0.0.1", tls_certificate: Certificate = None,
    tls_key: Certificate = None, audit: Log = None, stay: Stay = None, emit: Shown = None, as_json: Json = False,
) -> None:
    """Fly an exercise again to a moment, to the same bits, and go on from there by another way."""
    request = _request(None, users, record or past.with_name(f"{past.stem}-from-{at:g}.rec"), port, host,
        tls_certificate, tls_key, audit, stay, emits=tuple(emit or ()))
    _run(request, None, as_json, past, at, "branched")


def _request(
    scenario: str | None, users: Path, record: Path, port: int | None, host: str, certificate: Path | None,
    key: Path | None, audit: Path | None, stay: bool | None, **more: Any,
) -> Request:
    from skywarden.session.request import Request

    if (certificate is None) != (key is None):
        raise UsageError("--tls-certificate and --tls-key belong together: give both or neither")
    tls = (certificate, key) if certificate is not None and key is not None else None
    return Request(scenario, record=record, users=users, port=port, host=host, tls=tls, audit=audit, stay=stay, **more)


def _run(
    request: Request, seat: list[str] | None, as_json: bool, past: Path | None = None, until: float = 0.0,
    word: str = "",
) -> None:
    from skywarden.session.exercise import Past, run_exercise

    summary = run_exercise(request, talk, seats(seat or []), None if past is None else Past(past, until, word))
    lines = [f"{key.replace('_', ' ')}  {value}" for key, value in summary.items()]
    print(json.dumps(summary) if as_json else "\n".join(lines))


def seats(asked: list[str]) -> dict[str, str]:
    """Who sits where. Raises UsageError.

    asked  words NAME=SEAT
    """
    from skywarden.messages.commands import SEATS

    found: dict[str, str] = {}
    for word in asked:
        name, _, seat = word.partition("=")
        if seat not in SEATS or not name or name in found:
            raise UsageError(f"--seat {word}: write NAME=SEAT, once for each person; seats are {', '.join(SEATS)}")
        found[name] = seat
    return found


verbs.add(exercise_app)
