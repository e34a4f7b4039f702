"""Turns each frame's detections into tracks: what is flying, where, how fast, and what kind of
thing it is.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from skywarden.defence.tracking import classify, cooperative
from skywarden.defence.tracking.associate import LATEST, SURELY_WORTH, groups, observe, remember, usable
from skywarden.defence.tracking.bias import considered, united
from skywarden.defence.tracking.history import (
    PROVISIONAL,
    REACH,
    Core,
    State,
    Step,
    extended,
    looked_late,
    pause,
    reaches,
    recognised,
    redone,
)
from skywarden.defence.tracking.initiate import UNAMBIGUOUS, found
from skywarden.defence.tracking.lateness import REMEMBERED, lags, noted
from skywarden.defence.tracking.maintain import conclude, opinions
from skywarden.defence.tracking.refit import reconsider
from skywarden.defence.tracking.state import (
    LOOSE,
    QUIET,
    RINGS,
    ROUGHLY,
    SECTORS,
    WIND_DEPTH,
    Block,
    Model,
    Seeds,
    biases_of,
    curves_of,
    empty_block,
    empty_seeds,
    hypotheses,
    priors_of,
    sensors_of,
)
from skywarden.kernels.ballistics.air import with_weather
from skywarden.kernels.estimation.motion import DRAG, LIFT, STATES
from skywarden.kernels.geometry.ground import Ground
from skywarden.messages.frame import NO_ADDRESS, Detections, Frame, Weather
from skywarden.messages.picture import Tracks
from skywarden.messages.tables import Array, join, take
from skywarden.site.model import Site

__all__ = ["State", "start", "track"]

# s, delay of the newest data up to which the tracks stand at them; data up to 10 s late, and their scan
LONGEST_DELAY = 12.0
FALSE_TRACKS = 1.0 / 6000.0     # 1/s allowed from false alarms: one in 100 minutes
SAFETY = 3.0                    # the false-track formula's margin for its approximations
CLUTTER_FADE = 0.1
WORTH_A_START = 4.0     # log-likelihood ratio of two detections from which they make a tentative track
# the same of a radar without Doppler: two detections say little, a third of the same flight nearly all
WORTH_A_TRIAL = 0.0
# dB, signal to noise from which radars call a thing a detection, until their weakest say otherwise
USUAL_THRESHOLD = 13.0
# s and revisits: longest time between the two detections that start a track; one look may be missed
GAP = (0.3, 2.2)
MAP_FADE = 0.04                 # a frame: the clutter map remembers some 6 s
SHORT = 8                       # detections below which a track that ended led nowhere


def start(site: Site) -> State:
    """Nothing seen yet.

    site  the site as its defender declared it
    """
    radars = len(site.radars)
    quiet = np.zeros((radars, RINGS, SECTORS))
    return State(
        -math.inf, 1, empty_block(hypotheses(site)), empty_seeds(), quiet, np.full(radars, np.nan),
        np.full(radars, -np.inf), np.full(radars, np.inf),
        0, cooperative.start(), 0.0,
        np.full((radars, REMEMBERED), np.nan), (), Detections.empty(), -math.inf, 0)


def track(state: State, frame: Frame, site: Site) -> tuple[State, Tracks]:
    """One frame on. Pure: makes new arrays, changes none that it was handed.

    state  the tracker's state before this frame
    site   the site as its defender declared it

    Detections carry their own times, and the tracks stand at the newest of them: a radar whose data
    come late as a whole, up to LONGEST_DELAY, is followed as well as a punctual one, only later.
    Detections up to LATEST seconds older than that are used at once; those up to REACH seconds
    older are put in their place in the past, from where everything is done again in order; what is
    later still is counted in `State.late`, what has neither elevation nor address in
    `State.unusable`. Returns the confirmed tracks, predicted to the frame's time.
    """
    model = model_of(site, frame.weather)
    d = frame.detections
    delays = noted(state.delays, d, frame.t)
    lag = np.minimum(np.nan_to_num(lags(delays)), LONGEST_DELAY)
    lag = np.where((lag > LATEST) & followed(site), lag, 0.0)
    rows, _ = usable(d)
    rows = rows[(d.sensor[rows] >= 0) & (d.sensor[rows] < len(site.radars))]
    held, late, number = join(state.waiting, take(d, rows[d.t[rows] < state.t - LATEST])), state.late, state.next_number
    past, reach = state.past, max(reaches(state.past), state.t - REACH)
    late += int((held.t < reach).sum())
    held = take(held, held.t >= reach)
    present = take(d, np.sort(rows[d.t[rows] >= state.t - LATEST]))
    past, looked = _looks(past, state.t, frame, lag)
    core, redo = Core(state.t, state.block, state.seeds, state.map, state.clutter, state.swept,
        state.weakest), state.redone
    unseen = float(lag.max(initial=0.0))

    def replay(before: Core, each: Step) -> Core:
        return step(before, each, each.t - unseen, PROVISIONAL, model, site)[0]

    if held.t.shape[0] and frame.t - redo >= pause(core.block.number.shape[0], past):
        past, core = redone(past, held, replay)
        past, core, number = recognised(past, core, state.block, number)
        core = core._replace(block=_addressed(core.block, state.block))
        held, redo = Detections.empty(), frame.t
    now, delay = horizon(state, frame, float(present.t.max(initial=-math.inf)), site)
    each = Step(now, frame.t, present, looked, frame.radars.sector_from, np.where(looked, frame.radars.sector_width,
        0.0), None)
    past = extended(past, each, core)
    core, likely, number = step(core, each, frame.t - unseen, number, model, site)
    known, reported, number = cooperative.track(state.cooperative, frame, site, number)
    b = core.block
    tracks = picture(b, likely, frame.t, model)
    same = cooperative.correlate(tracks, reported)
    address = b.address.copy()
    address[b.number > 0] = np.where(same >= 0, reported.address[same] if reported.address.shape[0] else NO_ADDRESS,
        address[b.number > 0])
    unusable = state.unusable + int((d.address == NO_ADDRESS).sum()) - rows.shape[0]
    after = State(
        now, number, b._replace(address=address), core.seeds, core.map, core.clutter, core.swept, core.weakest, late,
        known, delay,
        delays, past, held, redo, unusable)
    return after, cooperative.merged(tracks, reported, same)


def timeliness(before: State, after: State) -> tuple[Array, int, int, int]:
    """Each radar's lag (radars,) [s], and how many detections a frame lost by cause: too late,
    unusable, not believed of a cooperative aircraft.

    before  the tracker's state before this frame
    after   the tracker's state after this frame
    """
    disbelieved = after.cooperative.rejected - before.cooperative.rejected
    return lags(after.delays), after.late - before.late, after.unusable - before.unusable, disbelieved


def step(before: Core, given: Step, unseen: float, number: int, model: Model, site: Site) -> tuple[Core, Array, int]:
    """One step on from `before`: its detections looked up, misses counted, tracks ended and
    confirmed.

    unseen  time by which a track would have been seen [s]: that of the frame, less the lag of late
            radars
    number  next free number of a track
    given   what a step works on: detections, looks and times
    model   laws, priors, air and sensors that all tracks share
    site    the site as its defender declared it
    Returns also the log odds (n,) of projectile and the next free number.
    """
    d = given.detections
    b, seeds, clutter, swept = copied(before.block), before.seeds, before.clutter.copy(), before.swept.copy()
    weakest = heard(before.weakest, d)
    hits = b.hits.copy()
    for t, sensor, rows in groups(d):
        b, seeds, strange = look(b, seeds, d, rows, t, sensor, clutter, weakest, before.map, model, site.ground)
        width = float(given.sector_width[sensor])
        share = width / (2.0 * math.pi) if width > 0.0 else (t - swept[sensor]) / max(site.radars[sensor].revisit, 1e-3)
        swept[sensor] = max(t, swept[sensor])
        clutter[sensor] = density(clutter[sensor], strange, share, site.radars[sensor].false_alarms)
        if b.hits.shape[0] > hits.shape[0]:
            hits = np.concatenate((hits, np.zeros(b.hits.shape[0] - hits.shape[0], np.int32)))
    b, seeds, busy = end(b, seeds, before.map, given, unseen, hits, model, site)
    b, fresh = united(b, confirm(b, clutter, site), model)
    b, likely = classify.settle(b, model.mean)
    b.number[fresh] = number + np.arange(fresh.shape[0])
    return Core(given.now, b, seeds, busy, clutter, swept, weakest), likely, number + fresh.shape[0]


def _looks(past: tuple[Step, ...], reached: float, frame: Frame, lag: Array) -> tuple[tuple[Step, ...], Array]:
    """The past with the looks of late radars in their place, and which radars (mask) looked just
    now; `reached` is where the tracks stand [s].

    A look that says nothing of the present yet must not count as one that missed.
    """
    radars = frame.radars
    looked = radars.up & (radars.sector_width > 0.0)
    for k in np.flatnonzero(looked & (lag > 0.0)).tolist():
        when = frame.t - float(lag[k])
        if when < reached - LATEST:
            looked[k] = False
            if past and when > reaches(past):
                past = looked_late(past, k, when, float(radars.sector_from[k]), float(radars.sector_width[k]))
    return past, looked


def _addressed(b: Block, old: Block) -> Block:
    """`b` with the addresses that its tracks had in `old`."""
    had = dict(zip(old.number.tolist(), old.address.tolist(), strict=True))
    return b._replace(address=np.array([had.get(n, a) if n > 0 else a for n, a in zip(b.number.tolist(),
        b.address.tolist(), strict=True)], np.int64))


def followed(site: Site) -> Array:
    """Which radars (mask) give detections that this tracker follows itself: with elevation, not
    answers of transponders.

    site  the site as its defender declared it
    """
    return np.array([not radar.mode_s and math.isfinite(radar.elevation_sigma) for radar in site.radars], np.bool_)


def horizon(state: State, frame: Frame, newest: float, site: Site) -> tuple[float, float]:
    """Time up to which the data in hand speak [s], and by how much they lag behind the frame [s];
    `newest` is -inf where there was no detection.

    state  the tracker's state before this frame
    site   the site as its defender declared it

    A look that saw nothing speaks for the same lag as the last one that saw something. Where no
    radar looks, time stands still for LONGEST_DELAY: the data of that while may yet come.
    """
    delay = min(max(frame.t - newest, 0.0), LONGEST_DELAY) if math.isfinite(newest) else state.delay
    looked = bool((frame.radars.up & (frame.radars.sector_width > 0.0) & followed(site)).any())
    reached = newest if math.isfinite(newest) else frame.t - delay if looked else state.t
    return max(reached, state.t, frame.t - LONGEST_DELAY), delay


def model_of(site: Site, weather: Weather) -> Model:
    """The kernels' constants for this site in this weather."""
    up, wind = np.ascontiguousarray(weather.up, np.float64), np.ascontiguousarray(weather.wind, np.float64)
    return _model(site, up.tobytes(), wind.tobytes(), float(weather.temperature_offset), float(weather.pressure_ratio),
        float(weather.wind_sigma))


@lru_cache(maxsize=8)
def _model(site: Site, up: bytes, wind: bytes, offset: float, ratio: float, wind_sigma: float) -> Model:
    air = with_weather(site.air, np.frombuffer(up).copy(), np.frombuffer(wind).reshape(-1, 2).copy(), offset, ratio)
    sensors, extent, limits, pd, cell = sensors_of(site)
    reference = np.array([r.reference_snr for r in site.radars], np.float64)
    patience = 3.3 * max((r.revisit for r in site.radars), default=0.0)
    mean, variance = priors_of(site, wind_sigma)
    gap = np.array([GAP[0] + GAP[1] * r.revisit for r in site.radars], np.float64)
    n, laws = LIFT if wind_sigma > 0.0 else DRAG + 1, len(site.laws)
    living = np.array([n] * laws + [STATES], np.int64)
    gained = max(wind_sigma, 1e-3) ** 2 / WIND_DEPTH
    doubt = np.array([(*QUIET, gained)] * laws + [(*ROUGHLY, gained)])
    favour = np.array([0.0] * laws + [LOOSE])
    strength = np.array([10.0 ** (0.1 * r.reference_snr) * r.reference_range**4 for r in site.radars], np.float64)
    told = [math.isfinite(r.range_rate_sigma) and r.range_rate_span >= UNAMBIGUOUS for r in site.radars]
    worth = np.array([WORTH_A_START if whole else WORTH_A_TRIAL for whole in told], np.float64)
    return Model(
        site.drags, air, site.earth, sensors, mean, variance, n, curves_of(site), living, doubt, favour, extent,
        limits, pd, reference, patience, gap,
        biases_of(site), cell, worth, strength)


def heard(weakest: Array, d: Detections) -> Array:
    """Least signal to noise of each radar's detections so far (radars,) [dB], with detections `d`
    among them.

    weakest  (radars,) weakest signal-to-noise ratio detected so far [dB]
    """
    out = weakest.copy()
    told = np.isfinite(d.snr) & (d.sensor >= 0) & (d.sensor < out.shape[0])
    np.minimum.at(out, d.sensor[told], d.snr[told])
    return out


def copied(b: Block) -> Block:
    """The same tracks in arrays of their own.

    b  the track table
    """
    return Block(*(column.copy() for column in b))


def look(
    b: Block, seeds: Seeds, d: Detections, rows: Array, t: float, sensor: int, clutter: Array, weakest: Array,
    busy: Array, model: Model,
    ground: Ground,
) -> tuple[Block, Seeds, int]:
    """One radar's detections of one instant: the tracks take theirs, pairs begin new ones, the rest
    become seeds; says how many were nobody's.

    b        the track table
    d        detections of the frame
    rows     rows of the detections of this radar and instant
    t        time of the detections [s]
    sensor   index of the radar among the site's
    clutter  (radars,) false alarms a full look
    weakest  (radars,) weakest signal-to-noise ratio detected so far [dB]
    busy     (radars, rings, sectors) clutter map: false alarms a look in each cell
    model    laws, priors, air and sensors that all tracks share
    ground   heights of the terrain
    """
    # a rate that repeats within the speeds of rounds says too little and misleads the fit of a start: such a radar is
    # used without it
    with_rate = bool(model.sensors.span[sensor] >= UNAMBIGUOUS)
    rate = float(clutter[sensor]) if math.isfinite(clutter[sensor]) else max(float(rows.shape[0]), 0.5)
    least = min(float(weakest[sensor]), USUAL_THRESHOLD)
    z, ratio, excess, free, strange, seed, det, lr, took, longer = observe(b, seeds, d, rows, t, sensor, rate, busy,
        with_rate, least, model)
    if took.any():
        reconsider(b, took, longer, model)
    if seed.shape[0]:
        fresh = empty_block(b.x.shape[1], seed.shape[0])
        found(fresh, 0, seeds, seed, t, sensor, z, ratio, excess, det, lr, model)
        fresh.prior[:] = classify.low_or_far(fresh.anchor[:, 0, :3], ground, model.limits[sensor, 1],
            model.sensors.place[sensor])
        b = join(b, fresh)
        kept = np.ones(seeds.t.shape[0], np.bool_)
        kept[seed] = model.worth[sensor] <= SURELY_WORTH
        seeds = take(seeds, kept)
    rest = Seeds(np.full(z.shape[0], t), np.full(z.shape[0], sensor, np.int32), z, ratio, excess)
    return b, join(seeds, take(rest, free)), strange


def threshold(rate: float, looks: float) -> float:
    """Log-likelihood ratio from which a track is believed, so that `rate` false alarms a look give
    FALSE_TRACKS.

    looks  looks a second
    """
    return math.log(max(rate, 0.05) * looks * SAFETY / FALSE_TRACKS)


def density(old: float, strange: int, share: float, declared: float) -> float:
    """False alarms a full look, updated by `strange` detections that belonged to nothing in a look
    over `share` of what a full one covers.

    old       false alarms a full look so far; not finite where unknown
    declared  false alarms a full look that the site declares
    """
    share = min(max(share, 1e-3), 1.0)
    if not math.isfinite(old):
        return max(strange / share if share > 0.5 else 0.0, declared, 0.1)
    return max(old + CLUTTER_FADE * (strange - share * old), 0.1)


def sound(b: Block, before: Array) -> tuple[Block, Array]:
    """Hypotheses that ran out of numbers (a fit to two contradicting detections can) are given up,
    and tracks that have none left.

    b       the track table
    before  the track table before the step
    """
    bad = np.asarray(~(np.isfinite(b.x).all(2) & np.isfinite(b.p).all((2, 3))))
    lost = bad[:, : b.ll.shape[1]] | ~np.isfinite(b.ll)
    bad[:, : lost.shape[1]] |= lost
    x, p, ll = b.x.copy(), b.p.copy(), b.ll.copy()
    x[bad], p[bad] = 0.0, 1e8 * np.eye(b.x.shape[2])
    ll[lost] = -1e6
    alive = b.alive & ~lost[:, : b.alive.shape[1]]
    keep = np.flatnonzero(alive.any(1))
    return take(b._replace(x=x, p=p, ll=ll, alive=alive), keep), before[keep]


def end(
    b: Block, seeds: Seeds, busy: Array, given: Step, unseen: float, before: Array, model: Model, site: Site
) -> tuple[Block, Seeds, Array]:
    """Counts the looks that missed, and ends tracks: missed too often, gone from coverage, in the
    ground. What led nowhere enters the clutter map.

    b       the track table
    seeds   tentative detections, which no track took
    busy    (radars, rings, sectors) clutter map: false alarms a look in each cell
    given   what a step works on: detections, looks and times
    unseen  time by which a track would have been seen [s]
    before  (n,) hits of each track before the frame
    model   laws, priors, air and sensors that all tracks share
    site    the site as its defender declared it
    """
    busy = busy * (1.0 - MAP_FADE)
    spent = given.now - seeds.t >= model.gap[seeds.sensor] + 0.05
    if spent.any():
        old = take(seeds, spent)
        remember(busy, old.sensor, old.z, np.full(old.t.shape[0], MAP_FADE), model)
        seeds = take(seeds, ~spent)
    if b.time.shape[0]:
        about = (given.looked, given.sector_from, given.sector_width, model, site.ground)
        broken, ending, some = conclude(b, before, given.now, unseen, *about)
        if broken:
            b, before = sound(b, before)
            _, ending, some = conclude(b, before, given.now, unseen, *about)
        if some:
            short = np.flatnonzero(ending & (b.hits < SHORT))
            first = (np.ascontiguousarray(b.sensor[short, 0]), np.ascontiguousarray(b.z[short, 0]))
            remember(busy, *first, MAP_FADE * b.hits[short], model)
            b = take(b, ~ending)
    return b, seeds, busy


def confirm(b: Block, clutter: Array, site: Site) -> Array:
    """Rows of tentative tracks whose score has reached the threshold.

    b        the track table
    clutter  (radars,) false alarms a full look
    site     the site as its defender declared it
    """
    tentative = np.flatnonzero(b.number == 0)
    if tentative.shape[0] == 0:
        return tentative
    rates = [threshold(c if math.isfinite(c) else 1.0, 1.0 / max(r.revisit, 0.05)) for c, r in zip(clutter.tolist(),
        site.radars, strict=True)]
    return tentative[b.score[tentative] > max(rates, default=threshold(20.0, 1.0))]


def picture(b: Block, likely: Array, t: float, model: Model) -> Tracks:
    """The confirmed tracks as the rest of the house sees them, at time `t`; `likely` (n,) their log
    odds of projectile.

    b      the track table
    model  laws, priors, air and sensors that all tracks share
    """
    rows = np.flatnonzero(b.number > 0)
    if rows.shape[0] == 0:
        return Tracks.empty()
    state, covariance, law = opinions(considered(b, model), rows, t, model)
    kind = classify.probabilities(b, likely, rows, model.mean)
    return Tracks(b.number[rows], state, covariance, b.seen[rows], b.born[rows], b.hits[rows], kind, law,
        b.address[rows])
