"""What a run was worth: rounds matched by their truth, zones hit and warned, ellipses,
probabilities, minutes under shelter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from . import flight, others, reference
from .places import distance
from .radar import able
from .raids import Raid, zones_that_warn
from .run import Moment, Told

BEFORE = (15.0, 10.0, 5.0, 2.0)     # s before a round's impact at which its ellipse and probabilities are judged
AT_LEAST = 3.0          # s before the first hit that a warning must come
SEEN = (5.0, 4, 8.0)    # s, looks and least s that the radar must have been able to see a round for its zone to count
NEAR, FAR, PAIRS = 40.0, 500.0, 1000.0      # m: a hit endangers; nothing near; pairs of round and zone that are judged
GATE = 0.02, 60.0       # of the range to the origin, and m, within which a track is a round's
CHI90 = 4.605           # chi-squared of two degrees of freedom, 90 %
BELIEVED = 0.5


class Zoned(NamedTuple):
    """One zone of one raid."""

    raid: int
    zone: int
    hit: float          # first impact within NEAR [s]; nan none
    nearest: float      # of all impacts [m]
    eligible: bool
    raised: float       # first raise not after the first hit, or first of all; nan never
    possible: float     # s from the first moment its first round could be seen to the hit
    people: float
    seconds: float      # it stood under warning
    clairvoyant: float  # s it would have stood had all been known


class Placed(NamedTuple):
    """One round at one time before its impact."""

    raid: int
    round: int
    before: float
    counted: bool       # had been in sight long enough
    miss: float         # m between published and true place; nan without
    inside: bool        # the 90 % ellipse
    area: float         # of it [m²]; nan without
    flight: float       # s of flight in all
    range: float        # m flown
    energy: float       # score of the published normal law [m]; nan without


class Paired(NamedTuple):
    """One round and one zone at one time before the impact."""

    raid: int
    round: int
    zone: int
    before: float
    counted: bool
    published: float
    hit: bool


class Scored(NamedTuple):
    """A raid's rows and counts."""

    zones: list[Zoned]
    places: list[Placed]
    pairs: list[Paired]
    rounds: int
    visible: int        # of them the radar could see long enough
    tracked: int        # visible ones ever with a track
    believed: int       # ever believed a projectile
    tracks: int         # projectile tracks that belong to rounds
    stray: int          # projectile tracks that belong to none
    revisit: float = 0.25           # s between looks of the slowest radar
    # the reference filter's, the same rows as `places`; empty where it was not asked
    reference: Sequence[Placed] = ()
    expected: Sequence[Paired] = ()     # the same rows as `pairs`
    # zones it would have warned by the plain rule, and when; None not asked
    rule: Sequence[tuple[int, float]] | None = None


def matched(raid: Raid, told: Told) -> list[np.ndarray]:
    """Which body (rounds come first) each track of each moment is: -1 none. By its place, and
    by the majority over its life.
    """
    bodies = raid.bodies
    times = np.array([m.t for m in told.moments])
    truth = np.stack([flight.at(body.path, times)[:, :3] for body in bodies], 1)
    votes: dict[int, np.ndarray] = {}
    for moment, places in zip(told.moments, truth, strict=True):
        if not len(moment.track):
            continue
        apart = np.linalg.norm(moment.position[:, None] - places, axis=-1)
        apart = np.where(np.isfinite(apart), apart, np.inf)
        best = apart.argmin(1)
        near = apart[np.arange(len(best)), best] <= GATE[1] + GATE[0] * np.linalg.norm(moment.position, axis=1)
        for number, row, ok in zip(moment.track.tolist(), best.tolist(), near.tolist(), strict=True):
            vote = votes.setdefault(number, np.zeros(len(bodies) + 1))
            vote[row if ok else -1] += 1.0
    owner = {number: int(vote[:-1].argmax()) if vote[:-1].max() > vote[-1] else -1 for number, vote in votes.items()}
    return [np.array([owner[n] for n in moment.track.tolist()], int) for moment in told.moments]


def sight(raid: Raid) -> tuple[np.ndarray, np.ndarray]:
    """Of each round: when a radar could first see it, nan never, and the times (rounds, k) each
    quarter second that one could.
    """
    t = np.arange(0.0, raid.until, 0.25)
    see = np.stack([np.any([able(radar, r.body, t) for radar in raid.case.radars], axis=0) for r in raid.rounds])
    first = np.where(see.any(1), t[see.argmax(1)], np.nan)
    return first, see


def needed(raid: Raid) -> float:
    """Seconds of sight after which a round is reckoned with: 5 s, the feed's lag and four looks."""
    lag, revisit = max(r.lag for r in raid.case.radars), max(r.revisit for r in raid.case.radars)
    return SEEN[0] + lag + SEEN[1] * revisit


Beside = tuple[list[Placed], list[Paired]]


def score(raid: Raid, told: Told, number: int = 0, beside: Beside | None = None,
    rule: list[tuple[int, float]] | None = None) -> Scored:
    """Everything judged of one raid.

    beside  what the reference filter says of the same rounds: `by_reference`
    rule    the zones that its expectations would have warned by the plain rule, and when:
            `reference.warnings`
    """
    owners = matched(raid, told)
    first, see = sight(raid)
    ends = np.array([r.body.path.end for r in raid.rounds])
    spots = np.stack([r.body.path.place[:2] for r in raid.rounds])
    known = np.array([0.25 * see[k].sum() for k in range(len(ends))])
    zones = _zones(raid, told, number, first, known, ends, spots)
    places, pairs = _rounds(raid, told, owners, number, first, ends, spots)
    had, sure, projectiles = set(), set(), {}
    for moment, owner in zip(told.moments, owners, strict=True):
        had.update(owner.tolist())
        for n, row, p in zip(moment.track.tolist(), owner.tolist(), moment.projectile.tolist(), strict=True):
            if p >= BELIEVED:
                sure.add(row)
                projectiles[n] = row
    n = len(ends)
    visible = {k for k in range(len(ends)) if known[k] >= max(needed(raid), SEEN[2])}
    return Scored(zones, places, pairs, len(ends), len(visible), len(visible & had), len(visible & sure),
                  sum(0 <= r < n for r in projectiles.values()), sum(not 0 <= r < n for r in projectiles.values()),
                  max(radar.revisit for radar in raid.case.radars), *(beside or ((), ())), rule)


def _zones(raid, told, number, first, known, ends, spots) -> list[Zoned]:
    out = []
    least = max(needed(raid), SEEN[2])
    last = told.moments[-1].t
    all_raises = [(int(z), m.t) for m in told.moments for z in m.raised]
    all_clears = [(int(z), m.t) for m in told.moments for z in m.cleared]
    for k, zone in zones_that_warn(raid.place):
        apart = distance(spots, zone.ring)
        hits = np.flatnonzero(apart <= NEAR)
        raises = np.array([t for z, t in all_raises if z == k])
        clears = np.array([t for z, t in all_clears if z == k])
        stood = sum(float(min(np.append(clears[clears > t], last))) - t for t in raises)
        if not len(hits):
            out.append(Zoned(number, k, np.nan, float(apart.min()), False, float(raises[0]) if len(raises) else np.nan,
                np.nan, zone.people, stood, 0.0))
            continue
        row = hits[ends[hits].argmin()]
        hit = float(ends[row])
        eligible = bool(known[row] >= least and hit - first[row] >= least)
        before = raises[raises <= hit]
        soonest = np.nanmin(first[hits]) if np.isfinite(first[hits]).any() else hit
        out.append(Zoned(number, k, hit, float(apart.min()), eligible, float(before[0]) if len(before) else np.nan,
            hit - float(first[row]), zone.people,
                         stood, min(float(ends[hits].max()) + raid.place.all_clear, last) - soonest))
    return out


def _rounds(raid, told, owners, number, first, ends, spots) -> tuple[list[Placed], list[Paired]]:
    places, pairs = [], []
    times = np.array([m.t for m in told.moments])
    zones = zones_that_warn(raid.place)
    apart = {k: distance(spots, zone.ring) for k, zone in zones}
    for row, r in enumerate(raid.rounds):
        flown = float(np.hypot(*(r.body.path.place[:2] - r.body.path.states[0, :2])))
        for before in BEFORE:
            when = ends[row] - before
            if when < r.launched:
                continue
            i = moment_of(times, when)
            counted = bool(np.isfinite(first[row]) and when - first[row] >= needed(raid))
            place, covariance, track = published(told.moments[i], owners[i], row)
            found = judged(place, covariance, spots[row])
            places.append(Placed(number, row, before, counted, *found[:3], r.body.path.end - r.launched, flown,
                found[3]))
            for k, _ in zones:
                if apart[k][row] <= PAIRS:
                    p = _probability(told.moments[i], track, k)
                    pairs.append(Paired(number, row, k, before, counted, p, bool(apart[k][row] <= NEAR)))
    return places, pairs


def moment_of(times: np.ndarray, when: float) -> int:
    """The last moment at or before `when`."""
    return max(int(np.searchsorted(times, when + 1e-9)) - 1, 0)


def judged(place: np.ndarray | None, covariance: np.ndarray | None, truth: np.ndarray) -> tuple[float, bool, float,
    float]:
    """Miss, whether the 90 % ellipse holds, its area and the energy score of a place; nan and
    False without one.
    """
    if place is None or covariance is None:
        return np.nan, False, np.nan, np.nan
    off = place - truth
    area = float(CHI90 * np.pi * np.sqrt(max(np.linalg.det(covariance), 0.0)))
    inside = bool(off @ np.linalg.solve(covariance + 1e-9 * np.eye(2), off) <= CHI90)
    return float(np.hypot(*off)), inside, area, energy_score(off, covariance)


def by_reference(raid: Raid, told: Told, scored: Scored) -> Beside:
    """What the reference filter says of the same rounds at the same moments, in the same rows."""
    air = reference.believed_world(raid.place)
    times = np.array([m.t for m in told.moments])
    fits = {row: reference.prepared(raid, told.plots, row) for row in {p.round for p in scored.places}}
    foreseen: dict[tuple[int, float], reference.Foreseen | None] = {}
    last: dict[int, np.ndarray | None] = {}
    out = []
    for p in scored.places:
        fit, path = fits[p.round], raid.rounds[p.round].body.path
        seen = None
        if fit is not None and p.counted:
            seen, last[p.round] = reference.foresee(fit, float(times[moment_of(times, path.end - p.before)]), air,
                last.get(p.round))
        foreseen[p.round, p.before] = seen
        found = judged(seen.place if seen else None, seen.covariance if seen else None, path.place[:2])
        out.append(p._replace(miss=found[0], inside=found[1], area=found[2], energy=found[3]))
    expected = []
    for q in scored.pairs:
        seen = foreseen[q.round, q.before]
        ring = raid.place.zones[q.zone].ring
        expected.append(q._replace(published=reference.probability(seen, ring, raid.place.hazard) if seen else 0.0))
    return out, expected


def published(moment: Moment, owner: np.ndarray, row: int) -> tuple[np.ndarray | None, np.ndarray | None, int]:
    """Place and covariance of the impact published for a round, of the likeliest projectile
    among its tracks, and that track; None without.
    """
    mine = moment.track[owner == row]
    rows = [int(np.flatnonzero(moment.impact_track == n)[0]) for n in mine if (moment.impact_track == n).any()]
    if not rows:
        return None, None, int(mine[0]) if len(mine) else -1
    belief = {int(n): float(p) for n, p in zip(moment.track, moment.projectile, strict=True)}
    best = max(rows, key=lambda i: belief[int(moment.impact_track[i])])
    if not np.isfinite(moment.impact[best]).all() or not np.isfinite(moment.covariance[best]).all():
        return None, None, int(moment.impact_track[best])
    return moment.impact[best], moment.covariance[best], int(moment.impact_track[best])


def _probability(moment: Moment, track: int, zone: int) -> float:
    return float(moment.threat[(moment.threat_track == track) & (moment.threat_zone == zone)].sum())


RADII = np.sqrt(-2.0 * np.log(1.0 - (np.arange(16) + 0.5) / 16))
ANGLES = 2.0 * np.pi * (np.arange(16) + 0.5) / 16
NODES = (RADII[:, None, None] * np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1)).reshape(-1, 2)


def energy_score(off: np.ndarray, covariance: np.ndarray) -> float:
    """Energy score [m] of a normal law whose middle lies `off` from the truth (Gneiting and
    Raftery 2007), by 256 nodes.
    """
    x = NODES @ np.linalg.cholesky(covariance + 1e-6 * np.eye(2)).T
    return float(np.linalg.norm(x + off, axis=1).mean() - np.sqrt(0.5) * np.linalg.norm(x, axis=1).mean())


class Scene(NamedTuple):
    """What was made of a scene without a raid."""

    bodies: int         # of the scene's own roles
    tracked: int        # of them ever with a track
    named: int          # of them ever named a projectile in a published frame
    stray: int          # projectile tracks that are none of them
    zones: int          # raised, but for those a carrier still threatened
    alarmed: bool
    hits: int           # zones that something powered flew into
    warned: int         # of them at least AT_LEAST s before, as a warning or as a threat of its own kind
    lead: float         # s, the least of them; nan none
    false: int          # objects named as inbound to a zone that do not fly into one


def scene(raid: Raid, told: Told) -> Scene:
    """Everything judged of a scene in which nobody fires at the site."""
    owners = matched(raid, told)
    own = {k for k, body in enumerate(raid.bodies) if body.role not in (
        ("aircraft", "bird") if raid.case.kind not in others.MANNERS else ("bird",)) or raid.case.kind == "birds"}
    had, named, stray = set(), set(), set()
    for moment, owner in zip(told.moments, owners, strict=True):
        had.update(owner.tolist())
        for number, row, p in zip(moment.track.tolist(), owner.tolist(), moment.projectile.tolist(), strict=True):
            if p >= BELIEVED:
                named.add(row)
                if row not in own:
                    stray.add(number)
    carriers = [body.path.end for body in raid.bodies if body.role == "carrier"]
    raises = [(m.t, int(z)) for m in told.moments for z in m.raised]
    excused = max(carriers, default=-1.0)
    into = [body for body in raid.bodies if body.role == "inbound"]
    leads, hits = [], 0
    for body in into:
        for k, zone in zones_that_warn(raid.place):
            if distance(body.path.place[None, :2], zone.ring)[0] <= NEAR:
                hits += 1
                named_at = [m.t for m in told.moments if any(z == k for _, z in m.inbound)] + [t for t, z in raises
                    if z == k]
                leads.append(max((body.path.end - t for t in named_at if t <= body.path.end - AT_LEAST),
                    default=np.nan))
    hitters = {k for k, body in enumerate(raid.bodies) if body.role == "inbound"}
    owner_of = {int(n): int(r) for m, owner in zip(told.moments, owners, strict=True) for n, r in zip(m.track, owner,
        strict=True)}
    wrongly = {owner_of.get(n, -1) for m in told.moments for n, _ in m.inbound} - hitters
    false = {z for t, z in raises if t > excused and not any(
        distance(b.path.place[None, :2], raid.place.zones[z].ring)[0] <= FAR for b in into)}
    good = [lead for lead in leads if np.isfinite(lead)]
    return Scene(len(own), len(own & had), len(own & named), len(stray), len(false), bool(false), hits, len(good),
        min(good, default=np.nan), len(wrongly))
