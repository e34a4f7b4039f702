"""The command line: one verb a command. Results go to standard output, talk to standard error; exit
0 done, 1 failed, 2 asked wrongly.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

from skywarden import __version__
from skywarden.emit.forms import HELP as EMIT_HELP
from skywarden.errors import SkywardenError, StudyError, UsageError
from skywarden.feeds.registry import help_text
from skywarden.run.patience import held, patiently
from skywarden.session.verbs.alert import alert_app
from skywarden.session.verbs.exercise import exercise_app
from skywarden.session.verbs.feed import feed_command
from skywarden.session.verbs.limits import glance, limited
from skywarden.session.verbs.service import service_app
from skywarden.session.verbs.speaking import example, talk
from skywarden.session.verbs.study import STUDY, study_command
from skywarden.session.verbs.survey import SURVEY, survey_command

app = typer.Typer(
    name="skywarden", no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="An open C-RAM system in software: sense, track, predict, warn. Interception is only ever simulated.",
    epilog="Example: skywarden run kabul-2021-08-30",
)
PUBLIC_HELP = ("Address that people type where a reverse proxy stands in front, such as https://example.org/kabul/. "
    "Needs --users.")
TILES_HELP = ("Map tiles under the console's picture, such as http://127.0.0.1:9000/{z}/{x}/{y}.png. Without it "
    "nothing is asked of any other server.")
app.add_typer(alert_app, name="alert")
app.add_typer(exercise_app, name="exercise")
app.command("study", **STUDY)(study_command)
app.command("survey", **SURVEY)(survey_command)
app.add_typer(service_app)


def _version(asked: bool) -> None:
    if asked:
        print(f"skywarden {__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True,
        help="Print the version.")] = False
) -> None:
    pass


@app.command("run", **example("skywarden run kabul-2021-08-30 --speed max --seed 7 --record night.rec"))
def run_command(
    scenario: Annotated[str | None, typer.Argument(help="A scenario's name or file. Without one, and without feeds: "
        "kabul-2021-08-30.")] = None,
    site: Annotated[str | None, typer.Option(help="A site's name or folder. Default: the scenario's own; with feeds "
        "alone it must be given.")] = None,
    feed: Annotated[list[str] | None, typer.Option(metavar="URL", help=help_text())] = None,
    emit: Annotated[list[str] | None, typer.Option(metavar="URL", help=EMIT_HELP)] = None,
    speed: Annotated[str, typer.Option(help="Seconds of the run a second, or 'max'.")] = "1",
    duration: Annotated[float | None, typer.Option(help="Stop after so many seconds of the run.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**63 - 1,
        help="Another seed than the scenario's own.")] = None,
    record: Annotated[Path | None, typer.Option(help="Write everything into this file.")] = None,
    no_console: Annotated[bool, typer.Option("--no-console",
        help="Neither the console's page nor the live view.")] = False,
    port: Annotated[int | None, typer.Option(min=0, max=65535,
        help="Of the console's page on 127.0.0.1. Default: 8080, or a free one.")] = None,
    host: Annotated[str, typer.Option(help="Where the console's page listens; others than loopback need "
        "--users.")] = "127.0.0.1",
    users: Annotated[Path | None, typer.Option(help="File of users, made by `skywarden user`. Without it: one local "
        "operator.")] = None,
    audit: Annotated[Path | None, typer.Option(help="File that every action at the console is appended to.")] = None,
    tls_certificate: Annotated[Path | None,
        typer.Option(help="PEM file; with --tls-key the page is served by HTTPS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file.")] = None,
    stay: Annotated[bool | None, typer.Option("--stay/--no-stay",
        help="Serve the page after the run, until Ctrl-C. Default: on a terminal.")] = None,
    tiles: Annotated[str | None, typer.Option(metavar="URL", help=TILES_HELP)] = None,
    public_url: Annotated[str | None, typer.Option(metavar="URL", help=PUBLIC_HELP)] = None,
    resume: Annotated[Path | None, typer.Option(help="Take up the run of this record where it ends.")] = None,
    state: Annotated[Path | None, typer.Option(help="Folder of the warning channels' outbox. Default: the service's or "
        "the user's own.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as one JSON object.")] = False,
) -> None:
    """Defend a site: a scenario in simulation, or real radar and traffic feeds."""
    from skywarden.session.request import Request
    from skywarden.session.starting import run_request

    if (tls_certificate is None) != (tls_key is None):
        raise UsageError("--tls-certificate and --tls-key belong together: give both or neither")
    tls = (tls_certificate, tls_key) if tls_certificate is not None and tls_key is not None else None
    request = Request(
        scenario, site, tuple(feed or ()), _speed(speed), _positive(duration, "--duration"), seed, record,
        not no_console, port, host, users, audit, tls,
        stay, tiles, public_url, state, tuple(emit or ()), resume)
    summary = run_request(request, talk)
    patiently(lambda: print(json.dumps(summary) if as_json else _sentences(summary), flush=True))
    if summary.get("frames_not_recorded"):
        raise typer.Exit(1)     # the run went on to its end, yet the record that was asked for is not whole


app.command("feed", **example("skywarden feed asterix+udp://239.1.2.3:8600?interface=eth0"))(feed_command)


@app.command("track", **example("skywarden track detections.csv --site range --out tracked"))
def track_command(
    detections: Annotated[Path, typer.Argument(help="CSV or Parquet: time_s, range_m, azimuth_rad, elevation_rad, "
        "range_rate_mps …")],
    site: Annotated[str, typer.Option(help="A site's name or folder.")],
    out: Annotated[Path, typer.Option(help="Folder for tracks, impacts, warnings and summary.json.")],
    format: Annotated[str, typer.Option(help="csv or parquet.")] = "csv",
) -> None:
    """Track recorded detections through the same function as a live radar's, as fast as it can."""
    from skywarden.site.load import load
    from skywarden.tools.track import track_file

    if format not in ("csv", "parquet"):
        raise UsageError(f"--format {format}: it is csv or parquet")
    with talk.status("tracking … (the first run after installing compiles for a minute)"):
        summary = track_file(detections, load(site), out, format)
    print(json.dumps(summary))


@app.command("fly", **example("skywarden fly rounds.csv --out impacts.csv --wind -4,6 --atmosphere isa"))
def fly_command(
    rounds: Annotated[Path, typer.Argument(help="CSV: drag, ballistic_coefficient_kgm2, speed_mps, elevation_deg, "
        "bearing_deg, height_m")],
    out: Annotated[Path, typer.Option(help="Where to write the impacts, CSV or Parquet.")],
    wind: Annotated[str, typer.Option(help="Wind towards east and north, m/s: E,N")] = "0,0",
    atmosphere: Annotated[str, typer.Option(help="isa, isa-geometric or exponential.")] = "isa",
    isa_offset: Annotated[float, typer.Option(help="Temperature above the standard atmosphere's [K].")] = 0.0,
    ground_height: Annotated[float, typer.Option(help="Height of the flat ground above mean sea level [m].")] = 1790.0,
) -> None:
    """Fly given states forward on an idealised range, to check the flight model."""
    from skywarden.tools.fly import fly_rounds

    flown = fly_rounds(rounds, out, _pair(wind), atmosphere, isa_offset, ground_height)
    talk.print(f"{flown} rounds flown to the ground: {out}", highlight=False)


@app.command("allocate", **example("skywarden allocate instance.txt --time-limit 60 --json"))
def allocate_command(
    instance: Annotated[Path, typer.Argument(help="Text: `weapons targets mu`, the targets' values, then `weapon "
        "target probability` lines.")],
    time_limit: Annotated[float, typer.Option(help="Seconds after which the best plan so far is given, with its "
        "bound.")] = 60.0,
    quick: Annotated[bool, typer.Option("--fast", help="The pairing the rehearsal uses in every frame: milliseconds, "
        "near the best.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, with the assignment.")] = False,
) -> None:
    """Solve a published weapon-target assignment instance: the plan, and a proven bound on the
    best.
    """
    from skywarden.tools.allocate import solve

    limit = _positive(time_limit, "--time-limit")
    with talk.status("allocating …"):
        result = solve(instance, limit or 60.0, quick)
    if as_json:
        print(json.dumps(result))
        return
    result["assignment"] = f"{sum(shots for _, _, shots in result['assignment'])} shots (listed with --json)"
    print(_sentences(result))


@app.command("replay", **example("skywarden replay night.rec --from 02:14 --speed 4"))
def replay_command(
    record: Annotated[Path, typer.Argument(help="A record file.")],
    check: Annotated[bool, typer.Option("--check", help="Run the recorded frames through the same functions and "
        "compare, bit for bit.")] = False,
    start: Annotated[str, typer.Option("--from", help="Seconds, MM:SS, or HH:MM:SS into the record.")] = "0",
    speed: Annotated[str, typer.Option(help="Seconds of the record a second, or 'max'.")] = "1",
    console: Annotated[bool, typer.Option("--console", help="On the console's page, until Ctrl-C.")] = False,
    port: Annotated[int | None, typer.Option(min=0, max=65535,
        help="Of that page on 127.0.0.1. Default: 8080, or a free one.")] = None,
    tiles: Annotated[str | None, typer.Option(metavar="URL", help=TILES_HELP)] = None,
) -> None:
    """Show a record again, or check that the same frames still give the same pictures."""
    began, pace = _moment(start), _speed(speed)
    glance(record)
    if check:
        from skywarden.session.checks import check_record

        with limited(record):
            result = check_record(record, talk)
        print(result.sentence)
        raise typer.Exit(0 if result.same else 1)
    from skywarden.session.replay import replay, replay_page

    if console:
        replay_page(record, port, talk, tiles)
        return
    with limited(record, timed=False):
        frames = replay(record, began, pace, talk)
    print(f"{frames} frames replayed")


@app.command("review", **example("skywarden review night.rec --out report.html"))
def review_command(
    record: Annotated[Path, typer.Argument(help="A record file.")],
    out: Annotated[Path, typer.Option(help="The HTML page to write.")] = Path("report.html"),
) -> None:
    """Write the after-action report of a record as one self-contained page."""
    glance(record)
    from skywarden.review.report import write

    with talk.status("drawing …"), limited(record):
        write(record, out)
    print(out)


@app.command("export", **example("skywarden export night.rec --to geojson --out night.geojson"))
def export_command(
    record: Annotated[Path, typer.Argument(help="A record file.")],
    to: Annotated[str, typer.Option(help="geojson, kml, czml, parquet (a folder) or mcap.")],
    out: Annotated[Path, typer.Option(help="The file, or folder, to write.")],
) -> None:
    """Write what a record believed and warned as a file that other programs open."""
    glance(record)
    from skywarden.review.export import write

    with talk.status("exporting …"), limited(record):
        write(record, to, out)
    print(out)


@app.command("user", **example("skywarden user users.toml amina operator"))
def user_command(
    users: Annotated[Path, typer.Argument(help="The file of users, made where there is none.")],
    name: Annotated[str, typer.Argument(help="Letters, digits and underscores.")],
    role: Annotated[str, typer.Argument(help="observer, operator, supervisor or instructor.")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True,
        help="Asked for when not given.")],
) -> None:
    """Add a user of the console, or change role and password."""
    from skywarden.console.access.users import add_user

    add_user(users, name, role, password)
    print(f"{users}: {name} is {role}")


@app.command("check", **example("skywarden check sites/kabul scenarios/quiet-night.toml night.rec"))
def check_command(
    files: Annotated[list[Path], typer.Argument(help="Sites, scenarios, zones, recorded flights, records.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say everything that is wrong with the given files, each with file, line, value and what to
    do; of good ones, why they may protect nobody.

    Of a record: every clearance given and every simulated order, checked by code that shares
    nothing with what gave them.
    """
    told: dict[str, Any] = {}
    for file in files:
        if _is_record(file):
            told[str(file)] = _judged(file, as_json)
            continue
        from skywarden.tools.check import judge_file

        faults, doubts = judge_file(file)
        told[str(file)] = {"good": not faults, "faults": [str(fault) for fault in faults], "doubts": list(doubts)}
        if not as_json:
            good = "\n    ".join([f"{file}: good{', but' if doubts else ''}", *doubts])
            print("\n".join(map(str, faults)) if faults else good)
    if as_json:
        print(json.dumps(told))
    raise typer.Exit(0 if all(answer["good"] for answer in told.values()) else 1)


def _is_record(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(15) == b"SQLite format 3" or file.name.endswith(".rec.zst")
    except (OSError, ValueError):
        return False


def _judged(file: Path, quiet: bool) -> dict[str, Any]:
    """What is wrong with a record's clearances and orders, said unless `quiet`."""
    glance(file)
    from skywarden.session.checks import judge_record

    with limited(file):
        found = judge_record(file, talk)
    good = not found.violations and not found.faults
    if not quiet:
        for fault in found.faults:
            print(f"{file}: {fault}")
        for v in found.violations:
            print(f"{file}: {v.t:.2f} s  track {v.track}, effector {v.effector}: {v.rule}: {v.what}")
        verdict = "good" if good else f"{len(found.violations)} violations"
        print(f"{file}: {found.frames} frames, {found.clearances} clearances given, {found.orders} simulated orders: "
            f"{verdict}")
    return {
        "good": good, "frames": found.frames, "clearances": found.clearances, "orders": found.orders,
        "faults": list(found.faults),
        "violations": [v._asdict() for v in found.violations]}


@app.command("new-site", **example("skywarden new-site OAKB --out my-airport"))
def new_site_command(
    airport: Annotated[str, typer.Argument(help="ICAO or IATA code, or a name, of one of some 3,300 airports.")],
    out: Annotated[Path | None, typer.Option(help="Folder to make. Default: the code in small letters.")] = None,
) -> None:
    """Make a site for an airport: its runways from the open list, everything else illustrative, for
    you to change.
    """
    from skywarden.tools.new_site import new_site

    found, folder = new_site(airport, out)
    print(f"{folder}: {found.icao} {found.name}, {len(found.runways)} runway(s) at {found.elevation:.0f} m; radar, "
        "weather and zone are illustrative")
    print(f"next: skywarden check {folder}; skywarden run quiet-night --site {folder}, and E in the console draws "
        "zones")


@app.command("convert", **example("skywarden convert trace_full_4b1800.json --out flights.csv"))
def convert_command(
    traffic: Annotated[Path, typer.Argument(help="readsb trace, aircraft.json, BaseStation text, or a table (CSV, "
        "JSON, Parquet) with time and place.")],
    out: Annotated[Path, typer.Option(help="The CSV of recorded flights to write.")],
    altitude: Annotated[str | None, typer.Option(help="ft or m, where heights are not in the unit that their column "
        "usually has.")] = None,
) -> None:
    """Make recorded flights for a scenario out of traffic as other programs keep it."""
    from skywarden.tools.convert import convert

    print(convert(traffic, out, altitude))


@app.command("list", **example("skywarden list"))
def list_command() -> None:
    """List the sites and scenarios at hand, a line each."""
    from skywarden.tools.listing import scenarios, sites

    print("sites")
    for line in sites():
        print(f"  {line}")
    print("scenarios")
    for line in scenarios():
        print(f"  {line}")


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0.01 <= speed <= 1000.0:
        raise UsageError(f"--speed {text}: give a number from 0.01 to 1000, or max")
    return speed


def _positive(value: float | None, option: str) -> float | None:
    if value is not None and not 0.0 < value < 1e9:
        raise UsageError(f"{option} {value}: give a positive number of seconds")
    return value


def _pair(text: str) -> tuple[float, float]:
    try:
        east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--wind {text}: give two numbers, towards east and north in m/s, as in --wind -4,6") from None
    return east, north


def _moment(text: str) -> float:
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        parts = []
    if not 1 <= len(parts) <= 3 or not all(0.0 <= part < 1e9 for part in parts):
        raise UsageError(f"--from {text}: give seconds, MM:SS or HH:MM:SS from the start of the record")
    seconds = 0.0
    for part in parts:
        seconds = 60.0 * seconds + part
    return seconds


def _sentences(summary: dict[str, Any]) -> str:
    width = max(len(key) for key in summary)
    return "\n".join(f"{key.replace('_', ' '):<{width}}  {_said(value)}" for key, value in summary.items())


def _said(value: Any) -> str:
    """A figure for people: nothing known is a dash, several are told one after the other."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items()) or "none"
    return "—" if value is None else str(value)


def main() -> None:
    """Entry point. Every failure becomes a sentence on standard error; SKYWARDEN_DEBUG=1 adds the
    traceback.
    """
    _speak_plainly()
    try:
        app(prog_name="skywarden")      # usage errors end with exit 2 and a sentence of Typer's
        code = 0
    except SystemExit as leaving:       # Typer's own way to end a command
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except (UsageError, StudyError) as error:
        code = _complain(error, 2)
    except SkywardenError as error:
        code = _complain(error, 1)
    except BrokenPipeError:
        # whoever read our output has gone; that is no failure of ours, but Python must not try to flush again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except (OSError, MemoryError) as error:
        code = _complain(f"the machine refused: {error or type(error).__name__}", 1)
    except Exception as error:
        what = f"a fault of Skywarden itself, not of yours: {type(error).__name__}: {error}"
        code = _complain(f"{what}\n    Please report it with the command you gave; SKYWARDEN_DEBUG=1 shows where it "
            "happened.", 1)
    _end(code)


def _end(code: int) -> None:
    """End the program; at once where a stopped terminal (Ctrl-S) would hold it for ever."""
    if held():
        os._exit(code)
    sys.exit(code)


# Characters of ours that a terminal of few characters cannot show, and what it shows for them; "?" for any other.
PLAIN = {"—": "-", "–": "-", "…": "...", "’": "'", "‘": "'", "“": '"', "”": '"', "·": "-", "→": "->", "≥": ">=",
    "≤": "<=", "±": "+-", "×": "x", "²": "2",
         "³": "3", "σ": "sigma", "π": "pi", "\u202f": " ", "\u2009": " ", "\u00a0": " "}


def _speak_plainly() -> None:
    """What a terminal's encoding cannot show is shown as something like it, and never ends a run."""
    codecs.register_error("skywarden-plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="skywarden-plain")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    shown = "".join(PLAIN.get(character, "?") for character in error.object[error.start : error.end])
    return "".join(character if character.isascii() else "?" for character in shown), error.end


def _complain(error: object, code: int) -> int:
    if os.environ.get("SKYWARDEN_DEBUG"):
        traceback.print_exc()
    print(f"skywarden: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
