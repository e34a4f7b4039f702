"""The verbs of `skywarden alert`: test a channel, say or correct a message, show who was told what
when.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from skywarden.errors import UsageError
from skywarden.session.verbs.speaking import example, talk

alert_app = typer.Typer(no_args_is_help=True,
    help="Test the warning channels, say or correct a message, show who was told what when.")
KIND_HELP = "live, exercise or simulation: whose channels are meant."
STATE_HELP = "The folder of the outbox, where the service was given one."


@alert_app.command("test", **example("skywarden alert test my-base north"))
def alert_test_command(
    site: Annotated[str, typer.Argument(help="The site's name or folder.")],
    channel: Annotated[str, typer.Argument(help="A channel's name. Without one: all.")] = "",
    kind: Annotated[str, typer.Option(help=KIND_HELP)] = "live",
    state: Annotated[Path | None, typer.Option(help=STATE_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False,
) -> None:
    """Send a test along a channel through the running service, and say who answered. Exit 1 where
    somebody did not.
    """
    from skywarden.site.load import load
    from skywarden.tools import alert

    declared = load(site)
    told = alert.try_channels(declared, _kind(kind), channel, state)
    _told(told, as_json)
    good = {line.channel for line in told if alert.passed(line, declared)}
    wanted = {channel} if channel else {each.name for each in declared.channels if each.kind == kind}
    raise typer.Exit(0 if good >= wanted else 1)


@alert_app.command("show", **example("skywarden alert show my-base --last 20"))
def alert_show_command(
    site: Annotated[str, typer.Argument(help="The site's name or folder.")],
    last: Annotated[int, typer.Option(min=1, max=100_000, help="How many messages, the newest.")] = 50,
    kind: Annotated[str, typer.Option(help=KIND_HELP)] = "live",
    state: Annotated[Path | None, typer.Option(help=STATE_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False,
) -> None:
    """Who was told what when, on which channel, and who acknowledged it."""
    from skywarden.alerts.opening import outbox_path
    from skywarden.alerts.outbox import history
    from skywarden.site.load import load

    _told(history(outbox_path(load(site).name, _kind(kind), state), last), as_json)


@alert_app.command("say", **example('skywarden alert say my-base "Water at gate 4." --zone "apron 2"'))
def alert_say_command(
    site: Annotated[str, typer.Argument(help="The site's name or folder.")],
    text: Annotated[str, typer.Argument(help="What to say, as it stands, in every language.")],
    zone: Annotated[list[str] | None, typer.Option(help="A zone; may be repeated. Default: all that can be "
    "told.")] = None,
    kind: Annotated[str, typer.Option(help=KIND_HELP)] = "live",
    state: Annotated[Path | None, typer.Option(help=STATE_HELP)] = None,
) -> None:
    """Say a message by hand on every channel, through the running service. It changes no warning."""
    from skywarden.site.load import load
    from skywarden.tools import alert

    print(f"handed to the service, for {alert.say(load(site), _kind(kind), text, list(zone or ()), state)} zones; see "
        "skywarden alert show")


@alert_app.command("correct", **example('skywarden alert correct my-base --why "wrong zone"'))
def alert_correct_command(
    site: Annotated[str, typer.Argument(help="The site's name or folder.")],
    why: Annotated[str, typer.Option(help="Why it was wrong; recorded, and said on CAP.")],
    zone: Annotated[list[str] | None, typer.Option(help="A zone; may be repeated. Default: every zone under "
    "warning.")] = None,
    kind: Annotated[str, typer.Option(help=KIND_HELP)] = "live",
    state: Annotated[Path | None, typer.Option(help=STATE_HELP)] = None,
) -> None:
    """Take back warnings that are wrong: cleared at once, and said to have been wrong on every
    channel.
    """
    from skywarden.site.load import load
    from skywarden.tools import alert

    alert.correct(load(site), _kind(kind), why, list(zone or ()), state)
    print("handed to the service; see skywarden alert show")


@alert_app.command("sounds", **example("skywarden alert sounds my-base --out clips"))
def alert_sounds_command(
    site: Annotated[str, typer.Argument(help="The site's name or folder.")],
    out: Annotated[Path, typer.Option(help="Folder to write the WAV clips into.")],
    language: Annotated[list[str] | None,
        typer.Option(help="A language; may be repeated. Default: those of the site's channels.")] = None,
    kind: Annotated[str, typer.Option(help=KIND_HELP)] = "live",
) -> None:
    """Render the sound of each zone, stage and language for relays: a tone, then the words by
    espeak-ng where it is installed.
    """
    from skywarden.alerts.sound import write_clips
    from skywarden.site.load import load

    declared = load(site)
    spoken = tuple(language or dict.fromkeys(each for channel in declared.channels for each in channel.languages)) or (
        "en",)
    made, mute = write_clips(declared, _kind(kind), out, spoken)
    if mute:
        talk.print(f"{mute} of {made} clips are tones without words: install espeak-ng, or a voice for that language",
            highlight=False)
    print(out)


def _told(told: list[Any], as_json: bool) -> None:
    from skywarden.tools import alert

    if as_json:
        print(json.dumps(alert.rows(told)))
    else:
        print("\n".join(alert.lines(told)) or "nobody was told anything yet")


def _kind(kind: str) -> str:
    if kind not in ("live", "exercise", "simulation"):
        raise UsageError(f"--kind {kind}: it is live, exercise or simulation")
    return kind
