"""Turns each frame's detections into tracks: what is flying, where, how fast, and what kind of thing it is."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from skywarden.defence.tracking import classify, cooperative
from skywarden.defence.tracking.associate import LATEST, groups, observe, remember
from skywarden.defence.tracking.filter import reconsider
from skywarden.defence.tracking.initiate import UNAMBIGUOUS, found
from skywarden.defence.tracking.maintain import conclude, opinions
from skywarden.defence.tracking.state import RINGS, SECTORS, Block, Model, Seeds, State, empty_block, empty_seeds, priors_of, sensors_of
from skywarden.kernels.ballistics.air import with_weather
from skywarden.kernels.geometry.ground import Ground
from skywarden.messages.frame import NO_ADDRESS, Detections, Frame, Weather
from skywarden.messages.picture import Tracks
from skywarden.messages.tables import Array, join, take
from skywarden.site.model import Site

__all__ = ["State", "start", "track"]

LONGEST_DELAY = 4.0             # s: a radar's data may come so much later than they were measured
FALSE_TRACKS = 1.0 / 6000.0     # 1/s allowed from false alarms: one in 100 minutes
SAFETY = 3.0                    # the false-track formula's margin for its approximations
CLUTTER_FADE = 0.1
GAP = (0.3, 2.2)                # s and revisits: longest time between the two detections that start a track; one look may be missed
MAP_FADE = 0.04                 # a frame: the clutter map remembers some 6 s
SHORT = 8                       # detections below which a track that ended led nowhere


def start(site: Site) -> State:
    """Nothing seen yet."""
    radars = len(site.radars)
    quiet = np.zeros((radars, RINGS, SECTORS))
    return State(-math.inf, 1, empty_block(len(site.laws) + 2), empty_seeds(), quiet, np.full(radars, np.nan), 0, cooperative.start(), 0.0)


def track(state: State, frame: Frame, site: Site) -> tuple[State, Tracks]:
    """One frame on. Pure: makes new arrays, changes none that it was handed.

    Detections carry their own times, and the tracks stand at the newest of them: a radar whose data come late as a whole, up to LONGEST_DELAY, is
    followed as well as a punctual one, only later. Single detections are used up to LATEST seconds after newer ones; what is later still is counted
    in `State.late`. Returns the confirmed tracks, predicted to the frame's time.
    """
    model = model_of(site, frame.weather)
    b = copied(state.block)
    d = frame.detections
    seeds, next_number, late = state.seeds, state.next_number, state.late
    clutter = state.clutter.copy()
    before = b.hits.copy()
    newest = -math.inf
    for t, sensor, rows in groups(d):
        newest = max(newest, t)
        if not 0 <= sensor < len(site.radars) or t < state.t - LATEST:
            late += rows.shape[0]
            continue
        b, seeds, strange = look(b, seeds, d, rows, t, sensor, clutter, state.map, model, site.ground)
        clutter[sensor] = density(clutter[sensor], strange, float(frame.radars.sector_width[sensor]), site.radars[sensor].false_alarms)
        if b.hits.shape[0] > before.shape[0]:
            before = np.concatenate((before, np.zeros(b.hits.shape[0] - before.shape[0], np.int32)))
    now, delay = horizon(state, frame, newest, site)
    b, seeds, busy = end(b, seeds, state.map, frame, now, before, model, site)
    b, likely = classify.settle(b, model.mean)
    fresh = confirm(b, clutter, site)
    b.number[fresh] = next_number + np.arange(fresh.shape[0])
    next_number += fresh.shape[0]
    known, reported, next_number = cooperative.track(state.cooperative, frame, site, next_number)
    tracks = picture(b, likely, frame.t, model)
    same = cooperative.correlate(tracks, reported)
    address = b.address.copy()
    address[b.number > 0] = np.where(same >= 0, reported.address[same] if reported.address.shape[0] else NO_ADDRESS, address[b.number > 0])
    after = State(now, next_number, b._replace(address=address), seeds, busy, clutter, late, known, delay)
    return after, cooperative.merged(tracks, reported, same)


def horizon(state: State, frame: Frame, newest: float, site: Site) -> tuple[float, float]:
    """Time up to which the data in hand speak [s], and by how much they lag behind the frame [s]; `newest` is -inf where there was no detection.

    A look that saw nothing speaks for the same lag as the last one that saw something. Where no radar looks, time stands still for LONGEST_DELAY:
    the data of that while may yet come.
    """
    delay = min(max(frame.t - newest, 0.0), LONGEST_DELAY) if math.isfinite(newest) else state.delay
    looked = any(
        frame.radars.up[k] and frame.radars.sector_width[k] > 0.0 and not radar.mode_s and math.isfinite(radar.elevation_sigma)
        for k, radar in enumerate(site.radars))
    reached = newest if math.isfinite(newest) else frame.t - delay if looked else state.t
    return max(reached, state.t, frame.t - LONGEST_DELAY), delay


def model_of(site: Site, weather: Weather) -> Model:
    """The kernels' constants for this site in this weather."""
    up, wind = np.ascontiguousarray(weather.up, np.float64), np.ascontiguousarray(weather.wind, np.float64)
    return _model(site, up.tobytes(), wind.tobytes(), float(weather.temperature_offset), float(weather.pressure_ratio), float(weather.wind_sigma))


@lru_cache(maxsize=8)
def _model(site: Site, up: bytes, wind: bytes, offset: float, ratio: float, wind_sigma: float) -> Model:
    air = with_weather(site.air, np.frombuffer(up).copy(), np.frombuffer(wind).reshape(-1, 2).copy(), offset, ratio)
    sensors, extent, limits, pd, cell = sensors_of(site)
    reference = np.array([r.reference_snr for r in site.radars], np.float64)
    patience = 3.3 * max((r.revisit for r in site.radars), default=0.0)
    mean, variance = priors_of(site, wind_sigma)
    gap = np.array([GAP[0] + GAP[1] * r.revisit for r in site.radars], np.float64)
    return Model(site.drags, air, site.earth, sensors, mean, variance, 9 if wind_sigma > 0.0 else 7, extent, limits, pd, reference, patience, gap, cell)


def copied(b: Block) -> Block:
    """The same tracks in arrays of their own."""
    return Block(*(column.copy() for column in b))


def look(
    b: Block, seeds: Seeds, d: Detections, rows: Array, t: float, sensor: int, clutter: Array, busy: Array, model: Model, ground: Ground,
) -> tuple[Block, Seeds, int]:
    """One radar's detections of one instant: the tracks take theirs, pairs begin new ones, the rest become seeds; says how many were nobody's."""
    # a rate that repeats within the speeds of rounds says too little and misleads the fit of a start: such a radar is used without it
    with_rate = bool(model.sensors.span[sensor] >= UNAMBIGUOUS)
    rate = float(clutter[sensor]) if math.isfinite(clutter[sensor]) else max(float(rows.shape[0]), 0.5)
    z, ratio, free, strange, seed, det, lr, took, longer = observe(b, seeds, d, rows, t, sensor, rate, busy, with_rate, model)
    if took.any():
        reconsider(b, took, longer, model)
    if seed.shape[0]:
        fresh = empty_block(b.x.shape[1], seed.shape[0])
        found(fresh, 0, seeds, seed, t, sensor, z, ratio, det, lr, model)
        fresh.prior[:] = classify.low_or_far(fresh.anchor[:, 0, :3], ground, model.limits[sensor, 1], model.sensors.place[sensor])
        b = join(b, fresh)
        kept = np.ones(seeds.t.shape[0], np.bool_)
        kept[seed] = False
        seeds = take(seeds, kept)
    rest = Seeds(np.full(z.shape[0], t), np.full(z.shape[0], sensor, np.int32), z, ratio)
    return b, join(seeds, take(rest, free)), strange


def threshold(rate: float, looks: float) -> float:
    """Log-likelihood ratio from which a track is believed, so that `rate` false alarms a look give FALSE_TRACKS."""
    return math.log(max(rate, 0.05) * looks * SAFETY / FALSE_TRACKS)


def density(old: float, strange: int, width: float, declared: float) -> float:
    """False alarms a full look, updated by `strange` detections that belonged to nothing in a look `width` [rad] wide."""
    whole = strange / max(width / (2.0 * math.pi), 1e-3)
    if not math.isfinite(old):
        return max(whole, declared, 0.1)
    return max(old + CLUTTER_FADE * (whole - old), 0.1)


def sound(b: Block, before: Array) -> tuple[Block, Array]:
    """Hypotheses that ran out of numbers (a fit to two contradicting detections can) are given up, and tracks that have none left."""
    bad = np.asarray(~(np.isfinite(b.x).all(2) & np.isfinite(b.p).all((2, 3))))
    lost = bad[:, : b.ll.shape[1]] | ~np.isfinite(b.ll)
    bad[:, : lost.shape[1]] |= lost
    x, p, ll = b.x.copy(), b.p.copy(), b.ll.copy()
    x[bad], p[bad] = 0.0, 1e8 * np.eye(b.x.shape[2])
    ll[lost] = -1e6
    alive = b.alive & ~lost[:, : b.alive.shape[1]]
    keep = np.flatnonzero(alive.any(1))
    return take(b._replace(x=x, p=p, ll=ll, alive=alive), keep), before[keep]


def end(b: Block, seeds: Seeds, busy: Array, frame: Frame, now: float, before: Array, model: Model, site: Site) -> tuple[Block, Seeds, Array]:
    """Counts the looks that missed, and ends tracks: missed too often, gone from coverage, in the ground. What led nowhere enters the clutter map."""
    busy = busy * (1.0 - MAP_FADE)
    spent = now - seeds.t >= model.gap[seeds.sensor] + 0.05
    if spent.any():
        old = take(seeds, spent)
        remember(busy, old.sensor, old.z, np.full(old.t.shape[0], MAP_FADE), model)
        seeds = take(seeds, ~spent)
    if b.time.shape[0]:
        radars = frame.radars
        about = (radars.up & (radars.sector_width > 0.0), radars.sector_from, radars.sector_width, model, site.ground)
        broken, ending, some = conclude(b, before, now, frame.t, *about)
        if broken:
            b, before = sound(b, before)
            _, ending, some = conclude(b, before, now, frame.t, *about)
        if some:
            short = np.flatnonzero(ending & (b.hits < SHORT))
            first = (np.ascontiguousarray(b.sensor[short, 0]), np.ascontiguousarray(b.z[short, 0]))
            remember(busy, *first, MAP_FADE * b.hits[short], model)
            b = take(b, ~ending)
    return b, seeds, busy


def confirm(b: Block, clutter: Array, site: Site) -> Array:
    """Rows of tentative tracks whose score has reached the threshold."""
    tentative = np.flatnonzero(b.number == 0)
    if tentative.shape[0] == 0:
        return tentative
    rates = [threshold(c if math.isfinite(c) else 1.0, 1.0 / max(r.revisit, 0.05)) for c, r in zip(clutter.tolist(), site.radars, strict=True)]
    return tentative[b.score[tentative] > max(rates, default=threshold(20.0, 1.0))]


def picture(b: Block, likely: Array, t: float, model: Model) -> Tracks:
    """The confirmed tracks as the rest of the house sees them, at time `t`; `likely` (n,) their log odds of projectile."""
    rows = np.flatnonzero(b.number > 0)
    if rows.shape[0] == 0:
        return Tracks.empty()
    state, covariance, law = opinions(b, rows, t, model)
    kind = classify.probabilities(b, likely, rows)
    return Tracks(b.number[rows], state, covariance, b.seen[rows], b.born[rows], b.hits[rows], kind, law, b.address[rows])
