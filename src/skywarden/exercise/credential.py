"""Certificates: Open Badges 3.0 credentials as signed tokens. Whoever has the records can work
every figure out again.

Source: docs/models/scoring.md, Certificate. 1EdTech Open Badges 3.0, section 8.2 (JSON Web Token
proof).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from joserfc.jwk import OKPKey

from skywarden.errors import UsageError
from skywarden.exercise import keys
from skywarden.exercise.course import DAY
from skywarden.exercise.roster import pseudonymous
from skywarden.exercise.standing import RUNGS, Folder, Standing, sealed_in, sittings, standing
from skywarden.exercise.stimulus import COMPETENCIES

CONTEXT = ["https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"]
NAMESPACE = UUID("5b1f1c60-6d0c-5e0e-9d5f-5c0e5c0e5c0e")       # of the names that are made from what a certificate says
VALID_DAYS = 365.0
SEAL, PERSON = "urn:skywarden:seal:", "urn:skywarden:person:"
TOKEN, REVOKED = "vc+jwt", "skywarden-revoked+jws"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class Verified(NamedTuple):
    """What became of checking a certificate; `faults` is empty where everything in it is so."""

    who: str
    rung: str
    faults: tuple[str, ...]


def certify(folder: Folder, who: str, key: OKPKey, now: float, days: float = VALID_DAYS) -> str:
    """A signed certificate of where somebody stands now [s since 1970], resting on all sealed
    exercises of a folder.

    who   pseudonym of the person
    key   the site's signing key
    days  days for which it is valid

    Raises UsageError where the person has none, or is called by a name that is no pseudonym.
    """
    if not pseudonymous(who):
        raise UsageError(
            f"{who} is no pseudonym: a certificate names nobody. Enrol people with `skywarden exercise enrol`, and let"
            " them log in by the id it gives")
    mine = [sitting for sitting in sittings(folder.exercises).get(who, []) if sitting.at <= now]
    if not mine:
        raise UsageError(f"{who} had a seat in none of the {len(folder.exercises)} sealed exercises")
    return keys.sign(key, _claims(standing(who, mine, now), key, float(int(now)), days), TOKEN)


def verify(token: str, folder: Path, key: OKPKey, now: float, revoked: Sequence[str] = ()) -> Verified:
    """Check a certificate: its signature, its time, that it is not revoked, and every figure,
    worked out again from the records.

    key     the site's, of which the public half is enough; the one that the certificate brings
            along counts for nothing
    token   the certificate, a compact token
    folder  folder of the sealed records
    now     present time [s since 1970]
    """
    said = keys.opened(key, token)
    if said is None:
        return Verified("", "", ("it was not signed with this key, or was changed since",))
    try:
        who = str(said["sub"]).removeprefix(PERSON)
        at, until = float(said["nbf"]), float(said["exp"])
        evidence = [str(each["id"]).removeprefix(SEAL) for each in said["evidence"]]
        rung = str(said["credentialSubject"]["achievement"]["name"])
    except (KeyError, TypeError, ValueError):
        return Verified("", "", ("it is no certificate of an exercise",))
    faults = [] if at <= now <= until else ["it is not valid at this time"]
    faults += ["it was revoked"] if str(said.get("jti")) in revoked else []
    found = sealed_in(folder, key)
    by_seal = {exercise.seal: exercise for exercise in found.exercises}
    missing = [seal for seal in evidence if seal not in by_seal]
    faults += [f"its evidence {seal} is in no sealed record of {folder.name}" for seal in missing]
    if not missing:
        mine = sittings([by_seal[seal] for seal in evidence]).get(who, [])
        again = _claims(standing(who, mine, at), key, at, (until - at) / DAY)
        faults += [f"its {part} is not what the records give" for part in again if again[part] != said.get(part)]
        faults += [f"it says {part}, which no certificate has" for part in said if part not in again]
    return Verified(who, rung, tuple(faults))


def revocations(path: Path | None, key: OKPKey) -> tuple[str, ...]:
    """The ids of revoked certificates. Raises UsageError where the list was not signed with
    this key.

    path  file of the signed list, None where there is none
    """
    if path is None or not path.exists():
        return ()
    said = keys.opened(key, path.read_text("utf-8", errors="replace"))
    if said is None or not isinstance(said.get("revoked"), list):
        raise UsageError(f"{path} is no list of revoked certificates signed with this key")
    return tuple(map(str, said["revoked"]))


def revoke(path: Path, token: str, key: OKPKey) -> str:
    """Put a certificate on the signed list of revoked ones; returns its id.

    path   file of the signed list
    token  the certificate, a compact token
    key    the site's signing key
    """
    said = keys.opened(key, token)
    if said is None or not isinstance(said.get("jti"), str):
        raise UsageError("the certificate was not signed with this key: it cannot be revoked with it either")
    listed = sorted({*revocations(path, key), said["jti"]})
    path.write_text(keys.sign(key, {"revoked": listed}, REVOKED) + "\n", encoding="utf-8")
    return str(said["jti"])


def did_of(key: OKPKey) -> str:
    """The issuer as did:key: the public key itself, so that it can be checked with no network."""
    raw = base64.urlsafe_b64decode(str(keys.public(key)["x"]) + "==")
    number, text = int.from_bytes(b"\xed\x01" + raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return f"did:key:z{text}"


def _claims(of: Standing, key: OKPKey, at: float, days: float) -> dict[str, Any]:
    """What a certificate says: the credential itself, with the registered claims beside it."""
    issuer, subject = did_of(key), PERSON + of.who
    seals = sorted({sitting.seal for sitting in of.sittings})
    number = uuid5(NAMESPACE, "|".join([issuer, of.who, repr(at), of.rung, *seals]))
    results, descriptions = _results(of)
    identity = f"urn:uuid:{number}"
    return {
        "@context": CONTEXT, "id": identity, "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": f"Warning watch: {of.rung}",
        "issuer": {"id": issuer, "type": ["Profile"], "name": f"site key {keys.thumbprint(key)[:12]}"},
        "validFrom": _date(at), "validUntil": _date(at + days * DAY),
        "credentialSubject": {
            "id": subject, "type": ["AchievementSubject"], "result": results,
            "achievement": {
                "id": f"urn:uuid:{uuid5(NAMESPACE, of.rung)}", "type": ["Achievement"], "achievementType": "Competency",
                "name": of.rung, "description": DESCRIPTIONS[of.rung], "criteria": {"narrative": CRITERIA},
                "resultDescription": descriptions}},
        "evidence": [{
            "id": SEAL + seal, "type": ["Evidence"], "name": "Sealed record of an exercise",
            "narrative": "Its scores are worked out again by `skywarden exercise verify`."} for seal in seals],
        "iss": issuer, "jti": identity, "sub": subject, "nbf": int(at), "exp": round(at + days * DAY)}


def _results(of: Standing) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    results, descriptions = [], []
    for competency, name in COMPETENCIES.items():
        found = of.courses[competency]
        low, high = found.interval
        described = f"urn:uuid:{uuid5(NAMESPACE, competency)}"
        value = f"{found.state}; {found.right} of {found.n} right; 95 % {low!r} to {high!r}; gate events {found.gates}"
        results.append({"type": ["Result"], "resultDescription": described, "value": value})
        descriptions.append({
            "id": described, "type": ["ResultDescription"], "name": f"{competency} {name}", "resultType": "Result"})
    return results, descriptions


def _date(t: float) -> str:
    return datetime.fromtimestamp(int(t), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


CRITERIA = (
    "Each competency is mastered, not yet, or unknown by a sequential test of trials scored against what could be"
    " known when they were decided. Truth grades nobody. See docs/models/scoring.md of Skywarden.")
DESCRIPTIONS = dict(zip(RUNGS, (
    "Observes. Stands no watch.",
    "May sit in a shadow seat: acts are recorded and not believed.",
    "May stand a warning watch under supervision.",
    "May stand a warning watch alone."), strict=True))
