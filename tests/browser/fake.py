"""Moments made by hand for the console's tests: rounds on parabolas, aircraft in a circle, warnings
and a drill that follow from them.

Nothing of the defence is used: what the console shows must be right for any picture, also for one
the defence would never make.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from skywarden.kernels.geometry.ground import Ground
from skywarden.messages.commands import (
    ACKNOWLEDGE,
    ALARM,
    CANCEL,
    CONSENT,
    CORRECT,
    HOLD,
    RECLASSIFY,
    RELEASE,
    UNMARKED,
    WEAPONS,
    Command,
)
from skywarden.messages.drill import Airport, Approaches, Clearance, Drill, Evidence, Fallout, Order, Reached
from skywarden.messages.frame import Aircraft, Detections, Frame, Inputs, Radars, Weather
from skywarden.messages.moment import Moment
from skywarden.messages.picture import (
    HELD,
    KIND_NAMES,
    RAISE,
    STAY,
    TAKE_COVER,
    Health,
    Impacts,
    Picture,
    Threats,
    Tracks,
    Warnings,
)
from skywarden.site.load import load
from skywarden.site.model import Site

G = 9.81


def kabul(terrain: bool = False) -> Site:
    """The shipped site, with made-up hills around it where asked."""
    site = load("kabul")
    if not terrain:
        return site
    step, half = 250.0, 48
    east, north = np.meshgrid(np.arange(-half, half + 1) * step, np.arange(-half, half + 1) * step)
    away = np.hypot(east, north)
    up = 60.0 * np.sin(east / 1700.0) * np.cos(north / 2300.0) * np.clip(away / 2500.0 - 1.0, 0,
        3) + 0.05 * np.clip(away - 5000.0, 0, None)
    return replace(site, ground=Ground(-half * step, -half * step, step, up, float(up.max()), 15.0))


class Play:
    """A run of made-up moments. Commands given to `moment` have the effects a session would give them."""

    def __init__(self, site: Site, rounds: int = 12, aircraft: int = 4, others: int = 2, start: float = 6.0,
            seed: int = 3, drill: bool = True,
                 again: float = 0.0) -> None:
        chance = np.random.default_rng(seed)
        self.site, self.drill, self.again = site, drill, again
        self.launch = start + np.sort(chance.uniform(0.0, 0.6 * rounds + 4.0, rounds))
        zones = chance.integers(0, min(6, len(site.zones)), rounds)
        self.fall = np.array([site.zones[z].polygon.mean(axis=0) for z in zones]).reshape(-1, 2) + chance.normal(0.0,
            90.0, (rounds, 2))
        bearing = math.radians(300.0) + chance.normal(0.0, 0.25, rounds)
        away = chance.uniform(3000.0, 5500.0, rounds)
        self.origin = self.fall + np.stack([np.sin(bearing), np.cos(bearing)], axis=1) * away[:, None]
        self.flight = chance.uniform(22.0, 30.0, rounds)
        self.aircraft, self.others = aircraft, others
        self.manual: dict[int, float] = {}
        self.stages: dict[int, int] = {}        # zone to what it is told, whatever flies
        self.since: dict[int, float] = {}
        self.consented: dict[int, set[str]] = {}
        self.needed = 1
        self.held: set[str] = set()
        self.said: dict[int, int] = {}
        self.status = site.policy.weapons

    def moment(self, t: float, commands: tuple[Command, ...] = ()) -> Moment:
        """Everything at time `t`."""
        for command in commands:
            self._told(t, command)
        tracks, impacts, numbers = self._flying(t)
        threats = self._threats(impacts)
        warnings = self._warnings(t, threats)
        frame = Frame(t, Detections.empty(), self._reports(t), Weather.still(), commands,
            Radars.staring(len(self.site.radars), t), Inputs.none(), 0.004)
        health = Health(np.zeros(len(self.site.radars), np.int8), 0.004, len(numbers) * 2, 1, 0.0)
        picture = Picture(t, tracks, impacts, threats, warnings, health)
        return Moment(frame, picture, self._drill(t, impacts) if self.drill else None, None)

    def _told(self, t: float, command: Command) -> None:
        zone = next((i for i, z in enumerate(self.site.zones) if z.name == command.subject), None)
        if command.kind == ALARM and zone is not None:
            self.manual[zone] = t
        elif command.kind in (CANCEL, CORRECT) and zone is not None:
            self.manual.pop(zone, None)
        elif command.kind == CONSENT:
            self.consented.setdefault(int(command.subject), set()).add(command.who)
        elif command.kind == HOLD:
            self.held.add(command.subject)
        elif command.kind == RELEASE:
            self.held.discard(command.subject)
        elif command.kind == WEAPONS:
            self.status = command.subject
        elif command.kind == RECLASSIFY:
            track, _, kind = command.subject.partition(" ")
            self.said.pop(int(track), None)
            if kind != UNMARKED:
                self.said[int(track)] = KIND_NAMES.index(kind)
        else:
            assert command.kind != ACKNOWLEDGE or zone is not None

    def _flying(self, t: float) -> tuple[Tracks, Impacts, list[int]]:
        local = t if not self.again else t % self.again
        age = local - self.launch
        up = np.flatnonzero((age > 3.0) & (age < self.flight))
        base = int(t // self.again) * 1000 if self.again else 0
        share = (age / self.flight)[up, None]
        place = self.origin[up] + (self.fall[up] - self.origin[up]) * share
        rate = (self.fall[up] - self.origin[up]) / self.flight[up, None]
        climb = 0.5 * G * self.flight[up]
        height, rising = climb * age[up] - 0.5 * G * age[up] ** 2, climb - G * age[up]
        n, m, k = len(up), self.aircraft, self.others
        turn = t / 90.0 * 2 * math.pi + np.arange(m) * 2 * math.pi / max(m, 1)
        circle = np.stack([3200.0 * np.sin(turn), 2400.0 * np.cos(turn), 600.0 + 150.0 * np.arange(m)], axis=1)
        speed = np.stack([3200.0 * np.cos(turn), -2400.0 * np.sin(turn), 0 * turn], axis=1) * 2 * math.pi / 90.0
        bird = np.stack([-900.0 + 8.0 * t + 300.0 * np.arange(k), 1600.0 - 220.0 * np.arange(k),
            90.0 + 0 * np.arange(k)], axis=1).reshape(k, 3)
        state = np.zeros((n + m + k, 7))
        state[:n, :2], state[:n, 2], state[:n, 3:5], state[:n, 5] = place, height, rate, rising
        state[n:n + m, :3], state[n:n + m, 3:6] = circle, speed
        state[n + m:, :3], state[n + m:, 3] = bird, 8.0
        doubt = np.concatenate([8.0 + 10.0 * (1.0 - share[:, 0]), np.full(m, 25.0), np.full(k, 15.0)])
        covariance = np.zeros((n + m + k, 7, 7))
        covariance[:, 0, 0], covariance[:, 1, 1], covariance[:, 2, 2] = doubt**2, (0.5 * doubt) ** 2, (0.8 * doubt) ** 2
        covariance[:, 0, 1] = covariance[:, 1, 0] = 0.3 * doubt**2
        kind = np.zeros((n + m + k, 3))
        kind[:n, 0] = np.clip(0.6 + age[up] / 10.0, 0.0, 0.998)
        kind[:n, 2] = 1.0 - kind[:n, 0]
        kind[n:n + m, 1], kind[n + m:, 2] = 0.999, 0.9
        numbers = [int(i) + 1 + base for i in up]
        number = np.array([*numbers, *range(900, 900 + m), *range(950, 950 + k)], np.int64)
        for row, track in enumerate(number.tolist()):
            if track in self.said:
                kind[row] = np.eye(3)[self.said[track]]
        address = np.array([-1] * n + [0x701000 + i for i in range(m)] + [-1] * k, np.int64)
        tracks = Tracks(
            number, state, covariance, np.full(n + m + k, t - 0.1), np.full(n + m + k, max(0.0, t - 9.0)),
            np.full(n + m + k, 12, np.int32), kind,
            np.zeros(n + m + k, np.int32), address,
        )
        left = self.flight[up] - age[up]
        spread = 12.0 + 9.0 * left
        impact = np.zeros((n, 3, 3))
        across = np.arctan2(rate[:, 1], rate[:, 0])
        impact[:, 0, 0] = (spread * np.cos(across)) ** 2 + (0.4 * spread * np.sin(across)) ** 2
        impact[:, 1, 1] = (spread * np.sin(across)) ** 2 + (0.4 * spread * np.cos(across)) ** 2
        impact[:, 0, 1] = impact[:, 1, 0] = (1 - 0.16) * spread**2 * np.sin(across) * np.cos(across)
        impact[:, 2, 2] = (0.05 * left + 0.02) ** 2
        impacts = Impacts(
            number[:n], kind[:n, 0], t + left, np.concatenate([self.fall[up], np.zeros((n, 1))], axis=1), impact,
            np.hypot(*rate.T, climb),
            np.arctan2(climb, np.hypot(*rate.T)),
        )
        return tracks, impacts, numbers

    def _threats(self, impacts: Impacts) -> Threats:
        rows = []
        for i in range(len(impacts.track)):
            for z, zone in enumerate(self.site.zones):
                distance = math.hypot(*(impacts.place[i, :2] - zone.polygon.mean(axis=0)))
                p = float(impacts.p_projectile[i]) * math.exp(-((distance / 320.0) ** 2))
                if p > 0.05:
                    rows.append((impacts.track[i], z, p, impacts.t[i], 0.3, p * zone.people))
        columns = list(zip(*rows, strict=True)) if rows else [()] * 6
        return Threats(np.array(columns[0], np.int64), np.array(columns[1], np.int32), *(np.array(c, float)
            for c in columns[2:]))

    def _warnings(self, t: float, threats: Threats) -> Warnings:
        rows = []
        for z in range(len(self.site.zones)):
            mine = threats.zone == z
            p = 1.0 - float(np.prod(1.0 - threats.probability[mine])) if mine.any() else 0.0
            warned = p > self.site.policy.warn_probability or z in self.manual
            if not warned and not (z in self.since and t - self.since[z] < 45.0):
                self.since.pop(z, None)
                continue
            fresh = z not in self.since
            since = self.since.setdefault(z, t)
            soonest = float(threats.t[mine].min()) if mine.any() else math.nan
            action = RAISE if fresh else HELD
            raid = 0 if z in self.manual and not mine.any() else 1
            rows.append((z, action, since, p, max(p, 0.4), soonest, since + 30.0, int(mine.sum()), raid,
                z in self.manual, self.stages.get(z, TAKE_COVER if mine.any() or z in self.manual else STAY)))
        types = (np.int32, np.int8, float, float, float, float, float, np.int32, np.int32, np.bool_, np.int8)
        columns = list(zip(*rows, strict=True)) if rows else [()] * 11
        return Warnings(*(np.array(c, kind) for c, kind in zip(columns, types, strict=True)))

    def _reports(self, t: float) -> Aircraft:
        reports = Aircraft.empty(self.aircraft + 1)
        for i in range(self.aircraft):
            reports.t[i], reports.address[i], reports.callsign[i] = t, 0x701000 + i, f"RCH{871 + i}".encode()
        last = self.aircraft
        reports.t[last], reports.address[last], reports.callsign[last], reports.nic[
            last] = t - 1.0, 0x70FFFF, b"GHOST1", 3
        reports.position[last] = (-2200.0, -1500.0, 400.0)
        return reports

    def _drill(self, t: float, impacts: Impacts) -> Drill:
        clearances, orders, awaiting = [], [], []
        for i, track in enumerate(impacts.track.tolist()):
            last = float(impacts.t[i]) - 4.0
            for e in range(len(self.site.effectors)):
                reason = "hold" if self.held else ("aircraft", "clear", "clear", "reach")[(track + e) % 4]
                clearances.append(Clearance(track, e, t + 1.0, max(t + 1.0, last), reason == "clear", reason, math.nan,
                    900 if reason == "aircraft" else -1,
                                            180.0 if reason == "aircraft" else math.inf, evidence=self._evidence(t, e),
                                            last=last))
            best = next((c for c in clearances if c.track == track and c.cleared), None)
            if best is None or last < t:
                continue
            if len(self.consented.get(track, ())) >= self.needed:
                del self.consented[track]
                orders.append(Order(track, best.effector, best.t_from, best.t_to, best))
            else:
                awaiting.append(track)
        airport = Airport(False, 2, 3.5, "threatened", t + 905.0, 1, 0, 3) if awaiting else Airport(True, 0, 3.5)
        return Drill(t, self.status, tuple(clearances), tuple(orders), tuple(awaiting), airport)

    def _evidence(self, t: float, effector: int) -> Evidence:
        """Something for the page to show: one aircraft's tube, one circle of debris."""
        place = self.site.effectors[effector].place
        one = np.ones(1)
        tubes = Reached(
            np.array([900]), np.array([0xABCDEF]), np.zeros(1, np.bool_), np.ones(1, np.bool_), t * one, t * one,
            np.array([[2_500.0, 900.0, 600.0]]),
            np.array([[-60.0, 0.0, 0.0]]), t + 4.0 * one, 120.0 * one, 480.0 * one, 1e-9 * one)
        falls = Fallout(np.zeros(1, np.int8), np.array([[place[0] + 800.0, place[1] + 700.0]]), 250.0 * one, 5.0 * one,
            0.3 * one)
        ends = place + np.array([[900.0, 800.0, 900.0], [1_000.0, 700.0, 900.0]])
        return Evidence(t, place, ends, 0.01, 600.0, (0.0, 3.0), np.zeros(1, np.int8), tubes, Approaches.none(), falls,
            1e-7, 2e-8, 0.0, 3e-9, 12.5)
