"""The verbs of `skywarden exercise` that need no session: what they do is imported when they are
called.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

RECORD = typer.Argument(help="The record of an exercise.")
KEY = typer.Option("--key",
    help="The site's key, or to check its public half: a file made by `skywarden exercise key`.")


def add(app: typer.Typer) -> None:
    """Add the verbs to the group of `skywarden exercise`."""
    for name, verb, example in (
        ("score", score_command, "skywarden exercise score watch.rec --json"),
        ("key", key_command, "skywarden exercise key site.key"),
        ("seal", seal_command, "skywarden exercise seal watch.rec --key site.key"),
    ):
        app.command(name, epilog=f"Example: {example}")(verb)


def score_command(
    record: Annotated[Path, RECORD],
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as one JSON object.")] = False,
) -> None:
    """Score everybody on duty, each competency for itself, from the record alone and without
    what was true.
    """
    from skywarden.exercise.of_record import score_record
    from skywarden.exercise.sentences import scores

    found = score_record(record)
    print(_json(found) if as_json else scores(found))


def key_command(
    file: Annotated[Path,
        typer.Argument(help="The file to make. Its public half is written beside it, with .public at its end.")],
) -> None:
    """Make the key that signs a site's seals and certificates."""
    from skywarden.exercise import keys

    made = keys.make_key(file)
    beside = file.with_name(file.name + ".public")
    beside.write_text(json.dumps(keys.public(made)) + "\n", encoding="utf-8")
    print(f"{file}: keep it; {beside}: give it to whoever checks. It is called {keys.thumbprint(made)}")


def seal_command(record: Annotated[Path, RECORD], key: Annotated[Path, KEY]) -> None:
    """Seal a record with the site's key: from then on any change of it is found."""
    from skywarden.exercise import keys
    from skywarden.exercise.seal import write_seal

    print(write_seal(record, keys.read_key(key)))


def _json(value: Any) -> str:
    """JSON that is the same for the same value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)
