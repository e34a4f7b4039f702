"""Turns what the session hands over into what the page is sent: plain columns of rounded numbers,
encoded once a frame.

Lengths stay metres of the site frame, times seconds of the run, angles radians; the page converts
for the eye. nan and infinity become null.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from skywarden.console.memory import Memory
from skywarden.console.shown import Shown, shown
from skywarden.measures.watch import Watch
from skywarden.messages.drill import Drill, Evidence
from skywarden.messages.frame import CAUSES, NO_ADDRESS, Delivered
from skywarden.messages.moment import Moment
from skywarden.messages.picture import (
    AIRCRAFT,
    CLEAR,
    PROJECTILE,
    STAGE_NAMES,
    Health,
    Impacts,
    Inbound,
    Losses,
    PreAlerts,
    Threats,
    Tracks,
    Warnings,
)
from skywarden.site.coverage import outlines
from skywarden.site.doubts import doubts
from skywarden.site.model import Site

Array = NDArray[Any]

PROTOCOL = 5                # raised when the page and the server would no longer understand one another
MOST_TUBES = 8              # nearest aircraft of a clearance shown
MOST_CLEARANCES = 400       # of one frame shown; every effector against every round would be thousands
ENCODER = msgspec.json.Encoder()


def encode(message: Any) -> bytes:
    """`message` as JSON."""
    return ENCODER.encode(message)


def moment_view(moment: Moment | Shown, memory: Memory) -> dict[str, Any]:
    """One frame as the page draws it. `memory` adds what no single frame holds: who acknowledged,
    call signs, the last event's number.

    moment  the moment, or what of it is shown
    """
    seen = shown(moment)
    picture = seen.picture
    view: dict[str, Any] = {
        "type": "frame",
        "t": round(seen.t, 3),
        "tracks": _tracks(picture.tracks, seen.t, memory),
        "impacts": _impacts(picture.impacts),
        "threats": _threats(picture.threats),
        "inbound": _inbound(picture.inbound),
        "warnings": _warnings(picture.warnings, memory),
        "pre_alerts": _pre_alerts(picture.pre_alerts),
        "losses": _losses(picture.losses),
        "claims": _claims(seen.t, picture.tracks, memory),
        "health": _health(seen, picture.health, memory),
        "watch": _watch(memory.watch),
        "messages": [_message(message) for message in memory.delivered],
        "events": memory.last_event,
    }
    if seen.drill is not None:
        view["drill"] = _drill(seen.drill, memory)
    return view


def _watch(watch: Watch) -> dict[str, Any]:
    """Who sits where; exactly one has the watch, from the first frame that anybody took it."""
    return {"holder": watch.holder, "since": _number(watch.since, 2), "seats": watch.seats,
        "unseen": list(watch.unacknowledged)}


def _message(message: Delivered) -> dict[str, Any]:
    """A message as it is read; the facts it tells are the scorer's."""
    return {
        "name": message.name, "t": round(message.t, 2), "kind": message.kind, "sender": message.sender,
        "texts": list(message.texts), "answer": _number(message.answer_s, 1), "choices": list(message.choices)}


def site_view(site: Site) -> dict[str, Any]:
    """What the page must know of the site before its first frame. The terrain's heights travel
    apart, see `terrain`.
    """
    origin = site.origin
    return {
        "name": site.name,
        "title": site.title,
        "origin": {"latitude": origin.latitude, "longitude": origin.longitude, "elevation": origin.elevation},
        "frame_s": site.policy.frame_s,
        "doubts": list(doubts(site)),
        "policy": {
            "warn": site.policy.warn_probability, "clear": site.policy.clear_probability,
            "margin": site.policy.warn_margin_s,
            "all_clear": site.policy.all_clear_s, "hazard": site.policy.hazard_radius, "consent": site.policy.consent,
            "engage": site.policy.engage_probability, "safety": site.policy.safety_distance,
            "by_costs": site.costs.stated, "by_operator": site.policy.all_clear == "operator",
        },
        "zones": [
            {"name": z.name, "kind": z.kind, "people": z.people, "shelter": z.shelter_s, "warn": z.warn,
                "polygon": _rounded(z.polygon, 2)}
            for z in site.zones
        ],
        "radars": [
            {
                "name": r.name, "kind": r.kind, "place": _rounded(r.place, 1), "min": r.range_min, "max": r.range_max,
                "low": r.elevation_min, "high": r.elevation_max, "from": r.azimuth_from, "width": r.azimuth_width,
                "revisit": r.revisit,
            }
            for r in site.radars
        ],
        "receivers": [{"place": _rounded(r.place, 1), "max": r.range_max} for r in site.receivers],
        "effectors": [
            {
                "name": e.name, "kind": e.kind, "place": _rounded(e.place, 1), "min": e.reach_min, "max": e.reach_max,
                "from": e.azimuth_from, "width": e.azimuth_width, "magazine": e.magazine,
            }
            for e in site.effectors
        ],
        "heights": {"aircraft": site.display.aircraft_height, "transition": site.display.transition_altitude},
        "terrain": None if site.ground.up.size == 1 else {
            "east": site.ground.east0, "north": site.ground.north0, "step": site.ground.step,
            "rows": site.ground.up.shape[0],
            "columns": site.ground.up.shape[1], "sigma": site.ground.sigma,
        },
    }


def terrain(site: Site) -> bytes:
    """Heights above the site's origin, little-endian float32 [m], rows northward."""
    return np.ascontiguousarray(site.ground.up, "<f4").tobytes()


def coverage(site: Site, height: float) -> dict[str, Any]:
    """What the radars see at `height` [m] above the ground: all together, and each by name;
    polygons of rings of east, north [m].

    site  the site as its defender declared it
    """
    together, each = outlines(site, height)

    def plain(polygons: list[list[Array]]) -> list[Any]:
        return [[ring.astype(np.int64).tolist() for ring in rings] for rings in polygons]

    return {"height": height, "all": plain(together), "radars": [{"name": r.name, "seen": plain(p)} for r,
        p in zip(site.radars, each, strict=True)]}


def _tracks(tracks: Tracks, t: float, memory: Memory) -> dict[str, Any]:
    state, covariance = tracks.state, tracks.covariance
    kind = tracks.kind.argmax(axis=1) if tracks.number.size else np.zeros(0, np.int64)
    a, b, turn = ellipses(covariance[:, :2, :2])
    return {
        "id": tracks.number.tolist(),
        "x": _rounded(state[:, 0], 1), "y": _rounded(state[:, 1], 1), "z": _rounded(state[:, 2], 1),
        "vx": _rounded(state[:, 3], 1), "vy": _rounded(state[:, 4], 1), "vz": _rounded(state[:, 5], 1),
        "a": _rounded(a, 1), "b": _rounded(b, 1), "turn": _rounded(turn, 3),
        "sz": _rounded(np.sqrt(np.maximum(covariance[:, 2, 2], 0.0)), 1),
        "age": _rounded(t - tracks.seen, 2), "born": _rounded(tracks.born, 2), "hits": tracks.hits.tolist(),
        "kind": kind.tolist(), "p": _rounded(np.take_along_axis(tracks.kind, kind[:, None], 1)[:, 0] if kind.size
            else kind, 3),
        "round": _rounded(tracks.kind[:, PROJECTILE], 3), "aircraft": _rounded(tracks.kind[:, AIRCRAFT], 3),
        "call": [memory.callsign(address) for address in tracks.address.tolist()],
        "icao": ["" if address == NO_ADDRESS else f"{address:06x}" for address in tracks.address.tolist()],
        "said": {str(number): memory.judged[number]._asdict() for number in tracks.number.tolist()
            if number in memory.judged} if memory.judged else {},
    }


def _impacts(impacts: Impacts) -> dict[str, Any]:
    a, b, turn = ellipses(impacts.covariance[:, :2, :2])
    return {
        "id": impacts.track.tolist(), "p": _rounded(impacts.p_projectile, 3), "t": _rounded(impacts.t, 2),
        "x": _rounded(impacts.place[:, 0], 1), "y": _rounded(impacts.place[:, 1], 1),
        "z": _rounded(impacts.place[:, 2], 1),
        "a": _rounded(a, 1), "b": _rounded(b, 1), "turn": _rounded(turn, 3),
        "st": _rounded(np.sqrt(np.maximum(impacts.covariance[:, 2, 2], 0.0)), 2),
        "speed": _rounded(impacts.speed, 0), "fall": _rounded(impacts.fall_angle, 3),
    }


def _threats(threats: Threats) -> dict[str, Any]:
    return {
        "id": threats.track.tolist(), "zone": threats.zone.tolist(), "p": _rounded(threats.probability, 3),
        "t": _rounded(threats.t, 2),
        "st": _rounded(threats.t_sigma, 2), "people": _rounded(threats.people, 1),
    }


def _inbound(inbound: Inbound) -> dict[str, Any]:
    return {
        "id": inbound.track.tolist(), "zone": inbound.zone.tolist(), "p": _rounded(inbound.probability, 3),
        "t": _rounded(inbound.t, 2),
        "miss": _rounded(inbound.miss, 0), "since": _rounded(inbound.since, 2),
    }


def _pre_alerts(p: PreAlerts) -> list[dict[str, Any]]:
    """The zones told that something was fired; `why` is a row of REASONS."""
    return [
        {"zone": int(p.zone[i]), "since": _number(p.since[i], 2), "p": _number(p.probability[i], 3),
         "impact": _number(p.t_impact[i], 2), "why": int(p.cause[i])}
        for i in range(p.zone.shape[0])
    ]


def _losses(losses: Losses) -> dict[str, Any]:
    """What each endangered zone stands to lose, in people hurt or their equal; `why` and `reason`
    are rows of REASONS.
    """
    return {
        "zone": losses.zone.tolist(), "unwarned": _rounded(losses.unwarned, 3), "warned": _rounded(losses.warned, 3),
        "waited": _rounded(losses.waited, 3), "p": _rounded(losses.probability, 3),
        "threshold": _rounded(losses.threshold, 3), "why": losses.why.tolist(), "reason": losses.reason.tolist(),
    }


def _warnings(w: Warnings, memory: Memory) -> list[dict[str, Any]]:
    rows = []
    for i in range(w.zone.shape[0]):
        if int(w.action[i]) == CLEAR:
            continue
        zone = int(w.zone[i])
        mark = memory.mark(zone)
        rows.append({
            "zone": zone, "since": _number(w.since[i], 2), "p": _number(w.probability[i], 3),
            "peak": _number(w.peak[i], 3),
            "impact": _number(w.t_impact[i], 2), "until": _number(w.until[i], 2), "tracks": int(w.tracks[i]),
            "raid": int(w.raid[i]),
            "manual": bool(w.manual[i]), "by": mark.alarm_by, "why": mark.alarm_why, "seen": mark.seen_by,
            "seen_t": mark.seen_t,
            "shelved": mark.shelved_until, "shelved_by": mark.shelved_by, "shelved_why": mark.shelved_why,
            "stage": mark.stage, "back": mark.back, "told": STAGE_NAMES[int(w.stage[i])],
        })
    return rows


def _claims(t: float, tracks: Tracks, memory: Memory) -> dict[str, Any]:
    """Aircraft that report themselves and that no track holds: shown as what they are, a claim with
    an age.
    """
    held = set(tracks.address.tolist())
    rows = [claim for address, claim in memory.claims.items() if address not in held and t - claim.t < memory.forget_s]
    return {
        "icao": [f"{claim.address:06x}" for claim in rows], "call": [claim.callsign for claim in rows],
        "x": [_number(claim.place[0], 1) for claim in rows], "y": [_number(claim.place[1], 1) for claim in rows],
        "z": [_number(claim.place[2], 1) for claim in rows], "age": [round(t - claim.t, 1) for claim in rows],
        "nic": [claim.nic for claim in rows],
    }


def _health(seen: Shown, health: Health, memory: Memory) -> dict[str, Any]:
    inputs = seen.inputs
    channels = seen.channels
    return {
        "sirens": [
            {"name": bytes(channels.name[i]).decode("utf-8", "replace"), "state": int(channels.state[i]),
             "waiting": int(channels.waiting[i]), "taken": int(channels.accepted[i]),
             "acknowledged": int(channels.delivered[i]), "heard": _number(channels.heard[i], 1)}
            for i in range(channels.name.shape[0])],
        "radars": health.radars.tolist(),
        "heard": [_number(seen.t - heard, 1) for heard in seen.radars.heard.tolist()],
        "late": _number(max(seen.late_s, health.late_s), 3),
        "lag": [_number(lag, 1) for lag in health.lag.tolist()],
        "registered": _registered(health),
        "detections": health.detections, "rejected": health.rejected + health.disbelieved, "too_late": health.late,
        "unusable": health.unusable,
        "ellipses": {"judged": health.judged, "held": health.held, "unkept": health.unkept},
        "step": _number(memory.step_s, 4), "frames": memory.frames,
        "inputs": [
            {
                "name": bytes(inputs.name[i]).decode("utf-8", "replace"), "received": int(inputs.received[i]),
                "undecodable": int(inputs.undecodable[i]), "rejected": int(inputs.rejected[i]),
                "age": _number(seen.t - float(inputs.heard[i]), 1),
                "causes": {cause: int(n) for cause, n in zip(CAUSES, inputs.causes[i].tolist(), strict=True) if n},
                "steps": int(inputs.steps[i]), "drift": _number(inputs.drift[i], 2),
            }
            for i in range(inputs.name.shape[0])
        ],
    }


def _registered(health: Health) -> list[dict[str, Any] | None]:
    """How each radar errs, as learnt, with its deviation, in m, degrees and s; null where nobody
    knows.
    """
    units = np.array([1.0, 180.0 / np.pi, 180.0 / np.pi, 1.0])
    out: list[dict[str, Any] | None] = []
    for i in range(health.errors.shape[0]):
        known = bool(np.isfinite(health.errors[i]).all())
        astray = _number(float(np.degrees(health.astray[i, 0])), 1)
        if not known and astray is None:
            out.append(None)
            continue
        out.append({
            "errors": [_number(e, 3) for e in (health.errors[i] * units).tolist()],
            "sigma": [_number(e, 3) for e in (health.error_sigma[i] * units).tolist()],
            "corrected": bool(np.nan_to_num(health.corrected[i]).any()), "references": int(health.references[i]),
            "astray": astray})
    return out


def _drill(drill: Drill, memory: Memory) -> dict[str, Any]:
    airport = drill.airport
    most = sorted(drill.clearances, key=lambda c: (c.track not in drill.awaiting, not c.cleared,
        not math.isfinite(c.evidence.t), c.t_to))[:MOST_CLEARANCES]
    return {
        "status": drill.status,
        "awaiting": list(drill.awaiting),
        "consents": {str(track): memory.consents.get(track, []) for track in drill.awaiting},
        "holds": [held._asdict() for held in memory.holds.values()],
        "clearances": [
            {
                "track": c.track, "effector": c.effector, "from": _number(c.t_from, 2), "to": _number(c.t_to, 2),
                "cleared": c.cleared,
                "reason": c.reason, "until": _number(c.until, 2), "aircraft": c.aircraft,
                "distance": _number(c.distance, 0),
                "hit": _number(c.t_hit, 2), "last": _number(c.last, 2),
                "evidence": _evidence(c.evidence),
            }
            for c in most
        ],
        "more": max(0, len(drill.clearances) - len(most)),
        "orders": [{"track": o.track, "effector": o.effector, "from": _number(o.t_from, 2), "to": _number(o.t_to, 2),
            "t": t}
                   for t, o in memory.orders],
        "looks": [{"track": a.track, "effector": a.effector, "hit": _number(a.t_hit, 1), "verdict": a.verdict, "t": t}
            for t, a in memory.looks],
        "plan": {"threats": drill.allocation.threats, "through": _number(drill.allocation.objective, 2),
            "bound": _number(drill.allocation.lower_bound, 2)},
        "airport": {
            "open": airport.runway_open, "state": airport.state, "reopens": _number(airport.reopens, 1),
            "lost": _number(airport.minutes_lost, 1),
            "holds": airport.holds, "delayed": airport.delayed, "around": airport.went_around,
            "diverted": airport.diverted,
        },
    }


def _evidence(evidence: Evidence) -> dict[str, Any] | None:
    """What a clearance rests on, the nearest aircraft of all; None where it needed nothing."""
    if not math.isfinite(evidence.t):
        return None
    tubes, fallout = evidence.tubes, evidence.fallout
    near = np.argsort(tubes.gap, kind="stable")[:MOST_TUBES]
    there = tubes.position[near] + tubes.velocity[near] * (tubes.when[near] - tubes.t[near])[:, None]
    return {
        "place": _rounded(evidence.place, 0), "ends": _rounded(evidence.ends[:, :2], 0),
        "arc": _rounded(np.asarray(evidence.arc), 3),
        "bound": {name: _number(getattr(evidence, name), 9) for name in ("unseen", "outside", "claims", "fragments")},
        "stake": _number(evidence.stake, 2), "people": _number(evidence.people, 2),
        "tubes": {
            "id": tubes.number[near].tolist(), "x": _rounded(there[:, 0], 0), "y": _rounded(there[:, 1], 0),
            "reach": _rounded(tubes.reach[near], 0),
            "gap": _rounded(tubes.gap[near], 0), "unknown": tubes.unknown[near].tolist()},
        "approaches": [
            {"place": _rounded(place, 0), "bearing": _number(bearing, 3), "aircraft": int(n)}
            for place, bearing, n in zip(evidence.approaches.place, evidence.approaches.bearing,
                evidence.approaches.aircraft, strict=True)],
        "fallout": [
            {"cause": int(cause), "place": _rounded(place, 0), "radius": _number(radius, 0), "people": _number(people,
                2)}
            for cause, place, radius, people in zip(fallout.cause, fallout.place, fallout.radius, fallout.people,
                strict=True)],
    }


def ellipses(covariance: Array) -> tuple[Array, Array, Array]:
    """Half axes for one standard deviation [m] and the turn of the long one, anticlockwise from
    east [rad], of (n, 2, 2) covariances.

    covariance  (n, 2, 2) covariance [m²]
    """
    p, q, r = covariance[:, 0, 0], covariance[:, 0, 1], covariance[:, 1, 1]
    middle, spread = 0.5 * (p + r), np.hypot(0.5 * (p - r), q)
    return np.sqrt(np.maximum(middle + spread, 0.0)), np.sqrt(np.maximum(middle - spread,
        0.0)), 0.5 * np.arctan2(2.0 * q, p - r)


def _rounded(values: Array, digits: int) -> list[Any]:
    """As nested lists; nan and infinity become None in the encoder."""
    rounded: list[Any] = np.round(np.asarray(values, np.float64), digits).tolist()
    return rounded


def _number(value: Any, digits: int) -> float | None:
    number = float(value)
    return round(number, digits) if math.isfinite(number) else None
