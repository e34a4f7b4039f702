"""The simulated defence over many raids: leak counts follow the closed forms, and Kabul's ledger
comes out as a distribution.
"""

from __future__ import annotations

import json
import math
from collections import Counter

import numpy as np
import pytest
from builders import a_scenario, a_site, an_effector
from evidence_store import KEPT
from scenes import busy
from scenes.runs import SHARED, fly, measured
from scipy.stats import binom

from skywarden.messages.drill import Clearance, Order
from skywarden.messages.picture import Tracks
from skywarden.messages.truth import (
    AS_PLANNED,
    CANCELLED,
    DEPARTED,
    DIVERTED,
    HELD,
    LANDED,
    STOPPED,
    WAITS,
    WENT_AROUND,
)
from skywarden.simulator.sensing.chance import Chance
from skywarden.simulator.world import engagement, rounds
from skywarden.simulator.world.air import true_air
from skywarden.simulator.world.traffic import traffic

THREATS = 5
UNLIKE = 0.002      # share of raids by which chances that differ by a hundredth from round to round can move a count
SITE = a_site(effectors=(an_effector(kill_probability=0.6, reach_min=0.0, reach_max=60_000.0, speed=math.inf),))


class Raids:
    """One raid flown once, engaged again and again with other luck: simulated orders on each of its
    rounds, adjudicated by the world.
    """

    def __init__(self):
        scenario = a_scenario()
        self.rounds = rounds.draw(scenario, SITE, true_air(SITE.air, scenario.weather, Chance(1)), Chance(1))
        self.t = float(self.rounds.t_launch.max()) + 4.0
        self.state = rounds.states(self.rounds, self.t)
        assert np.isfinite(self.state).all()
        assert len(self.state) == THREATS
        self.tracks = Tracks.empty()._replace(number=np.arange(1, THREATS + 1),
            state=np.column_stack([self.state, np.zeros(THREATS)]))
        self.nobody = traffic(())

    def engage(self, targets, luck, stopped, shots, volley=0):
        """Adjudicate one simulated order on each of `targets` (rounds' numbers); returns the new
        stopping times and how often each round has been engaged.
        """
        due = []
        for k, target in enumerate(targets):
            window = self.t + 0.01 * (100 * volley + k), self.t + 0.01 * (100 * volley + k) + 5.0
            order = Order(target + 1, 0, *window, Clearance(target + 1, 0, *window, True, "clear", math.nan, -1,
                math.inf))
            due.append(engagement.pending(order, self.tracks, self.t, self.rounds, np.full(THREATS, np.inf), SITE))
        return engagement.adjudicate(due, self.rounds, stopped, self.nobody, SITE, luck, shots)[1:]

    def chance(self, target):
        """The chance of one shot, from the declaration by hand: nobody flies across, the reach is long."""
        distance = np.linalg.norm(self.state[target, :3] - SITE.effectors[0].place)
        return 0.6 * (1.5 - distance / 60_000.0)


def alike(raids):
    """The world of `raids` as if every round had one chance: the reach makes them differ by under a hundredth."""
    each = [raids.chance(k) for k in range(THREATS)]
    assert max(each) - min(each) < 0.01
    return float(np.mean(each))


def leaks(raids, seed, first, rest):
    """Leakers of one raid: `first` shots spread over all, a perfect look, `rest` shots spread over
    those that fly on.
    """
    luck, stopped, shots = Chance(seed).keyed("kill"), np.full(THREATS, np.inf), np.zeros(THREATS, np.int64)
    stopped, shots = raids.engage([k % THREATS for k in range(first)], luck, stopped, shots)
    alive = np.flatnonzero(~np.isfinite(stopped)).tolist()
    if rest and alive:
        stopped, _ = raids.engage([alive[k % len(alive)] for k in range(rest)], luck, stopped, shots, volley=1)
    return int(np.isinf(stopped).sum())


def exact_two_stages(p, first, rest):
    """Expected leakers by enumerating every way the first volley can end; shares no code with the product."""
    shots = [first // THREATS + (k < first % THREATS) for k in range(THREATS)]
    expected = 0.0
    for code in range(2**THREATS):
        live = [k for k in range(THREATS) if code >> k & 1]
        weight = math.prod((1 - p) ** shots[k] if k in live else 1 - (1 - p) ** shots[k] for k in range(THREATS))
        again = [rest // len(live) + (j < rest % len(live)) for j in range(len(live))] if live else []
        expected += weight * sum((1 - p) ** n for n in again)
    return expected


def judge_leaks(raids, seeds):
    """Both laws over so many raids, at 99 %; returns the figures."""
    p, n = alike(raids), len(seeds)
    volley = Counter(leaks(raids, seed, THREATS, 0) for seed in seeds)
    for k in range(THREATS + 1):
        low, high = binom.interval(0.99 ** (1 / (THREATS + 1)), n, binom.pmf(k, THREATS, 1 - p))
        assert low - UNLIKE * n <= volley[k] <= high + UNLIKE * n, (k, volley[k], low, high)
    twice = np.array([leaks(raids, seed, THREATS, 3) for seed in seeds])
    mean, error = float(twice.mean()), float(twice.std() / math.sqrt(n))
    assert abs(mean - exact_two_stages(p, THREATS, 3)) <= 2.576 * error + UNLIKE * THREATS
    return p, volley, mean


def test_leak_counts_follow_the_binomial_and_with_a_look_the_enumeration():
    judge_leaks(Raids(), range(500))


@pytest.mark.prove
def test_leak_counts_of_ten_thousand_raids(evidence):
    p, volley, mean = judge_leaks(Raids(), range(10_000))
    evidence("leak-counts", "five threats, one shot each", chance=round(p, 4), **{f"leaked_{k}": volley[k]
        for k in range(THREATS + 1)},
             binomial=" ".join(f"{10_000 * binom.pmf(k, THREATS, 1 - p):.0f}" for k in range(THREATS + 1)))
    evidence("leak-counts", "shoot, look, three more", chance=round(p, 4), mean_leaked=round(mean, 4),
        enumerated=round(exact_two_stages(p, THREATS, 3), 4))


PUBLIC = "public account, one raid"


@pytest.mark.prove
@pytest.mark.parametrize("block", range(20))
def test_kabul_ledger_over_two_hundred_seeds(block, tmp_path, evidence):
    """Three are left to fall, the dangerous one is engaged, the harmless one inside is left or
    engaged by value; flights keep moving.
    """
    count = Counter(raids=0, left_to_fall=0, dangerous=0, dangerous_engaged=0, inside_harmless=0, inside_engaged=0,
        stopped=0, ended_as_the_public_account=0,
                    aircraft_endangered=0, started_as_planned=0, landing_as_planned=0, held_or_gone_around=0,
                    diverted_or_called_off=0)
    closed = 0.0
    for seed in range(10 * block + 1, 10 * block + 11):
        path = tmp_path / f"{seed}.rec"
        told = fly("kabul-2021-08-30", seed=seed, record=path)
        found, raid = measured(path), Counter()
        for line in found.ledger():
            where = "dangerous" if line.inside_zones else "inside_harmless" if line.inside else "off"
            raid[where] += 1
            raid[f"{where}_engaged"] += line.orders > 0
            raid[f"{where}_stopped"] += line.outcome == STOPPED
        count.update(
            raids=1, left_to_fall=raid["off"] - raid["off_engaged"], dangerous=raid["dangerous"],
            dangerous_engaged=raid["dangerous_engaged"],
            inside_harmless=raid["inside_harmless"], inside_engaged=raid["inside_harmless_engaged"],
            stopped=told["stopped"],
            ended_as_the_public_account=(raid["off_stopped"], raid["dangerous_stopped"],
                raid["inside_harmless_stopped"]) == (0, 1, 0),
            aircraft_endangered=told["aircraft_endangered"])
        for flight in found.movements.values():
            count.update(
                started_as_planned=flight.word == DEPARTED and flight.late == 0.0, landing_as_planned=flight.arrives
                and flight.word in (AS_PLANNED, LANDED),
                held_or_gone_around=flight.word in (HELD, WENT_AROUND, WAITS),
                diverted_or_called_off=flight.word in (DIVERTED, CANCELLED))
        closed += found.minutes_closed
        path.unlink()
    facts = json.loads((SHARED / "data" / "ledgers" / "public_ledgers.json").read_text())[
        "kabul_2021_08_30"] if SHARED.is_dir() else {}
    evidence("kabul-ledger", f"seeds {10 * block + 1} to {10 * block + 10}", **count, minutes_closed=round(closed, 1))
    evidence("kabul-ledger", PUBLIC, raids=1, left_to_fall=facts.get("off_airfield"),
        dangerous=facts.get("engaged_effective"),
             dangerous_engaged=facts.get("engaged_effective"), inside_harmless=facts.get("inside_no_effect"),
             inside_engaged=0,
             stopped=facts.get("engaged_effective"))
    together("kabul-ledger", "seeds", evidence)
    assert count["aircraft_endangered"] == 0
    assert count["left_to_fall"] == 30
    assert count["dangerous_engaged"] >= 0.8 * count["dangerous"]
    assert count["started_as_planned"] == 10
    assert count["diverted_or_called_off"] == 0


BASES = {"as shipped": False, "approach radar hears the runway": True}


@pytest.mark.prove
@pytest.mark.parametrize("block", range(20))
@pytest.mark.parametrize("words", BASES)
def test_raids_on_a_base_as_busy_as_balad_endanger_no_aircraft(words, block, tmp_path, evidence):
    """5,000 operations a week within 5 NM, ten raids a block, a row for fifty. What was engaged of
    what could be, and the price of safety, go to the page.
    """
    site, count = busy.base(BASES[words]), Counter()
    for seed in range(10 * block + 1, 10 * block + 11):
        raid, lines = busy.fly(busy.written(tmp_path, seed), site)
        count.update(raid)
        print(*lines, sep="\n", end="\n" * bool(lines))
    KEPT.mkdir(exist_ok=True)
    file = KEPT / f"busy-{BASES[words]:d}.json"
    blocks = json.loads(file.read_text()) if file.exists() else {}
    blocks[str(block)] = count
    file.write_text(json.dumps(blocks))
    first = block // 5 * 5
    fifty = sum((Counter(blocks[str(k)]) for k in range(first, first + 5) if str(k) in blocks), Counter())
    evidence("busy-base", f"{words}, raids {10 * first + 1} to {10 * first + 50}", **{key: fifty[key] for key in count})
    together("busy-base", words, evidence)
    assert count["aircraft_endangered"] == 0


@pytest.mark.prove
@pytest.mark.parametrize("words", BASES)
def test_on_a_busy_base_what_threatened_and_could_be_stopped_safely_was_engaged(words):
    """After the raids above: of their page's sums."""
    row = json.loads((KEPT / "figures-busy-base.json").read_text())[f"{words}, all of these"]
    assert row["of_these_engaged"] >= 0.95 * row["could_be_stopped_safely"]


def test_a_raid_on_a_busy_base_endangers_no_aircraft_and_engages_what_it_can(tmp_path):
    count, _ = busy.fly(busy.written(tmp_path, 35), busy.base(hears_the_runway=True))
    assert count["aircraft_endangered"] == 0
    assert count["could_be_stopped_safely"] == count["of_these_engaged"] == 2


def together(page, begin, evidence):
    """A row that sums the rows of a page that begin so."""
    whole, kept = f"{begin}, all of these", json.loads((KEPT / f"figures-{page}.json").read_text())
    rows = [row for name, row in kept.items() if name.startswith(begin) and name != whole]
    evidence(page, whole, **{key: round(sum(row[key] for row in rows), 1) for key in rows[0]})
