"""From pictures to messages: who has to be told something new.

Remembers what each zone was last told; ids survive a restart.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Generic, NamedTuple

import numpy as np

from skywarden.alerts.alert import A, Alert, Area, Ellipse, areas, expiry, stamp, warning_id
from skywarden.kernels.geometry.earth import to_earth
from skywarden.messages.commands import ALARM, CORRECT, Command
from skywarden.messages.moment import Moment
from skywarden.messages.picture import (
    ALL_CLEAR,
    CLEAR,
    NARROWED,
    OPERATOR,
    OUTAGE,
    PASSED,
    PRE_ALERT,
    PROLONGED,
    RAID_GOES_ON,
    REASONS,
    STAGE_NAMES,
    TENTATIVE,
    Picture,
)
from skywarden.messages.tables import Array
from skywarden.site.model import Site

SOONER_S = 2.0  # seconds by which an impact must come sooner than was said for it to be said anew at once
HAZARD_SIGMAS = 2.0  # standard deviations of the place of impact that a hazard ellipse covers
BY_RESTART = "restart"  # who raises again what stood when the process before was stopped
MOST_BEFORE = 40  # earlier messages of a warning that a new one refers to
# reasons of a stage that people are told
WORTH_SAYING = frozenset({PROLONGED, NARROWED, PASSED, OUTAGE, TENTATIVE, RAID_GOES_ON, OPERATOR})


class Row(NamedTuple):
    """What one zone is told now, from whichever table of the picture; times of the run [s]."""

    zone: int
    since: float
    stage: int
    due: float
    until: float
    probability: float
    manual: bool
    reason: str


class Teller(Generic[A]):
    """Makes the alerts of one kind.

    made      the type of alert: nothing else can come out of this teller
    epoch_ns  UTC of the record's t = 0 [ns since 1970]
    wall      True: times of the picture are the wall's, as on live data; False: they are counted
              from now, as in a
              simulation, whose raid may be years ago
    stood     what each zone was last told by a process before this one, by name
    """

    def __init__(
        self,
        site: Site,
        epoch_ns: int,
        made: type[A],
        wall: bool,
        stood: Mapping[str, Alert] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.site, self._made, self._now = site, made, now
        self.areas: dict[str, Area] = areas(site)
        self._epoch = epoch_ns * 1e-9
        self._wall = wall
        self._names = [zone.name for zone in site.zones]
        self.standing: dict[str, A] = {}  # what every zone under warning is told now
        self._stood: dict[str, A] = {name: alert for name, alert in (stood or {}).items() if type(alert) is made}
        self._carried: dict[str, str] = {}  # ids of warnings that stood before the restart, by zone
        self._reasons: dict[str, str] = {}

    def left_standing(self) -> tuple[Command, ...]:
        """Alarms that raise again what stood when the process before this one was stopped."""
        now = self._now()
        names = [
            name
            for name, alert in self._stood.items()
            if name in self.areas
            and alert.stage != PRE_ALERT  # it was no warning, and a restart makes none of it
            and (alert.until is None or alert.until > now or alert.manual)
        ]
        return tuple(Command(0.0, ALARM, name, BY_RESTART, "stood when the server stopped") for name in names)

    def resume(self) -> None:
        """The run before this one is taken up: what stood goes on to stand, as its picture says,
        under the ids that it had.
        """
        self.standing, self._stood = dict(self._stood), {}

    def tell(self, moment: Moment) -> list[A]:
        """What has to be said anew after this moment, most urgent first."""
        picture = moment.picture
        shift = self._epoch if self._wall else self._now() - moment.frame.t
        wrong = {command.subject: command for command in moment.frame.commands if command.kind == CORRECT}
        for command in moment.frame.commands:
            if command.kind == ALARM:
                if command.who == BY_RESTART and command.subject in self._stood:
                    before = self._stood.pop(command.subject)
                    self._carried[before.zone], self.standing[before.zone] = before.id, before
                self._reasons[command.subject] = (
                    f"raised by hand, {command.who}{': ' + command.why if command.why else ''}"
                )
        said: list[A] = []
        seen: set[str] = set()
        for row in [*self._warned(picture), *_pre_alerted(picture)]:
            name = self._names[row.zone]
            if name not in seen:
                seen.add(name)
                said += self._standing_row(name, row, picture, shift)
        for name in [name for name in self.standing if name not in seen]:
            said.append(self._cleared(name, picture.t, wrong.get(name)))
        return said

    def _warned(self, picture: Picture) -> list[Row]:
        """The zones under warning, most urgent first."""
        w = picture.warnings
        return [
            Row(
                int(w.zone[k]),
                float(w.since[k]),
                int(w.stage[k]),
                float(w.t_impact[k]),
                float(w.until[k]),
                float(w.probability[k]),
                bool(w.manual[k]),
                self._reason(self._names[int(w.zone[k])], k, picture),
            )
            for k in range(w.zone.shape[0])
            if int(w.action[k]) != CLEAR
        ]

    def _standing_row(self, name: str, row: Row, picture: Picture, shift: float) -> list[A]:
        """One zone that is told something: what it is told now, and whether that is news."""
        now, stage = self._now(), row.stage
        before = self.standing.get(name)
        if before is not None and before.stage == PRE_ALERT != stage:
            self._carried[name] = before.id  # the warning that a pre-alert became goes on under its id
        warning = self._id(name, row.since)
        due, until = (_finite(value, shift) for value in (row.due, row.until))
        same = before is not None and before.id == warning
        news = (
            before is None
            or not same
            or before.stage != stage
            or (due is not None and (before.due is None or due < before.due - SOONER_S))
        )
        earlier = () if before is None or not same else before.before
        alert = self._made(
            id=warning,
            message=before.message
            if before is not None and not news
            else f"{warning}.{STAGE_NAMES[stage]}.{stamp(self._epoch + picture.t)}",
            site=self.site.name,
            zone=name,
            stage=stage,
            onset=row.since + shift,
            sent=now,
            due=due,
            until=until,
            expires=expiry(stage, now, due, until),
            probability=row.probability,
            people=self.areas[name].people,
            manual=row.manual,
            reason=row.reason,
            hazard=self._hazard(row.zone, picture),
            before=earlier,
        )
        if news and before is not None and same:
            alert = replace(alert, before=(*before.before, (before.message, before.sent))[-MOST_BEFORE:])
        elif before is not None and same:
            alert = replace(alert, sent=before.sent)
        self.standing[name] = alert
        return [alert] if news else []

    def _cleared(self, name: str, t: float, wrong: Command | None) -> A:
        """The end of a zone's warning; one that was wrong is said to have been."""
        before, now = self.standing.pop(name), self._now()
        self._reasons.pop(name, None)
        self._carried.pop(name, None)
        reason = (
            "nothing is expected any more"
            if wrong is None
            else f"corrected by {wrong.who}{': ' + wrong.why if wrong.why else ''}"
        )
        return replace(
            before,
            message=f"{before.id}.{STAGE_NAMES[ALL_CLEAR]}.{stamp(self._epoch + t)}",
            stage=ALL_CLEAR,
            sent=now,
            due=None,
            until=None,
            expires=expiry(ALL_CLEAR, now, None, None),
            reason=reason,
            hazard=None,
            before=(*before.before, (before.message, before.sent))[-MOST_BEFORE:],
            wrong=wrong is not None,
        )

    def _id(self, name: str, since: float) -> str:
        """The warning's id: that of the zone's name and the UTC onset or, after a restart, the one
        it had before.
        """
        return self._carried.get(name) or warning_id(self.site.name, name, self._epoch + since)

    def _reason(self, name: str, row: int, picture: Picture) -> str:
        warnings = picture.warnings
        if warnings.manual[row]:
            return self._reasons.get(name, "raised by hand")
        tracks, p = int(warnings.tracks[row]), float(warnings.probability[row])
        held = picture.losses.reason[picture.losses.zone == warnings.zone[row]]
        why = f"; {REASONS[int(held[0])]}" if held.size and int(held[0]) in WORTH_SAYING else ""
        if tracks == 0:
            return why[2:] or "what was foreseen is no longer seen; its time has not passed"
        rounds = "round" if tracks == 1 else "rounds"
        return f"{tracks} {rounds} foreseen, {100.0 * p:.0f} % that at least one endangers the zone{why}"

    def _hazard(self, zone: int, picture: Picture) -> Ellipse | None:
        """Where the likeliest round that endangers a zone may come down; None where none is
        foreseen.
        """
        threats, impacts = picture.threats, picture.impacts
        rows = np.flatnonzero(threats.zone == zone)
        if rows.size == 0:
            return None
        track = threats.track[rows[np.argmax(threats.probability[rows])]]
        found = np.flatnonzero(impacts.track == track)
        return self._ellipse(impacts.place[found[0]], impacts.covariance[found[0]]) if found.size else None

    def _ellipse(self, place: Array, covariance: Array) -> Ellipse | None:
        origin = self.site.origin
        latitude, longitude, _ = to_earth(origin.latitude, origin.longitude, origin.elevation, place)
        if not np.isfinite(covariance[:2, :2]).all() or not math.isfinite(float(latitude[0])):
            return None
        values, vectors = np.linalg.eigh(0.5 * (covariance[:2, :2] + covariance[:2, :2].T))
        minor, major = (
            HAZARD_SIGMAS * math.sqrt(max(float(value), 0.0)) + self.site.policy.hazard_radius for value in values
        )
        turn = math.degrees(math.atan2(float(vectors[0, 1]), float(vectors[1, 1]))) % 180.0
        return Ellipse(
            round(math.degrees(float(latitude[0])), 7),
            round(math.degrees(float(longitude[0])), 7),
            round(major, 1),
            round(minor, 1),
            round(turn, 1),
        )


def _pre_alerted(picture: Picture) -> list[Row]:
    """The zones told that something was fired, and not to take cover."""
    p = picture.pre_alerts
    return [
        Row(
            int(p.zone[k]),
            float(p.since[k]),
            PRE_ALERT,
            float(p.t_impact[k]),
            float(p.until[k]),
            float(p.probability[k]),
            False,
            REASONS[int(p.cause[k])],
        )
        for k in range(p.zone.shape[0])
    ]


def _finite(t: float, shift: float) -> float | None:
    return t + shift if math.isfinite(t) else None
