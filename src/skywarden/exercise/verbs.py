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


RECORDS = typer.Option("--records", help="The folder of the exercises' records and their seals.")
ROSTER = typer.Option("--roster", help="The file of names and shifts, see `skywarden exercise enrol`.")
WHEN = typer.Option("--at", help="When, as 2026-11-30 or 2026-11-30T18:00, UTC. Default: now.")
REVOKED = typer.Option("--revoked", help="The signed list of revoked certificates.")
CERTIFICATE = typer.Argument(help="A certificate made by `skywarden exercise certificate`.")
AS_JSON = typer.Option("--json", help="One JSON object.")


def add(app: typer.Typer) -> None:
    """Add the verbs to `app`, the group of `skywarden exercise`."""
    for name, verb, example in (
        ("score", score_command, "skywarden exercise score watch.rec --json"),
        ("debrief", debrief_command, "skywarden exercise debrief watch.rec --out debrief.html"),
        ("form", form_command, "skywarden exercise form --site kabul --secret form.secret --out form-1.toml"),
        ("key", key_command, "skywarden exercise key site.key"),
        ("seal", seal_command, "skywarden exercise seal watch.rec --key site.key"),
        ("enrol", enrol_command, 'skywarden exercise enrol "Amina N." --roster roster.toml'),
        ("standing", standing_command, "skywarden exercise standing --records exercises --key site.key.public"),
        ("certificate", certificate_command,
         "skywarden exercise certificate p-7k2m9x4q --records exercises --key site.key --out badge.jwt"),
        ("verify", verify_command, "skywarden exercise verify badge.jwt --records exercises --key site.key.public"),
        ("revoke", revoke_command, "skywarden exercise revoke badge.jwt --key site.key --revoked revoked.jws"),
        ("statements", statements_command, "skywarden exercise statements watch.rec --out watch.jsonl"),
        ("forget", forget_command, "skywarden exercise forget p-7k2m9x4q --roster roster.toml --records exercises"),
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


def enrol_command(
    name: Annotated[str, typer.Argument(help="The person's name. It stands in the roster, and nowhere else.")],
    roster: Annotated[Path, ROSTER],
) -> None:
    """Give somebody a pseudonym to log in by: records, scores and certificates hold that alone."""
    from skywarden.exercise.roster import enrol

    print(enrol(roster, name))


def standing_command(
    records: Annotated[Path, RECORDS],
    key: Annotated[Path, KEY],
    roster: Annotated[Path | None, ROSTER] = None,
    at: Annotated[str, WHEN] = "",
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Say where everybody stands, how probably each shift is ready, and who should train what
    next; from sealed records.
    """
    from skywarden.exercise import keys
    from skywarden.exercise.roster import shifts
    from skywarden.exercise.sentences import standings
    from skywarden.exercise.standing import report

    found = report(records, keys.read_key(key), _when(at), shifts(roster) if roster is not None else ())
    print(_json(found) if as_json else standings(found))


def certificate_command(
    who: Annotated[str, typer.Argument(help="The person's pseudonym.")],
    records: Annotated[Path, RECORDS],
    key: Annotated[Path, KEY],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    days: Annotated[float, typer.Option(min=1.0, max=3650.0, help="Days it is valid for.")] = 365.0,
    at: Annotated[str, WHEN] = "",
) -> None:
    """Certify where somebody stands: an Open Badges 3.0 credential, signed, that anybody with
    the records can work out again.
    """
    from skywarden.exercise import credential, keys
    from skywarden.exercise.standing import sealed_in

    signing = keys.read_key(key)
    out.write_text(credential.certify(sealed_in(records, signing), who, signing, _when(at), days) + "\n",
        encoding="utf-8")
    print(out)


def verify_command(
    files: Annotated[list[Path], typer.Argument(help="Certificates, or sealed records.")],
    key: Annotated[Path, KEY],
    records: Annotated[Path | None, RECORDS] = None,
    revoked: Annotated[Path | None, REVOKED] = None,
    at: Annotated[str, WHEN] = "",
) -> None:
    """Check a sealed record, or a certificate with every figure in it worked out again. Exit 1
    where anything is not so.
    """
    from skywarden.exercise import keys
    from skywarden.exercise.verifying import verify_file

    site_key, now = keys.read_key(key), _when(at)
    faults = {file: verify_file(file, site_key, records, revoked, now) for file in files}
    for file, found in faults.items():
        print("\n".join(f"{file}: {fault}" for fault in found) or f"{file}: good")
    raise typer.Exit(1 if any(faults.values()) else 0)


def revoke_command(
    certificate: Annotated[Path, CERTIFICATE],
    key: Annotated[Path, KEY],
    revoked: Annotated[Path, REVOKED],
) -> None:
    """Put a certificate on the signed list of those that count no more."""
    from skywarden.exercise import credential, keys

    print(f"{revoked}: {credential.revoke(revoked, certificate.read_text('utf-8'), keys.read_key(key))}")


def statements_command(
    record: Annotated[Path, RECORD],
    out: Annotated[Path, typer.Option(help="The file to write, one JSON object a line.")],
) -> None:
    """Write every trial as an xAPI statement, for a learning record store."""
    from skywarden.exercise.of_record import read_exercise
    from skywarden.exercise.statements import lines

    found = list(lines(read_exercise(record)))
    out.write_text("".join(f"{line}\n" for line in found), encoding="utf-8")
    print(f"{out}: {len(found)} statements")


def forget_command(
    who: Annotated[str, typer.Argument(help="The person's pseudonym.")],
    roster: Annotated[Path, ROSTER],
    records: Annotated[list[Path] | None, typer.Option("--records", help="Folders to search for the name.")] = None,
) -> None:
    """Take a person's name out of the roster. Records and certificates stay, and lead to
    nobody. Exit 1 where a file holds the name.
    """
    from skywarden.exercise.roster import forget

    _, holding = forget(roster, who, records or [])
    print(f"{roster}: {who} has no name any more")
    for file in holding:
        print(f"{file} still holds the name: delete it, or take it out of the folder")
    raise typer.Exit(1 if holding else 0)


def debrief_command(
    record: Annotated[Path, RECORD],
    out: Annotated[Path, typer.Option(help="The HTML page to write.")] = Path("debrief.html"),
    who: Annotated[str, typer.Option(help="Whose. Default: whoever had the watch longest.")] = "",
    language: Annotated[str, typer.Option(help="Of the page.")] = "en",
) -> None:
    """Write one page: for each decision what could be known, what was done, and what the best
    and an expert would have done.
    """
    from skywarden.exercise.debrief import write

    write(record, out, who, language)
    print(out)


def form_command(
    site: Annotated[str, typer.Option(help="The site's name or folder.")],
    secret: Annotated[Path,
        typer.Option(help="A file with the secret that forms are drawn from; made where there is none.")],
    out: Annotated[Path, typer.Option(help="The scenario to write.")],
    number: Annotated[int, typer.Option(min=1, max=1_000_000, help="Which form.")] = 1,
    blueprint: Annotated[str, typer.Option(help="watch, traps or quiet, or a blueprint's file.")] = "watch",
) -> None:
    """Draw an exam's form from a blueprint and a secret: as hard as every other, and with no
    raid of the last two.
    """
    from skywarden.exercise.form_scenario import write_form

    print(write_form(site, secret, number, blueprint, out))


def _when(text: str) -> float:
    """Seconds since 1970 of a date, or of now."""
    import time
    from datetime import UTC, datetime

    from skywarden.errors import UsageError

    if not text:
        return time.time()
    try:
        return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise UsageError(f"--at {text}: give a date as 2026-11-30 or 2026-11-30T18:00") from None


def _json(value: Any) -> str:
    """JSON that is the same for the same value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)
