"""Forms: exams drawn from a blueprint and a secret, each as hard as the others, none with a raid of
the last two.

A form is accepted when simulated trainees fare alike on it and on its pool: two one-sided tests, 5
% of decision quality, a 90 % interval. Source: docs/models/scoring.md, Forms.
"""

from __future__ import annotations

import math
import os
import secrets
import tomllib
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skywarden.errors import UsageError
from skywarden.exercise import oracle, policies
from skywarden.exercise.oracle import DISMISS, KEEP, SPARE, WARN
from skywarden.exercise.score import decision_quality
from skywarden.exercise.stimulus import GONE, SURFEIT, WRONG, Knowledge, Stimulus
from skywarden.messages.tables import Array
from skywarden.site.model import Site

PLAIN, CLEAR, BLIND, GHOST, MANY, RADAR, SIREN, MESSAGE, PROBE = (
    "plain", "clear", "gone", "wrong", "surfeit", "radar", "siren", "message", "probe")
FAMILIES = (PLAIN, CLEAR, BLIND, GHOST, MANY, RADAR, SIREN, MESSAGE, PROBE)
ZONED = (PLAIN, CLEAR, BLIND, GHOST, MANY)      # families that endanger a zone, or seem to
AT_ONCE = 4             # zones that a surfeit endangers together
DANGEROUS = (0.75, 0.9)     # probability of danger, between which dangers are drawn
HARMLESS = (0.05, 0.12)     # the same of what is not worth a warning
LEAD_S = (18.0, 24.0)       # from the first sight of a round to its impact [s]
WARNED_S = 1.5              # after which the system warns [s]
SECTORS = 36                # directions that raids come from; three forms in a row use different thirds of them
CLASSES = ("small rocket", "heavy mortar", "medium rocket")
RUNS = 160                  # of all policies, on a form and on its pool
POOL = 40                   # forms of a pool
MARGIN = 0.05               # of decision quality, within which two forms are as hard as one another
NINETY = 1.6449             # standard deviations: one-sided 95 %, so that both sides together are a 90 % interval
SPREADS = (0.8, 1.25)       # ratio of standard deviations allowed
REDRAWS = 20


class Blueprint(NamedTuple):
    """What every form of a sort holds: how many of each family, and how far apart [s]."""

    name: str
    counts: tuple[tuple[str, int], ...]
    spacing: tuple[float, float]
    lasts: float            # of the whole exercise, at least [s]


class Item(NamedTuple):
    """One thing that a form poses: when [s], of which family, to which zones, from which
    direction [rad].
    """

    t: float
    family: str
    zones: tuple[int, ...]
    bearing: float
    sort: str               # class of round
    probability: float
    lead: float             # [s]


class Form(NamedTuple):
    """One exam as it was drawn; `seed` is the scenario's."""

    blueprint: Blueprint
    number: int
    seed: int
    items: tuple[Item, ...]

    def raids(self) -> frozenset[tuple[str, tuple[int, ...], int, str]]:
        """What tells its raids from those of another form: family, zones, sector, class."""
        return frozenset(
            (item.family, item.zones, int(item.bearing / (2.0 * math.pi) * SECTORS), item.sort)
            for item in self.items if item.family in ZONED)


class Equivalence(NamedTuple):
    """How a form compares with its pool: difference of mean decision quality, its 90 %
    interval, ratio of spreads.
    """

    difference: float
    interval: tuple[float, float]
    spreads: float

    @property
    def accepted(self) -> bool:
        """Whether the form is as hard as its pool."""
        low, high = self.interval
        return low > -MARGIN and high < MARGIN and SPREADS[0] <= self.spreads <= SPREADS[1]


BLUEPRINTS = {
    "watch": Blueprint("watch", (
        (PLAIN, 7), (CLEAR, 7), (BLIND, 8), (GHOST, 8), (MANY, 2), (RADAR, 1), (SIREN, 1), (MESSAGE, 4), (PROBE, 3)),
        (35.0, 55.0), 1500.0),
    "traps": Blueprint("traps", (
        (PLAIN, 12), (CLEAR, 4), (BLIND, 10), (GHOST, 10), (MANY, 3), (RADAR, 1), (SIREN, 1), (MESSAGE, 2), (PROBE, 2)),
        (35.0, 50.0), 1500.0),
    "quiet": Blueprint("quiet", ((PLAIN, 6), (CLEAR, 6), (MESSAGE, 4), (PROBE, 6)), (90.0, 160.0), 2700.0),
}


def accepted(plan: Blueprint, key: bytes, number: int, site: Site) -> tuple[Form, Equivalence]:
    """The first drawing of a number that is as hard as its pool. Raises UsageError where
    REDRAWS are not.

    plan  blueprint: how many items of each family, and how far apart
    key   secret that the drawing is keyed with
    site  the site as its defender declared it
    """
    for again in range(REDRAWS):
        form = draw(plan, key, number, site, again)
        found = equivalence(form, site)
        if found.accepted:
            return form, found
    raise UsageError(
        f"no form of {plan.name} for {site.name} is as hard as its pool in {REDRAWS} drawings: ask for more of each"
        " family")


def draw(plan: Blueprint, key: bytes, number: int, site: Site, again: int = 0) -> Form:
    """Draw a form: the same key, plan and number give the same one.

    site   the site as its defender declared it
    again  number of the attempt, for a form that was not as hard as its pool

    The zones of a family are spread over all that can be warned by the people there, so that each
    form has as much at stake.
    """
    seed = blake2b(f"{plan.name}|{number}|{again}".encode(), key=key[:64], digest_size=16).digest()
    chance = np.random.Generator(np.random.PCG64(int.from_bytes(seed, "big")))
    zones = sorted((k for k, zone in enumerate(site.zones) if zone.warn and zone.people > 0),
        key=lambda k: site.zones[k].people)
    if len(zones) < AT_ONCE:
        raise UsageError(f"{site.name} has {len(zones)} zones to warn with people in them; a form needs {AT_ONCE}")
    posed: list[tuple[str, tuple[int, ...]]] = []
    for family, count in plan.counts:
        posed += [(family, _zones_of(family, k, count, zones)) for k in range(count)]
    items, t = [], 45.0
    for j in chance.permutation(len(posed)).tolist():
        family, mine = posed[j]
        harmless = family in (CLEAR, GHOST)
        sector = 3 * int(chance.integers(SECTORS // 3)) + number % 3
        items.append(Item(
            round(t, 1), family, mine, (sector + float(chance.random())) * 2.0 * math.pi / SECTORS,
            CLASSES[int(chance.integers(len(CLASSES)))], float(chance.uniform(*(HARMLESS if harmless else DANGEROUS))),
            float(chance.uniform(*LEAD_S))))
        t += float(chance.uniform(*plan.spacing))
    return Form(plan, number, int(chance.integers(2**62)), tuple(items))


def planned(form: Form, site: Site) -> list[Stimulus]:
    """The decisions about zones and tracks that a form is drawn to pose, as far as they can be
    known.

    site  the site as its defender declared it
    """
    return [stimulus for k, item in enumerate(form.items) if item.family in ZONED for zone in item.zones
            for stimulus in _posed(item, zone, 1 + k, site)]


def equivalence(form: Form, site: Site, runs: int = RUNS) -> Equivalence:
    """Compare a form with its pool by simulated trainees.

    site  the site as its defender declared it
    runs  number of simulated trainees' runs
    """
    mine = qualities([form], site, runs, form.seed % 2**32)
    pool = _pool(form.blueprint, runs, _Held(site))
    apart = float(mine.mean() - pool.mean())
    half = NINETY * math.sqrt(float(mine.var(ddof=1) + pool.var(ddof=1)) / runs)
    return Equivalence(apart, (apart - half, apart + half), float(mine.std(ddof=1) / pool.std(ddof=1)))


def qualities(forms: list[Form], site: Site, runs: int, seed: int) -> Array:
    """(runs,) mean decision quality of the simulated trainees, the forms taken in turn.

    site  the site as its defender declared it
    seed  seed of the random numbers
    """
    sheets = [planned(form, site) for form in forms]
    chance = np.random.Generator(np.random.PCG64(seed))
    found = []
    for run in range(runs):
        sheet = sheets[run % len(sheets)]
        found.append(np.mean([decision_quality(policies.trials(sheet, policy, chance))
            for policy in policies.POLICIES]))
    return np.array(found)


def blueprint_of(name: str) -> Blueprint:
    """One of BLUEPRINTS, or that of a TOML file: `minutes`, `spacing_s` and a table `families`.
    Raises UsageError.

    name  name of the blueprint, or its TOML file
    """
    if name in BLUEPRINTS:
        return BLUEPRINTS[name]
    try:
        said = tomllib.loads(Path(name).read_text("utf-8"))
        counts = tuple((family, int(count)) for family, count in said["families"].items())
        low, high = (float(each) for each in said["spacing_s"])
        made = Blueprint(Path(name).stem, counts, (low, high), 60.0 * float(said["minutes"]))
    except (OSError, UnicodeDecodeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{name} is no blueprint: {error}. Use {', '.join(BLUEPRINTS)}, or a file with minutes, spacing_s and"
            " [families]") from None
    unknown = sorted({family for family, _ in counts} - set(FAMILIES))
    if unknown or not 20.0 <= low <= high or not any(f in (BLIND, GHOST) and n > 0 for f, n in counts) or min(n for _,
        n in counts) < 0:
        raise UsageError(
            f"{name}: families are {', '.join(FAMILIES)}, one of gone and wrong among them; spacing_s from 20 on,"
            " [least, greatest]")
    return made


def secret_of(file: Path) -> bytes:
    """The secret that forms are drawn from; a new one, 0600, where there is no such file."""
    if not file.exists():
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as opened:
            opened.write(secrets.token_hex(32) + "\n")
    try:
        key = bytes.fromhex(file.read_text("utf-8").strip())
    except (OSError, UnicodeDecodeError, ValueError) as error:
        said = f"{file} is no secret of 64 hexadecimal digits: {error}"
        raise UsageError(f"{said}. Name a new file to have one made") from None
    if len(key) < 16:
        raise UsageError(f"{file} is too short a secret: name a new file to have one made")
    return key


def _zones_of(family: str, k: int, count: int, zones: list[int]) -> tuple[int, ...]:
    """Zones of the k-th of a family: spread evenly over those to be warned, fewest people first."""
    if family == MANY:
        step = max(len(zones) // AT_ONCE, 1)
        return tuple(zones[(k + step * j) % len(zones)] for j in range(AT_ONCE))
    return (zones[int((k + 0.5) * len(zones) / count) % len(zones)],) if family in (*ZONED, SIREN) else ()


def _posed(item: Item, zone: int, track: int, site: Site) -> list[Stimulus]:
    declared, price = site.zones[zone], site.policy.warn_probability
    due = item.t + item.lead
    decide = max(item.t, due - declared.shelter_s)
    harmless, seen = item.family in (CLEAR, GHOST), item.family not in (CLEAR, BLIND)
    traps = {BLIND: (GONE,), GHOST: (WRONG,), MANY: (SURFEIT,)}.get(item.family, ())
    known = Knowledge((item.t, decide), (item.probability,) * 2, (due,) * 2, (declared.people,) * 2)
    automation = (WARN, item.t + WARNED_S) if seen else (SPARE, math.nan)
    best = SPARE if harmless else WARN
    found = [Stimulus(
        "alarm", f"zone {declared.name}", item.t, due, decide, best, zone, math.nan if harmless else item.t,
            best == WARN,
        automation, known, declared.shelter_s, price, traps=traps)]
    if item.family == GHOST:        # somebody says it is none: to be called none as well
        doubted = oracle.weighed(oracle.MOST_SURE, 0.001)
        of_track = Knowledge(known.t, (doubted,) * 2, known.due, known.stake)
        found.append(Stimulus(
            "judge", f"track {track}", item.t, due, decide, DISMISS, -1, item.t, False, (KEEP, item.t), of_track, 0.0,
                price,
            traps=traps))
    return found


class _Held:
    """A site on its way through a cache that does not compare it."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def __hash__(self) -> int:
        return id(self.site)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and other.site is self.site


@lru_cache(maxsize=8)
def _pool(plan: Blueprint, runs: int, held: _Held) -> Array:
    """(runs,) decision quality on the forms of a pool, drawn from a key that everybody knows."""
    key = blake2b(b"pool", digest_size=32).digest()
    return qualities([draw(plan, key, k, held.site) for k in range(POOL)], held.site, runs, 7)
