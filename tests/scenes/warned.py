"""Whom the decision warns, over many raids of the shipped kinds: the raids are tracked once, and
any decision is tried on what the tracker foresaw.

`python -m warned FIRST LAST` (from this folder) tracks raids and keeps them in FOLDER;
`tables(...)` scores them.
"""

from __future__ import annotations

import math
import pickle
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from shapely.geometry import Point, Polygon

from skywarden.defence import integrity, tentative, threat, warning
from skywarden.feeds.simulated import Simulated
from skywarden.messages.picture import CLEAR, RAISE, Impacts, Inbound, Threats
from skywarden.pipeline.live import Watching
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.simulator.scenario.model import Area, Raid, Scenario
from skywarden.site.load import load as load_site
from skywarden.site.model import Site

FOLDER = Path(__file__).resolve().parents[2] / ".prove" / "warned"
SHIPPED = ("kabul-2021-08-30", "mortar-raid", "mixed-salvo-50")
MOST_ROUNDS = 6  # of one raid
OUTSIDE = 0.3  # share of raids aimed outside every zone
SPREAD = 60.0  # m, radius of the area that a raid's rounds fall in
START = 4.0  # s before the first round is fired
VISIBLE = 8.0  # s that the first round to hit a zone must have been visible for the zone to count
AFTER = 45.0  # s after the last frame until everything may be cleared
LEAD = 0.75  # share of the possible lead that counts as told in time


class Frame(NamedTuple):
    """What bears on the decision in one frame, and nothing else."""

    t: float
    impacts: Impacts
    threats: Threats
    healthy: bool
    lag: float
    tentative: np.ndarray
    coming: Inbound
    commands: tuple[Any, ...] = ()


class Flown(NamedTuple):
    """One raid as the tracker saw it, and what was true of it; one row a round."""

    seed: int
    kind: str
    frames: list[Frame]
    t_impact: np.ndarray
    impact: np.ndarray  # (n, 2) [m]
    first: np.ndarray  # when a radar could first detect it [s]; nan never
    visible: np.ndarray  # s it could be detected


def raid_of(seed: int, site: Site) -> Scenario:
    """One raid of a shipped kind, moved as a whole onto another place; all of chance from the
    seed.
    """
    draw = np.random.default_rng([seed, 15])
    base = load_scenario(SHIPPED[int(draw.integers(len(SHIPPED)))], site)
    shipped: Raid = base.raids[int(draw.integers(len(base.raids)))]
    aim = _aim(draw, site)
    angle = np.linspace(0.0, 2.0 * math.pi, 12, endpoint=False)
    fall = Area("fall", aim + SPREAD * np.column_stack([np.cos(angle), np.sin(angle)]))
    shift = aim - shipped.fall.polygon.mean(axis=0)
    raid = replace(
        shipped,
        name="raid",
        count=int(draw.integers(1, MOST_ROUNDS + 1)),
        start=START,
        launch=Area("launch", shipped.launch.polygon + shift),
        fall=fall,
    )
    return replace(base, name=f"raid {seed}", raids=(raid,), duration=10.0, seed=seed, operator=())


def _aim(draw: np.random.Generator, site: Site) -> np.ndarray:
    """A place in a zone that can be warned or, now and then, 100 to 500 m from every zone."""
    zones = [zone.polygon for zone in site.zones if zone.warn]
    shapes = [Polygon(zone.polygon) for zone in site.zones]
    outside = draw.random() < OUTSIDE
    while True:
        polygon = zones[int(draw.integers(len(zones)))]
        low, high = polygon.min(axis=0), polygon.max(axis=0)
        room = 500.0 if outside else 0.0
        place = draw.uniform(low - room, high + room)
        apart = min(shape.distance(Point(*place)) for shape in shapes)
        if (100.0 <= apart <= 500.0) if outside else Polygon(polygon).contains(Point(*place)):
            return np.asarray(place)


def fly(seed: int, site: Site) -> Flown:
    """A raid through the tracker; nothing is rehearsed, so that every round falls."""
    scenario = raid_of(seed, site)
    feed, watching, frames = Simulated(scenario, site), Watching(site), []
    first: dict[int, float] = {}
    seen: dict[int, float] = {}
    truth = None
    for frame, truth in feed:
        picture = watching(frame)
        healthy, lag = integrity.seeing(picture.health, site)
        frames.append(
            Frame(
                frame.t,
                picture.impacts,
                picture.threats,
                healthy,
                lag,
                tentative.reaching(watching.state.tracks.block, site),
                picture.inbound,
            )
        )
        for k in np.flatnonzero(truth.rounds.visible).tolist():
            first.setdefault(k, frame.t)
            seen[k] = seen.get(k, 0.0) + site.policy.frame_s
    assert truth is not None
    n = truth.rounds.t_impact.shape[0]
    kind = scenario.classes[scenario.raids[0].round_class].name
    return Flown(
        seed,
        kind,
        frames,
        truth.rounds.t_impact.copy(),
        truth.rounds.impact[:, :2].copy(),
        np.array([first.get(k, math.nan) for k in range(n)]),
        np.array([seen.get(k, 0.0) for k in range(n)]),
    )


def kept() -> Iterator[Flown]:
    """Every raid flown so far."""
    for file in sorted(FOLDER.glob("*.raid")):
        yield pickle.loads(file.read_bytes())


class Warned(NamedTuple):
    """One zone of one raid under one decision."""

    seed: int
    zone: int
    people: float
    hit: float  # first impact that endangers it [s]; nan none
    eligible: bool
    possible: float  # lead from the first possible detection of that round [s]
    raised: float  # when it was told, the last time before the hit, or the first of all [s]; nan never
    told: float  # probability then
    lead: float  # from when it was told to the hit [s]; 0 not before
    stood: float  # s under warning
    clairvoyant: float  # s it would have stood had all been known
    raises: int
    shelter: float


class Sampled(NamedTuple):
    """What was published of a zone once a second, and whether it came true."""

    seed: int
    zone: int
    probability: float
    hit: bool


def decided(flown: Flown, site: Site) -> tuple[list[Warned], list[Sampled]]:
    """The decision of a site's policy and costs on one raid, and what it published each second."""
    state, n = warning.start(site), len(site.zones)
    raises: list[list[tuple[float, float]]] = [[] for _ in range(n)]
    stood, since = np.zeros(n), np.full(n, math.nan)
    hits = _hits(flown, site)
    samples: list[Sampled] = []
    for frame in [*flown.frames, *_after(flown, site)]:
        if not frame.threats.zone.size and not state.standing.any():
            state = state._replace(streak=np.zeros(n, np.int64))    # nothing to decide
            continue
        around = warning.Around(frame.healthy, frame.lag, frame.tentative, coming=frame.coming)
        state, told = warning.decide(state, frame.impacts, frame.threats, frame, site, around)
        w = told.warnings
        for zone, action, p in zip(w.zone.tolist(), w.action.tolist(), w.probability.tolist(), strict=True):
            if action == RAISE:
                raises[zone].append((frame.t, p))
                since[zone] = frame.t
            elif action == CLEAR:
                stood[zone] += frame.t - since[zone]
                since[zone] = math.nan
        if abs(frame.t - round(frame.t)) < 1e-6:
            losses = told.losses
            for zone, p in zip(losses.zone.tolist(), losses.probability.tolist(), strict=True):
                if p > 0.0:
                    times, rows = hits[zone]     # only what could be seen by now can be foreseen
                    still = (times >= frame.t) & (flown.first[rows] <= frame.t)
                    samples.append(Sampled(flown.seed, zone, p, bool(still.any())))
    end = flown.frames[-1].t + AFTER
    stood += np.where(np.isnan(since), 0.0, end - since)
    return [_warned(flown, site, k, hits[k], raises[k], float(stood[k])) for k in range(n)
        if site.zones[k].warn], samples


def _after(flown: Flown, site: Site) -> Iterator[Frame]:
    """Frames in which nothing is seen any more, until everything may be cleared."""
    last, nothing = flown.frames[-1], np.zeros(len(site.zones), np.bool_)
    for k in range(1, round(AFTER / site.policy.frame_s)):
        t = last.t + k * site.policy.frame_s
        yield Frame(t, Impacts.empty(), Threats.empty(), True, last.lag, nothing, Inbound.empty())


def _hits(flown: Flown, site: Site) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each zone: times of the impacts that endanger it, and their rounds, in order."""
    found = []
    for zone in site.zones:
        shape = Polygon(zone.polygon)
        near = np.array([shape.distance(Point(*place)) <= site.policy.hazard_radius for place in flown.impact], bool)
        rows = np.flatnonzero(near)
        rows = rows[np.argsort(flown.t_impact[rows])]
        found.append((flown.t_impact[rows], rows))
    return found


def _warned(flown: Flown, site: Site, k: int, hits: Any, raises: list[tuple[float, float]], stood: float) -> Warned:
    zone, (times, rows) = site.zones[k], hits
    if not len(times):
        first = raises[0] if raises else (math.nan, math.nan)
        return Warned(
            flown.seed, k, zone.people, math.nan, False, math.nan, *first, 0.0, stood, 0.0, len(raises), zone.shelter_s
        )
    hit, row = float(times[0]), int(rows[0])
    before = [each for each in raises if each[0] <= hit]
    told = before[0] if before else (math.nan, math.nan)
    lead = hit - told[0] if before else 0.0
    soonest = np.nanmin(np.append(flown.first[rows], hit))
    clairvoyant = float(times[-1]) + site.policy.all_clear_s - float(soonest)
    eligible = bool(flown.visible[row] >= VISIBLE)
    possible = hit - float(flown.first[row])
    return Warned(
        flown.seed, k, zone.people, hit, eligible, possible, *told, lead, stood, clairvoyant, len(raises),
            zone.shelter_s
    )


class Figures(NamedTuple):
    """What a decision was worth over all raids."""

    raids: int
    rounds: int
    zones: int  # truly hit, their first round visible for VISIBLE s
    missed: int  # of those, never told before the hit
    told: float  # share of the people in them told with LEAD of the possible lead
    told_zones: float  # the same by zone
    told_low: float  # 95 % lower bound of `told` over raids
    sheltered: float  # share of the people in them told with their shelter time or all that was possible
    wrong: int  # zones warned and not hit
    wrong_a_round: float
    minutes: float  # person-minutes over a clairvoyant's, zones warned and hit
    most_raises: int


def figures(lines: Iterable[list[Warned]], rounds: int) -> Figures:
    """The figures of one decision, a list of zones a raid."""
    raids = list(lines)
    rows = [row for raid in raids for row in raid]
    hit = [row for row in rows if row.eligible]
    both = [row for row in rows if math.isfinite(row.hit) and math.isfinite(row.raised) and row.lead > 0.0]
    wrong = [row for row in rows if math.isnan(row.hit) and row.raises]
    return Figures(
        len(raids),
        rounds,
        len(hit),
        sum(row.lead <= 0.0 for row in hit),
        _share([(row.people, in_time(row)) for row in hit]),
        _share([(1.0, in_time(row)) for row in hit]),
        _lower(raids),
        _share([(row.people, row.lead >= min(row.shelter, LEAD * row.possible)) for row in hit]),
        len(wrong),
        len(wrong) / max(rounds, 1),
        sum(r.people * r.stood for r in both) / max(sum(r.people * r.clairvoyant for r in both), 1e-9),
        max((row.raises for row in rows), default=0),
    )


def in_time(row: Warned) -> bool:
    """Whether the people of a hit zone were told with LEAD of the possible lead."""
    return row.lead >= LEAD * row.possible


def _share(weighted: list[tuple[float, bool]]) -> float:
    whole = sum(weight for weight, _ in weighted)
    return sum(weight for weight, good in weighted if good) / whole if whole else math.nan


def _lower(raids: list[list[Warned]]) -> float:
    """Lower 95 % bound of the share of people told in time, raids drawn anew."""
    sums = np.array(
        [
            (sum(r.people for r in raid if r.eligible and in_time(r)), sum(r.people for r in raid if r.eligible))
            for raid in raids
        ]
    )
    draw = np.random.default_rng(0)
    picks = draw.integers(len(sums), size=(1000, len(sums)))
    drawn = sums[picks].sum(axis=1)
    drawn = drawn[drawn[:, 1] > 0.0]  # a draw in which nobody was hit says nothing
    return float(np.quantile(drawn[:, 0] / drawn[:, 1], 0.05)) if len(drawn) else math.nan


def dummy(flown: Flown, site: Site, all_of_them: bool) -> list[Warned]:
    """Warn everybody as soon as anything can be seen, or nobody ever."""
    hits = _hits(flown, site)
    begin = float(np.nanmin(np.append(flown.first, flown.frames[-1].t)))
    raises = [(begin, 1.0)] if all_of_them else []
    stood = float(flown.t_impact.max()) + site.policy.all_clear_s - begin if all_of_them else 0.0
    return [_warned(flown, site, k, hits[k], raises, stood) for k, zone in enumerate(site.zones) if zone.warn]


class Bin(NamedTuple):
    """One of ten bins of published probability."""

    low: float
    samples: int
    effective: int  # different raids and zones; of zones that lie anywhere, different raids: they share their errors
    published: float
    came_true: float


def calibration(samples: Sequence[Sampled | Alone]) -> list[Bin]:
    """How often what was published came true, in ten fixed bins."""
    p, hit = np.array([s.probability for s in samples]), np.array([s.hit for s in samples])
    who = np.array([s.seed * 1000 + (s.zone if isinstance(s, Sampled) else 0) for s in samples])
    found = []
    for k in range(10):
        mine = (p >= k / 10) & ((p < (k + 1) / 10) | (k == 9))
        if mine.any():
            found.append(
                Bin(
                    k / 10,
                    int(mine.sum()),
                    len(np.unique(who[mine])),
                    float(p[mine].mean()),
                    float(hit[mine].mean()),
                )
            )
    return found


class Alone(NamedTuple):
    """What was foreseen of one round and one zone that lies anywhere, and whether it came true."""

    seed: int
    probability: float
    hit: bool


ANYWHERE = 1_500.0  # m, half the side of the square about a raid's impacts that zones are put into
SOON = 50.0  # m of a wrong place that one second of a wrong time weighs, where tracks are matched to rounds


def anywhere(flown: Flown, site: Site, times: int = 6) -> list[Alone]:
    """The zones' shapes put anywhere about the raid, each `times` times: what is foreseen of each
    round is then judged by itself, and not by where raids are aimed.
    """
    draw, middle = np.random.default_rng([flown.seed, 16]), np.nanmean(flown.impact, axis=0)
    zones = [zone.polygon for zone in site.zones if zone.warn for _ in range(times)]
    shapes = [zone - zone.mean(axis=0) + middle + draw.uniform(-ANYWHERE, ANYWHERE, 2) for zone in zones]
    polygons = [Polygon(shape) for shape in shapes]
    falls, radius = [Point(*place) for place in flown.impact], site.policy.hazard_radius
    near = [[shape.distance(fall) <= radius for fall in falls] for shape in polygons]
    moved = replace(site, zones=tuple(replace(site.zones[0], name=f"place {k}", polygon=shape)
        for k, shape in enumerate(shapes)))
    found = []
    for frame in flown.frames:
        if abs(frame.t - round(frame.t)) > 1e-6 or not frame.impacts.track.size:
            continue
        threats = threat.assess(frame.impacts, None, moved)  # type: ignore[arg-type] — it asks nothing of the frame
        for row, number in enumerate(frame.impacts.track.tolist()):
            if frame.impacts.p_projectile[row] > 0.5:
                apart = np.hypot(*(flown.impact - frame.impacts.place[row, :2]).T)
                late = np.abs(flown.t_impact - frame.impacts.t[row])
                round_ = int(np.argmin(apart + SOON * late))
                mine = threats.track == number
                found += [Alone(flown.seed, p, near[zone][round_]) for zone, p in zip(threats.zone[mine].tolist(),
                    threats.probability[mine].tolist(), strict=True)]
    return found


# what the figures of a decision have to be; the dummies fail it
TOLD, TOLD_LOW, WRONG, MINUTES, RAISES = 0.97, 0.955, 0.35, 1.5, 2


def faults(figures: Figures) -> list[str]:
    """Which of the limits a decision does not keep, in words; empty where it keeps them all."""
    limits = (
        ("people told in time", figures.told >= TOLD),
        ("its lower bound over raids", figures.told_low >= TOLD_LOW),
        ("wrong zones a round", figures.wrong_a_round <= WRONG),
        ("person-minutes over a clairvoyant's", figures.minutes <= MINUTES),
        ("raises of a zone in a raid", figures.most_raises <= RAISES),
    )
    return [name for name, kept in limits if not kept]


def curve(points: list[tuple[str, float, float, bool]]) -> str:
    """An SVG of what each decision misses against what it warns in vain: (name, people not told in
    time of 100, wrong zones of 100 rounds, whether it is of the two-sided decision).
    """
    wide, high, left, low = 720, 420, 70, 360
    most_x, most_y = max(p[2] for p in points) * 1.15, max(max(p[1] for p in points) * 1.15, 0.5)

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x / most_x * (wide - left - 30), low - y / most_y * (low - 40)

    said = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" font-family="sans-serif" font-size="12">',
        f'<rect width="{wide}" height="{high}" fill="white"/>',
        f'<path d="M{left} 30V{low}H{wide - 20}" fill="none" stroke="black"/>',
        f'<text x="{wide / 2}" y="{high - 12}" text-anchor="middle">zones warned and not hit, of 100 rounds</text>',
        f'<text x="16" y="{low / 2}" transform="rotate(-90 16 {low / 2})" text-anchor="middle">'
        "people in hit zones not told with 75 % of the possible lead, of 100</text>",
    ]
    for k in range(6):
        x, y = most_x * k / 5, most_y * k / 5
        said.append(f'<text x="{at(x, 0)[0]:.0f}" y="{low + 16}" text-anchor="middle">{x:.1f}</text>')
        said.append(f'<text x="{left - 6}" y="{at(0, y)[1] + 4:.0f}" text-anchor="end">{y:.1f}</text>')
    fixed = sorted((p for p in points if not p[3]), key=lambda p: p[2])
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(p[2], p[1]) for p in fixed))
    said.append(f'<polyline points="{line}" fill="none" stroke="#0a5a9c" stroke-dasharray="4 3"/>')
    for name, missed, wrong, two_sided in points:
        x, y = at(wrong, missed)
        colour = "#b3420a" if two_sided else "#0a5a9c"
        mark = f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"' if two_sided else (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"'
        )
        said.append(f'{mark} fill="{colour}"/><text x="{x + 7:.1f}" y="{y - 7:.1f}" fill="{colour}">{name}</text>')
    return "\n".join([*said, "</svg>"]) + "\n"


def main(first: int, last: int) -> None:
    """Fly the raids of some seeds that were not flown before."""
    site = load_site("kabul")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for seed in range(first, last):
        file = FOLDER / f"{seed:05d}.raid"
        if not file.exists():
            flown = fly(seed, site)
            file.with_suffix(".part").write_bytes(pickle.dumps(flown))
            file.with_suffix(".part").rename(file)


if __name__ == "__main__":
    import warned  # so that what is kept names its classes by this module, not by "__main__"

    warned.main(int(sys.argv[1]), int(sys.argv[2]))
