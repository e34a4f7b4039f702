"""Each radar's constant errors in range, azimuth, elevation and time, estimated as frames come in,
and taken from the detections before they are tracked.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from skywarden.defence.registration.geometry import wrapped
from skywarden.defence.registration.matching import Sighting, sighted
from skywarden.defence.registration.solve import FITS, agreed, piece, residuals
from skywarden.defence.registration.state import (
    MOST_CORRECTED,
    MOST_DETECTIONS,
    MOST_REFERENCES,
    MOST_REPORTS,
    SEGMENT,
    TERMS,
    References,
    State,
    Waiting,
    no_references,
    prior_of,
    registered,
)
from skywarden.defence.registration.trajectory import Trajectories, believable, fitted, reference_reports
from skywarden.messages.frame import Frame
from skywarden.messages.tables import Array, join, take
from skywarden.site.model import Site

SOON, LATEST = 1.0, 12.0  # s after its end that a segment is compared, at least and at most
# s over which what was learnt fades: errors wander with temperature and with every time a radar is moved
MEMORY = 1800.0
# s unseen after which a reference's information joins what is known for good, if it agreed, and is forgotten if not
GONE = 120.0
NEEDED = 3  # references that agree, from which a radar's errors are believed
# chi-squared of 4 terms (p 5e-5) from which a radar is said to err at all; until then nothing is changed
SIGNIFICANT = 25.0
# of the noise in range, azimuth and elevation, s of time: changes of the estimate that are worth a correction of
# their own
STEP = (0.1, 0.02)
TURNED = np.radians(6.0)  # offset from which a radar sees aircraft in another direction than they say
STEADY, ALIKE = 3, np.radians(2.0)  # segments in a row, and spread, of an offset that is taken for one
WITNESSES = 2  # aircraft that must see the same offset, where they do so for
LONG = 8  # segments in a row; NEEDED of them where for STEADY: chance pairs of forged reports and echoes part sooner
# offset in azimuth or elevation from what is estimated, from which an aircraft contradicts it
DISPUTED = np.radians((2.0, 1.5))
FEW_NOISE = 20.0  # degrees of freedom that a radar's books count against its own residuals
SCALE = (0.02, 25.0)  # least and most of a radar's noise variance over its books'


class Learnt(NamedTuple):
    """What one frame changed."""

    state: State
    moved: Array  # (radars, TERMS) by how much what is taken from the detections has changed; zeros nearly always


def learn(state: State, frame: Frame, site: Site) -> Learnt:
    """One frame on: detections and reports are kept until their segment of flight is over, then
    compared. Pure.

    state  what registration has learnt before this frame
    site   the site as its defender declared it

    Source: docs/models/registration.md
    """
    if registered(site) == 0:       # nothing that could be wrong
        return Learnt(state, state.applied - state.applied)
    state = _kept(state, frame, site)
    if not np.isfinite(state.closed):
        state = state._replace(closed=float(np.floor(frame.t / SEGMENT) * SEGMENT))
    before = state
    if frame.t >= state.closed + SEGMENT + state.wait:
        state = _closed(state, state.closed, site)
        behind = float(np.floor((frame.t - state.wait) / SEGMENT) * SEGMENT)
        state = _forgotten(state._replace(closed=max(state.closed + SEGMENT, behind - 2.0 * SEGMENT)))
    return Learnt(state, state.applied - before.applied)


def corrected(state: State, frame: Frame) -> Frame:
    """The frame with the radars' known errors taken from its detections; the same frame where none
    is.

    state  what registration has learnt
    """
    if not state.engaged.any():
        return frame
    d = frame.detections
    off = np.zeros((max(int(d.sensor.max(initial=0)) + 1, state.applied.shape[0]), TERMS))
    off[: state.applied.shape[0]] = state.applied
    of = np.clip(d.sensor, 0, off.shape[0] - 1)
    return frame._replace(
        detections=d._replace(
            t=np.minimum(d.t - off[of, 3], np.maximum(d.t, frame.t)),
            range=np.maximum(d.range - off[of, 0], 1.0),
            azimuth=np.mod(d.azimuth - off[of, 1], 2.0 * np.pi),
            elevation=d.elevation - off[of, 2],
        )
    )


def remaining(state: State) -> Array:
    """Deviations (radars, 3) of what is left of each radar's errors in range, azimuth and
    elevation; nan where too few references agree.

    state  what registration has learnt
    """
    left = np.hypot(deviations(state), state.estimate - state.applied)[:, :3]
    return np.where(believed(state)[:, None], left, np.nan)


def books(state: State, site: Site, assumed: Array) -> Site:
    """The site with what is left of its radars' errors as learnt, in place of what it declares or
    what is assumed (radars, 3).

    state  what registration has learnt

    Where no error is assumed (one radar that declares none) none is until the radar is corrected.
    """
    left = remaining(state)
    n = left.shape[0]
    known = np.isfinite(left) & (state.engaged[:, None] | (left < assumed[:n]))
    if not known.any():
        return site
    return _books(site, np.where(known, left, assumed[:n]).tobytes())


@lru_cache(maxsize=4)
def _books(site: Site, left: bytes) -> Site:
    n = registered(site)
    rows = np.frombuffer(left).reshape(n, 3).tolist()
    told = [
        replace(r, range_bias=a, azimuth_bias=b, elevation_bias=c)
        for r, (a, b, c) in zip(site.radars[:n], rows, strict=True)
    ]
    return replace(site, radars=(*told, *site.radars[n:]))


def believed(state: State) -> Array:
    """Radars (mask) whose errors enough references agree on.

    state  what registration has learnt
    """
    return np.asarray(state.witnesses >= NEEDED)


def told(state: State) -> tuple[Array, ...]:
    """What is known of the radars, in the order of `integrity.Registered`.

    state  what registration has learnt
    """
    return (
        believed(state),
        state.estimate,
        deviations(state),
        state.applied,
        state.witnesses,
        state.astray,
        state.offset,
        state.disputed,
    )


def deviations(state: State) -> Array:
    """Standard deviations (radars, TERMS) of the estimate.

    state  what registration has learnt
    """
    return np.sqrt(np.diag(state.covariance)).reshape(state.estimate.shape)


def _kept(state: State, frame: Frame, site: Site) -> State:
    """What came in joins what waits: reports of aircraft, and detections while any aircraft
    reports.
    """
    aircraft = take(frame.aircraft, reference_reports(frame.aircraft))
    if aircraft.t.shape[0] == 0 and state.waiting.aircraft.t.shape[0] == 0:
        return state
    delay = max(float((frame.t - frame.detections.t).max(initial=0.0)), float((frame.t - aircraft.t).max(initial=0.0)))
    wait = min(max(SOON, 0.99 * state.wait, delay + 0.5), LATEST)
    d = frame.detections
    usable = (d.sensor >= 0) & (d.sensor < registered(site)) & np.isfinite(d.range + d.azimuth + d.t)
    detections = join(state.waiting.detections, take(d, np.flatnonzero(usable)))
    aircraft = join(state.waiting.aircraft, aircraft)
    if detections.t.shape[0] > MOST_DETECTIONS * registered(site):
        detections = take(
            detections, np.arange(detections.t.shape[0] - MOST_DETECTIONS * registered(site), detections.t.shape[0])
        )
    if aircraft.t.shape[0] > MOST_REPORTS:
        aircraft = take(aircraft, np.arange(aircraft.t.shape[0] - MOST_REPORTS, aircraft.t.shape[0]))
    return state._replace(wait=wait, waiting=Waiting(detections, aircraft))


def _forgotten(state: State) -> State:
    """Without what waits from before the segments that are still open; a margin is kept for clocks
    that differ.
    """
    d, a = state.waiting
    return state._replace(
        waiting=Waiting(
            take(d, np.flatnonzero(d.t >= state.closed - 1.0)), take(a, np.flatnonzero(a.t >= state.closed - 1.0))
        )
    )


def _closed(state: State, begin: float, site: Site) -> State:
    """The segment from `begin` compared: what each aircraft in it says joins what it said before,
    and those that agree make the estimate.
    """
    d, a = state.waiting
    a = take(a, np.flatnonzero((a.t >= begin) & (a.t < begin + SEGMENT)))
    w = fitted(a, begin, state.references.address, state.references.scatter)
    w = _chosen(w, state)
    radars = registered(site)
    scale = np.clip((FEW_NOISE + state.noise[:, :, 0]) / (FEW_NOISE + state.noise[:, :, 1]), *SCALE)
    seen: list[Sighting] = []
    for r in range(radars):
        own = slice(TERMS * r, TERMS * (r + 1))
        mine = take(d, np.flatnonzero(d.sensor == r))
        seen.append(sighted(mine, w, site.radars[r], state.estimate[r], state.covariance[own, own], scale[r]))
    state = _turned(_told(state, w, seen, scale, begin + SEGMENT), w, seen, begin + SEGMENT)
    return _applied(_estimated(state, begin + SEGMENT, site), site)


def _chosen(w: Trajectories, state: State) -> Trajectories:
    """The believable trajectories, no more than are kept apart: those known first."""
    rows = np.flatnonzero(believable(w))
    if rows.shape[0] > 4 * MOST_REFERENCES:
        known = np.isin(w.address[rows], state.references.address)
        rows = np.sort(rows[np.argsort(~known, kind="stable")][: 4 * MOST_REFERENCES])
    return Trajectories(w.address[rows], w.middle, w.half, w.coefficient[rows], w.covariance[rows], w.scatter[rows])


def _told(state: State, w: Trajectories, seen: list[Sighting], scale: Array, end: float) -> State:
    """What the segment's aircraft say of the radars' errors, each added to its own row."""
    radars = len(seen)
    references = _with_rows(state.references, w.address, radars)
    spot = np.searchsorted(references.address, w.address)
    references.scatter[spot] += w.scatter
    noise = state.noise.copy()
    matches = [one.matches for one in seen]
    known = believed(state)
    for k in np.unique(np.concatenate([m.of for m in matches])).tolist():
        told = piece(matches, w, k, radars)
        if known.any():
            squares = residuals(matches, w, k, state.estimate)
            squares = squares * (squares[:, :, :1] <= FITS * np.maximum(squares[:, :, 1:], 1.0)) * known[:, None, None]
            noise[:, :, 0] += squares[:, :, 0] * scale
            noise[:, :, 1] += squares[:, :, 1]
        if told.fit <= FITS:
            i = spot[k]
            references.information[i] += told.information
            references.vector[i] += told.vector
            references.segments[i] += [np.count_nonzero(m.of == k) > 0 for m in matches]
            references.seen[i] = end
    return state._replace(references=references, noise=noise)


def _with_rows(references: References, address: Array, radars: int) -> References:
    """A copy with a row for every one of these addresses, rising by address."""
    fresh = address[~np.isin(address, references.address)]
    both = join(references, no_references(radars, fresh.shape[0])._replace(address=fresh))
    return take(both, np.argsort(both.address, kind="stable"))


def _turned(state: State, w: Trajectories, seen: list[Sighting], end: float) -> State:
    """Which radars see aircraft in another direction than they say: several of them steadily at one
    offset, and none where it says it is.
    """
    references = state.references._replace(
        offset=state.references.offset.copy(), steady=state.references.steady.copy(), seen=state.references.seen.copy()
    )
    spot = np.searchsorted(references.address, w.address)
    astray, offset, disputed = state.astray.copy(), state.offset.copy(), state.disputed.copy()
    for r, one in enumerate(seen):
        told = np.isfinite(one.offset[:, 0])
        rows = spot[told]
        now = one.offset[told]
        off = now - references.offset[rows, r]
        off[:, 0] = wrapped(off[:, 0])
        alike = (np.abs(off) < ALIKE).all(1)
        references.steady[rows, r] = np.where(alike, references.steady[rows, r] + 1, 1)
        references.offset[rows, r] = now
        references.seen[rows] = end
        lasting = np.flatnonzero((references.steady[:, r] >= STEADY) & (references.seen >= end - GONE))
        beside = references.offset[lasting, r] - state.estimate[r, 1:3]
        beside[:, 0] = wrapped(beside[:, 0])
        against = int((np.abs(beside) > DISPUTED).any(1).sum())
        disputed[r] = against >= NEEDED and 3 * against >= lasting.shape[0]
        far = np.abs(references.offset[lasting, r]).max(1, initial=0.0) > TURNED
        home = int(np.count_nonzero(~far))
        agree, at = _densest(references.offset[lasting[far], r])
        long = lasting[far & (references.steady[lasting, r] >= LONG)]
        if home == 0 and (agree >= NEEDED or _densest(references.offset[long, r])[0] >= WITNESSES):
            astray[r], offset[r] = True, at
        elif home >= WITNESSES and home >= agree:
            astray[r], offset[r] = False, 0.0
    return state._replace(references=references, astray=astray, offset=offset, disputed=disputed)


def _densest(offset: Array) -> tuple[int, Array]:
    """How many of offsets (n, 2) lie about one of them, and which one that is."""
    if offset.shape[0] == 0:
        return 0, np.zeros(2)
    apart = offset[:, None] - offset[None]
    apart[:, :, 0] = wrapped(apart[:, :, 0])
    near = (np.abs(apart) < ALIKE).all(2).sum(1)
    return int(near.max()), offset[int(near.argmax())]


def _estimated(state: State, end: float, site: Site) -> State:
    """The estimate from all references that agree; what has gone joins what is known, and what is
    too much is let go.
    """
    known = np.diag(1.0 / prior_of(site).ravel() ** 2)
    fade = np.exp(-SEGMENT / MEMORY)
    references = state.references._replace(
        information=fade * state.references.information, vector=fade * state.references.vector
    )
    prior, vector = known + fade * (state.prior - known), fade * state.prior_vector
    telling = references.segments.any(1)
    found = agreed(
        prior, vector, references.information[telling], references.vector[telling], references.agrees[telling]
    )
    inside = np.zeros(references.address.shape[0], np.bool_)
    inside[telling] = found.inside
    gone = ~(references.seen >= end - GONE)
    crowd = np.flatnonzero(~gone)
    if crowd.shape[0] > MOST_REFERENCES:
        worth = references.segments[crowd].sum(1) + references.steady[crowd].max(1)
        gone[crowd[np.argsort(-worth, kind="stable")[MOST_REFERENCES:]]] = True
    retired = gone & inside
    met = references.segments > 0
    passed = fade * state.gone + met[retired].sum(0)
    n = registered(site)
    return state._replace(
        prior=prior + references.information[retired].sum(0),
        prior_vector=vector + references.vector[retired].sum(0),
        gone=passed,
        references=take(references._replace(agrees=inside), np.flatnonzero(~gone)),
        noise=fade * state.noise,
        estimate=found.estimate.reshape(n, TERMS),
        covariance=found.covariance,
        witnesses=met[inside & ~gone].sum(0) + np.round(passed).astype(np.int64),
    )


def _applied(state: State, site: Site) -> State:
    """What is taken from the detections: nothing until enough references agree on an error that is
    significant and small enough to be corrected.
    """
    n = state.estimate.shape[0]
    applied, engaged = state.applied.copy(), state.engaged.copy()
    noise = np.array([(r.range_sigma, r.azimuth_sigma, r.elevation_sigma) for r in site.radars[:n]]).reshape(n, 3)
    step = np.concatenate([STEP[0] * np.where(np.isfinite(noise), noise, np.inf), np.full((n, 1), STEP[1])], 1)
    trusted = believed(state) & ~state.astray & (np.abs(state.estimate) <= np.array(MOST_CORRECTED)).all(1)
    for r in range(n):
        own = slice(TERMS * r, TERMS * (r + 1))
        e = state.estimate[r]
        if state.astray[r]:
            applied[r], engaged[r] = 0.0, False
        elif trusted[r]:
            engaged[r] |= float(e @ np.linalg.solve(state.covariance[own, own], e)) > SIGNIFICANT
            if engaged[r] and (np.abs(e - applied[r]) > step[r]).any():
                applied[r] = e
    return state._replace(applied=applied, engaged=engaged)
