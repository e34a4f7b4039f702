"""Measures each radar of a record against the aircraft in it: first its errors, then everything
that needs them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from skywarden.defence.registration import learn as registration
from skywarden.defence.registration import state as registers
from skywarden.defence.registration.geometry import seen_from, wrapped
from skywarden.defence.registration.matching import Matches, blocks, sighted
from skywarden.defence.registration.solve import residuals
from skywarden.defence.registration.state import SEGMENT
from skywarden.defence.registration.trajectory import Trajectories, believable, fitted, reference_reports
from skywarden.kernels.geometry.sight import in_sight
from skywarden.messages.frame import NO_ADDRESS, Aircraft, Detections, Frame
from skywarden.messages.picture import Tracks
from skywarden.messages.tables import Array, join, take
from skywarden.site.coverage import within_declared
from skywarden.site.model import LEAST_NOISE_DB, Radar, Site
from skywarden.tools.survey import figures
from skywarden.tools.survey.alone import Alone, by_itself
from skywarden.tools.survey.figures import Band, Surveyed
from skywarden.tools.survey.looks import Looks, passes, rhythm, times

RINGS, SECTORS, FALSE_SECTORS = 8, 36, 12  # parts of the range, and of the azimuth, that are judged apart
GATE = 20.0  # squared normalised distance within which a detection is of an aircraft
NEAR = 30.0  # likewise, within which it is no false alarm
LOOK = 0.3  # periods that a detection may be away from its look
MARGIN = 3.0  # deviations inside its declared limits that an aircraft must be to be looked for
BLIND = 0.5  # of a radar's detection probability: what is surely below is blind
ENOUGH = 10  # looks from which a part is judged
SAMPLES = 20_000  # detections kept to find a radar's rhythm


class Seen(NamedTuple):
    """One frame of a record, as a survey needs it."""

    frame: Frame
    tracks: Tracks
    corrected: Array  # (radars, 4) what was taken from the detections before they were tracked


class Tally:
    """What is counted of one radar."""

    def __init__(self) -> None:
        self.trials: list[tuple[float, float, bool]] = []  # range, azimuth, detected
        self.squares, self.freedom = np.zeros(4), np.zeros(4)  # range, azimuth, elevation, range rate
        self.unexplained: list[tuple[float, float]] = []  # range, azimuth
        self.span = [math.inf, -math.inf]
        self.t: list[Array] = []
        self.azimuth: list[Array] = []
        self.kept = 0
        self.watched = 0.0  # seconds of segments compared while the radar was up


def survey(seen: Callable[[], Iterator[Seen]], site: Site) -> list[Surveyed]:
    """The survey of every radar of the site.

    seen  called twice, gives the record's frames from its beginning
    """
    state, tallies, alone = _first(seen(), site)
    looks = [
        rhythm(np.concatenate(tally.t), np.concatenate(tally.azimuth), radar)
        if tally.t
        else Looks(radar.revisit, 0.0, False, False)
        for tally, radar in zip(tallies, site.radars, strict=True)
    ]
    _second(seen(), site, state, looks, tallies)
    return [_surveyed(k, site, state, looks[k], tallies[k], alone[k]) for k in range(len(tallies))]


def _first(seen: Iterator[Seen], site: Site) -> tuple[registers.State, list[Tally], list[Alone]]:
    """The radars' errors by the end of the record, and when each was heard."""
    state = registers.start(site)
    n = registers.registered(site)
    tallies, alone = [Tally() for _ in range(n)], [Alone() for _ in range(n)]
    for frame, _, _ in seen:
        state, _ = registration.learn(state, frame, site)
        d = frame.detections
        for k, tally in enumerate(tallies):
            mine = np.flatnonzero(d.sensor == k)
            heard = bool(k < frame.radars.up.shape[0] and frame.radars.up[k])
            if heard or mine.shape[0]:
                tally.span = [min(tally.span[0], frame.t), max(tally.span[1], frame.t)]
            if mine.shape[0] and tally.kept < SAMPLES:
                tally.t.append(d.t[mine])
                tally.azimuth.append(d.azimuth[mine])
                tally.kept += mine.shape[0]
            named = mine[d.address[mine] != NO_ADDRESS]
            if named.shape[0]:
                alone[k].add(take(d, named))
    return state, tallies, alone


def _second(seen: Iterator[Seen], site: Site, state: registers.State, looks: list[Looks], tallies: list[Tally]) -> None:
    """Every segment of flight compared again, now that the errors are known; counted into the
    tallies.
    """
    waiting, reports = Detections.empty(), Aircraft.empty()
    plain = np.zeros(0, np.bool_)
    begin, wait = math.nan, max(state.wait, 1.0)
    for frame, tracks, corrected in seen:
        d = frame.detections
        ok = np.flatnonzero((d.sensor >= 0) & (d.sensor < len(tallies)) & np.isfinite(d.range + d.azimuth + d.t))
        d = take(d, ok)
        plain = np.concatenate([plain, _tracked(d, tracks, corrected, site) | (d.address != NO_ADDRESS)])
        waiting, reports = join(waiting, d), join(reports, take(frame.aircraft, reference_reports(frame.aircraft)))
        if math.isnan(begin):
            begin = math.floor(frame.t / SEGMENT) * SEGMENT
        while frame.t >= begin + SEGMENT + wait:
            _segment(begin, waiting, plain, reports, site, state, looks, tallies)
            begin += SEGMENT
            keep = np.flatnonzero(waiting.t >= begin - 1.0)
            waiting, plain = take(waiting, keep), plain[keep]
            reports = take(reports, np.flatnonzero(reports.t >= begin - 1.0))


def _segment(
    begin: float,
    d: Detections,
    plain: Array,
    reports: Aircraft,
    site: Site,
    state: registers.State,
    looks: list[Looks],
    tallies: list[Tally],
) -> None:
    inside = np.flatnonzero((reports.t >= begin) & (reports.t < begin + SEGMENT))
    w = fitted(take(reports, inside), begin, state.references.address, state.references.scatter)
    rows = np.flatnonzero(believable(w))
    w = Trajectories(w.address[rows], w.middle, w.half, w.coefficient[rows], w.covariance[rows], w.scatter[rows])
    matches: list[Matches] = []
    for k, radar in enumerate(site.radars[: len(tallies)]):
        mine = np.flatnonzero(d.sensor == k)
        own, late = take(d, mine), float(state.estimate[k, 3])
        covariance = state.covariance[4 * k : 4 * k + 4, 4 * k : 4 * k + 4]
        scale = _scale(state, k)
        matches.append(sighted(own, w, radar, state.estimate[k], covariance, scale).matches)
        gate = Gate(own, w, radar, state.estimate[k], covariance, scale)
        if looks[k].known and w.address.shape[0]:
            _looked_for(begin + late, gate, looks[k], site, tallies[k])
        if tallies[k].span[0] <= begin + SEGMENT and tallies[k].span[1] >= begin:
            tallies[k].watched += min(begin + SEGMENT, tallies[k].span[1]) - max(begin, tallies[k].span[0])
        if not radar.mode_s:
            stamped = (own.t >= begin + late) & (own.t < begin + SEGMENT + late)
            strange = np.flatnonzero(stamped & ~plain[mine] & ~gate.explained())
            tallies[k].unexplained += list(zip(own.range[strange].tolist(), own.azimuth[strange].tolist(), strict=True))
    for i in np.unique(np.concatenate([m.of for m in matches])).tolist() if matches else []:
        told = residuals(matches, w, i, state.estimate)
        for k, tally in enumerate(tallies):
            tally.squares[:3] += told[k, :, 0] * _scale(state, k)
            tally.freedom[:3] += told[k, :, 1]


def _scale(state: registers.State, k: int) -> Array:
    """Variance (3,) of radar `k`'s noise over the declared one."""
    sums = state.noise[k]
    return np.clip((registration.FEW_NOISE + sums[:, 0]) / (registration.FEW_NOISE + sums[:, 1]), *registration.SCALE)


class Gate:
    """The detections of one radar in a segment beside the trajectories in it, once its errors are
    known.
    """

    def __init__(
        self, d: Detections, w: Trajectories, radar: Radar, errors: Array, covariance: Array, scale: Array
    ) -> None:
        self.d, self.w, self.radar, self.errors, self.covariance = d, w, radar, errors, covariance
        sigma = np.array([radar.range_sigma, radar.azimuth_sigma, radar.elevation_sigma]) * np.sqrt(scale)
        ratio = np.ones(d.t.shape[0])
        if math.isfinite(radar.reference_snr):
            worse = np.where(np.isfinite(d.snr), np.clip(radar.reference_snr - d.snr, LEAST_NOISE_DB, 20.0), 0.0)
            ratio = 10.0 ** (worse / 10.0)
        self.variance = ratio[:, None] * np.where(np.isfinite(sigma), sigma, 1.0) ** 2
        self.z = np.stack([d.range, d.azimuth, d.elevation], 1)

    def at(self, of: Array, t: Array) -> tuple[Array, Array, Array, Array, Array]:
        """What the radar should say of trajectories `of` (m,) at stamped times t: measured (m, 3),
        spread (m, 3, 3), range rate, place, and true polar.
        """
        s = (t - self.errors[3] - self.w.middle) / self.w.half
        basis = np.stack([np.ones_like(s), s, s * s], 1)
        slope = np.stack([np.zeros_like(s), np.ones_like(s), 2.0 * s], 1) / self.w.half
        c = self.w.coefficient[of]
        place, velocity = np.einsum("mi,mia->ma", basis, c), np.einsum("mi,mia->ma", slope, c)
        spread = np.minimum(np.einsum("mi,maij,mj->ma", basis, self.w.covariance[of], basis), 1e8)
        z, H, rate, doppler = seen_from(place, velocity, self.radar.place)
        B = blocks(rate)
        S = np.einsum("mia,ma,mja->mij", H, spread, H) + np.einsum("mik,kl,mjl->mij", B, self.covariance, B)
        return z + self.errors[:3], S, doppler, place, z

    def distance(self, row: Array, z: Array, S: Array, doppler: Array, of: Array) -> Array:
        """Squared normalised distance (m,) of detections `row` from what is expected; inf of
        another address or Doppler.

        z        (m, 4) range [m], azimuth, elevation [rad], range rate [m/s] expected
        S        (m, 3, 3) covariance of range, azimuth and elevation expected
        doppler  (m,) variance of the range rate expected [m²/s²]
        """
        v = self.z[row] - z
        v[:, 1] = wrapped(v[:, 1])
        S = S.copy()
        missing = np.isnan(v)
        S[:, (0, 1, 2), (0, 1, 2)] += np.where(missing, 1e12, self.variance[row])
        v = np.where(missing, 0.0, v)
        squared = np.einsum("mi,mi->m", v, np.linalg.solve(S, v[..., None])[..., 0])
        off = self.d.range_rate[row] - doppler
        if math.isfinite(self.radar.range_rate_span):
            off = off - self.radar.range_rate_span * np.floor(off / self.radar.range_rate_span + 0.5)
        other = (self.d.address[row] != NO_ADDRESS) & (self.d.address[row] != self.w.address[of])
        reach = 6.0 + 5.0 * (self.radar.range_rate_sigma if math.isfinite(self.radar.range_rate_sigma) else 0.0)
        return np.where(other | (np.abs(off) > reach), np.inf, squared)

    def explained(self) -> Array:
        """Which detections (mask) are of an aircraft."""
        n, k = self.w.address.shape[0], self.d.t.shape[0]
        out = np.zeros(k, np.bool_)
        for i in range(n):
            of = np.full(k, i)
            z, S, doppler, _, _ = self.at(of, self.d.t)
            rows = np.flatnonzero(np.abs(self.z[:, 0] - z[:, 0]) < 500.0)
            if rows.shape[0]:
                out[rows] |= self.distance(rows, z[rows], S[rows], doppler[rows], of[rows]) < NEAR
        return out


def _looked_for(begin: float, gate: Gate, looks: Looks, site: Site, tally: Tally) -> None:
    """Every look at every aircraft of the segment from stamped time `begin`: whether it was
    detected, and its Doppler.
    """
    n, radar = gate.w.address.shape[0], gate.radar
    end = begin + SEGMENT
    if looks.turns:
        ends = [gate.at(np.arange(n), np.full(n, t))[0][:, 1] for t in (begin, end)]
        of, t = passes(looks, begin, end, np.stack(ends, 1))
    else:
        when = times(looks, begin, end)
        of, t = np.repeat(np.arange(n), when.shape[0]), np.tile(when, n)
    if t.shape[0] == 0:
        return
    z, S, _doppler, place, true = gate.at(of, t)
    wide = MARGIN * np.sqrt(S[:, (0, 2), (0, 2)])
    wide[:, 1] = np.where(np.isfinite(gate.radar.elevation_sigma), wide[:, 1], 0.0)
    able = np.ones(t.shape[0], np.bool_)
    for sign in (-1.0, 1.0):
        able &= within_declared(
            radar, true[:, 0] + sign * wide[:, 0], true[:, 1], true[:, 2] + sign * np.minimum(wide[:, 1], 0.05)
        )
    rows = np.flatnonzero(able)
    if rows.shape[0]:
        rows = rows[in_sight(site.ground, radar.place, np.ascontiguousarray(place[rows]))]
    rows = _apart(rows, of, t, z, radar)
    rates: dict[int, list[tuple[float, float]]] = {}
    for j in rows.tolist():
        near = np.flatnonzero(
            (np.abs(gate.d.t - t[j]) < LOOK * looks.period) & (np.abs(gate.d.range - z[j, 0]) < 1000.0)
        )
        best = -1
        if near.shape[0]:
            i = np.full(near.shape[0], of[j])
            there = gate.at(i, gate.d.t[near])
            squared = gate.distance(near, there[0], there[1], there[2], i)
            best = int(near[squared.argmin()]) if squared.min() < GATE else -1
            if best >= 0 and math.isfinite(gate.d.range_rate[best]):
                rates.setdefault(int(of[j]), []).append(
                    (float(gate.d.t[best]), float(gate.d.range_rate[best] - there[2][squared.argmin()]))
                )
        tally.trials.append((float(true[j, 0]), float(true[j, 1]), best >= 0))
    for pairs in rates.values():
        _rates(np.array(pairs), radar, tally)


def _apart(rows: Array, of: Array, t: Array, z: Array, radar: Radar) -> Array:
    """Of looks `rows` those in which no other aircraft is so near that its echo could be taken for
    this one's.
    """
    out = []
    for j in rows.tolist():
        same = rows[(np.abs(t[rows] - t[j]) < LOOK * radar.revisit) & (of[rows] != of[j])]
        close = (np.abs(z[same, 0] - z[j, 0]) < max(10.0 * radar.range_sigma, radar.range_cell)) & (
            np.abs(wrapped(z[same, 1] - z[j, 1])) < max(10.0 * radar.azimuth_sigma, radar.azimuth_cell)
        )
        if not close.any():
            out.append(j)
    return np.array(out, np.int64)


def _rates(pairs: Array, radar: Radar, tally: Tally) -> None:
    """Doppler's noise from what is left of it (t, measured less expected) beside a straight line:
    the error of the reference's own speed is one.
    """
    if pairs.shape[0] < 4 or not math.isfinite(radar.range_rate_sigma):
        return
    basis = np.stack([np.ones(pairs.shape[0]), pairs[:, 0] - pairs[:, 0].mean()], 1)
    left = pairs[:, 1] - basis @ np.linalg.lstsq(basis, pairs[:, 1], rcond=None)[0]
    tally.squares[3] += float(left @ left) / radar.range_rate_sigma**2
    tally.freedom[3] += pairs.shape[0] - 2


def _tracked(d: Detections, tracks: Tracks, corrected: Array, site: Site) -> Array:
    """Which detections (mask) are of something that is tracked."""
    out = np.zeros(d.t.shape[0], np.bool_)
    if tracks.number.shape[0] == 0 or d.t.shape[0] == 0:
        return out
    for k in np.unique(d.sensor).tolist():
        radar, rows = site.radars[k], np.flatnonzero(d.sensor == k)
        off = np.nan_to_num(corrected[k]) if k < corrected.shape[0] else np.zeros(4)
        place = (
            tracks.state[:, None, :3]
            + tracks.state[:, None, 3:6] * (d.t[rows] - off[3] - tracks.seen.max())[None, :, None]
        )
        m = place.shape[0] * rows.shape[0]
        z, H, _, _ = seen_from(place.reshape(m, 3), np.zeros((m, 3)), radar.place)
        p = np.repeat(tracks.covariance[:, :3, :3], rows.shape[0], axis=0)
        sigma = np.array([radar.range_sigma, radar.azimuth_sigma, radar.elevation_sigma])
        at = np.tile(rows, place.shape[0])
        v = np.stack([d.range[at] - off[0], d.azimuth[at] - off[1], d.elevation[at] - off[2]], 1) - z
        v[:, 1] = wrapped(v[:, 1])
        S = np.einsum("mia,mab,mjb->mij", H, p, H)
        missing = np.isnan(v)
        S[:, (0, 1, 2), (0, 1, 2)] += np.where(
            missing, 1e12, (2.0 * np.where(np.isfinite(sigma), sigma, 1.0)) ** 2 + np.array([15.0**2, 0.0, 0.0])
        )
        v = np.where(missing, 0.0, v)
        squared = np.einsum("mi,mi->m", v, np.linalg.solve(S, v[..., None])[..., 0])
        out[rows] = (squared.reshape(place.shape[0], -1) < NEAR).any(0)
    return out


def _surveyed(k: int, site: Site, state: registers.State, looks: Looks, tally: Tally, alone: Alone) -> Surveyed:
    """Radar `k`'s figures from what was counted."""
    radar = site.radars[k]
    out = Surveyed(radar.name, period=looks.period, references=int(state.witnesses[k]))
    out.looks = round(tally.watched / looks.period)
    if registration.believed(state)[k]:
        out.errors = tuple(
            figures.about(float(e), float(s), out.references)
            for e, s in zip(state.estimate[k], registration.deviations(state)[k], strict=True)
        )
    else:
        out.notes.append(f"errors unknown: {out.references} aircraft agree on them, {registration.NEEDED} are needed")
    declared = (radar.range_sigma, radar.azimuth_sigma, radar.elevation_sigma, radar.range_rate_sigma)
    if tally.freedom[:2].min() >= 1.0:
        out.noise = tuple(
            figures.deviation(float(a), float(f), b)
            for a, f, b in zip(tally.squares, tally.freedom, declared, strict=True)
        )
    by_itself_noise, trials = by_itself(alone, radar, looks.period)
    if not out.noise and by_itself_noise:
        out.noise = by_itself_noise
        out.notes.append(
            "noise from the radar's own addressed plots, beside smooth paths: what wanders slowly is not in it"
        )
    if not tally.trials and trials:
        tally.trials = trials
        out.notes.append(
            "detection probability from gaps between a transponder's replies: what never replies again is not in it"
        )
    _detection(out, tally.trials, radar)
    if not radar.mode_s and out.looks:
        _false_alarms(out, tally.unexplained, radar)
    if not looks.known:
        out.notes.append("when it looks is not known: its detections keep no rhythm near the declared revisit")
    return out


def _detection(out: Surveyed, trials: list[tuple[float, float, bool]], radar: Radar) -> None:
    """Detection probability: over all, over range and over azimuth, and the sectors in which the
    radar is blind.
    """
    if not trials:
        out.notes.append("detection probability unknown: no aircraft was where it could have been seen")
        return
    table = np.array(trials)
    hit = table[:, 2] > 0.5
    rings = np.linspace(0.0, radar.range_max, RINGS + 1)
    for a, b in itertools.pairwise(rings):
        inside = (table[:, 0] >= a) & (table[:, 0] < b)
        if inside.any():
            out.by_range.append(Band(float(a), float(b), figures.share(int(hit[inside].sum()), int(inside.sum()))))
    whole = hit.mean()
    sector = (np.mod(table[:, 1], 2.0 * math.pi) / (2.0 * math.pi) * SECTORS).astype(np.int64) % SECTORS
    edges = np.linspace(0.0, 2.0 * math.pi, SECTORS + 1)
    blind, dark = np.zeros(SECTORS, np.bool_), np.zeros(SECTORS, np.bool_)
    for j in range(SECTORS):
        inside = sector == j
        if inside.sum() < ENOUGH:
            dark[j] = True
            continue
        figure = figures.share(int(hit[inside].sum()), int(inside.sum()))
        out.by_azimuth.append(Band(float(edges[j]), float(edges[j + 1]), figure))
        blind[j] = figure.high < BLIND * whole
    sighted_sector = ~blind[sector]
    out.detection = figures.share(int(hit[sighted_sector].sum()), int(sighted_sector.sum()))
    out.blind, out.unjudged = _arcs(blind, edges), _arcs(dark, edges)


def _arcs(which: Array, edges: Array) -> list[tuple[float, float]]:
    """Neighbouring sectors put together, (from, to) clockwise; one arc may pass north."""
    n = which.shape[0]
    if which.all():
        return [(0.0, 2.0 * math.pi)]
    return [
        (float(edges[j]), float(edges[(j + length) % n]))
        for j in np.flatnonzero(which & ~np.roll(which, 1)).tolist()
        for length in [next(k for k in range(1, n + 1) if not which[(j + k) % n])]
    ]


def _false_alarms(out: Surveyed, strange: list[tuple[float, float]], radar: Radar) -> None:
    """False alarms a look, over all and by cell: the cells that are busier than the whole lets
    expect come first.
    """
    looks = max(out.looks, 1)
    out.false_alarms = figures.rate(len(strange), looks)
    table = np.array(strange).reshape(-1, 2)
    rings, sectors = np.linspace(0.0, radar.range_max, RINGS + 1), np.linspace(0.0, 2.0 * math.pi, FALSE_SECTORS + 1)
    count = np.histogram2d(table[:, 0], np.mod(table[:, 1], 2.0 * math.pi), [rings, sectors])[0]
    for i in range(RINGS):
        for j in range(FALSE_SECTORS):
            out.cells.append(
                (
                    float(rings[i]),
                    float(rings[i + 1]),
                    float(sectors[j]),
                    float(sectors[j + 1]),
                    figures.rate(int(count[i, j]), looks),
                )
            )
