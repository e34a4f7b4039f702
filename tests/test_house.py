"""The rules of the house, read from the imports and calls of the package; and that each rule finds what breaks it."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from house import FLOORS, KERNEL_ROOMS, House, breaches
from reading import (
    LONGEST_FILE,
    LONGEST_FUNCTION,
    SHAPE,
    UNIT,
    functions,
    undocumented_classes,
    wide_docstrings,
)

SOURCE = Path(__file__).resolve().parents[1] / "src" / "skywarden"
ORDERS = "class Order:\n"


@cache
def the_house() -> House:
    return House.at(SOURCE)


def test_nothing_in_the_house_stands_where_it_must_not():
    assert breaches(the_house()) == []


def test_there_is_a_house_to_keep():
    rooms = {name.split(".")[0] for name in the_house().sources}
    assert rooms >= {"messages", "defence", "rehearsal", "simulator", "record", "verification", "session", "cli"}
    assert all(the_house().rooms(kernel_room) for kernel_room in KERNEL_ROOMS)


def test_the_top_level_is_the_doors_the_ground_and_rooms():
    assert {file.name for file in SOURCE.iterdir() if file.is_file()} <= {"cli.py", "api.py", "errors.py", "units.py",
        "__init__.py", "py.typed"}
    assert {file.name for file in SOURCE.iterdir() if file.is_dir()} - {"__pycache__", "shipped"} <= set(FLOORS)


# A module, what is planted in it (added at its end, or in the place of some of its text), and the rule that must find
# it.
PLANTED: list[tuple[str, str, str] | tuple[str, str, str, str]] = [
    # Never 1: kernels are arithmetic
    ("kernels.geometry.polar", "from skywarden.messages.frame import Frame", "kernel"),
    ("kernels.geometry.polar", "from skywarden.kernels.ballistics.air import Air", "kernel"),
    ("kernels.ballistics.air", "from skywarden.kernels.estimation.kalman import update", "kernel"),
    ("kernels.estimation.fit", "def keep(x):\n    np.save('fit.npy', x)", "kernel"),
    ("kernels.estimation.fit", "def keep(x):\n    x.tofile('fit.bin')", "kernel"),
    ("kernels.estimation.fit", "def keep(x):\n    open('fit.txt', 'w').write(str(x))", "kernel"),
    ("kernels.estimation.kalman", "import pathlib", "kernel"),
    ("kernels.estimation.kalman", "import logging", "kernel"),
    ("kernels.ballistics.fall", "from numpy import loadtxt", "kernel"),
    ("kernels.ballistics.fall", "def noise():\n    return np.random.normal()", "kernel"),
    ("kernels.ballistics.fall", "def slow(x):\n    with numba.objmode():\n        pass", "kernel"),
    ("kernels.ballistics.fall", "import time", "kernel"),
    ("kernels.helpers", "import math", "kernel"),
    # Never 2: truth cannot leak into belief
    ("defence.threat", "from skywarden.simulator.world.world import World", "truth"),
    ("defence.threat", "from skywarden.messages.truth import Truth", "truth"),
    ("defence.threat", "from skywarden.messages.moment import Moment", "truth"),
    ("defence.warning", "from skywarden.messages.drill import Clearance", "truth"),
    ("defence.warning", "def peek():\n    from skywarden.rehearsal import engage", "truth"),
    ("defence.impact", "from skywarden.feeds.simulated import Simulated", "truth"),
    # which the defence rests on
    ("site.model", "from skywarden.simulator.sensing.radar import covered", "truth"),
    ("rehearsal.engage", "import importlib\nworld = importlib.import_module('skywarden.simulator.world.world')",
        "truth"),
    ("rehearsal.airport", "if False:\n    import skywarden.simulator.world.tower as tower", "truth"),
    # a package's own text runs, too
    ("defence", "from skywarden.simulator.scenario import model", "truth"),
    ("defence.helper", "from skywarden.record.reader import Record", "truth"),
    # Belief is pure
    ("defence.watch", "import time", "pure"),
    ("defence.tracking.tracker", "def draw():\n    return np.random.default_rng()", "pure"),
    ("rehearsal.rehearse", "from pathlib import Path", "pure"),
    ("rehearsal.corridor", "def log(x):\n    print(x)", "pure"),
    # Never 3: what shows does not compute
    ("console.views", "from skywarden.defence import threat", "show"),
    ("console.terminal", "from skywarden.kernels.estimation.descent import descend", "show"),
    # by way of the pipeline
    ("review.report", "from skywarden.pipeline.simulated import stepper", "show"),
    # which the review rests on
    ("measures.calibration", "from skywarden.rehearsal.corridor import Corridor", "show"),
    ("record.reader", "from skywarden.defence.watch import watch", "show"),
    ("alerts.words", "from skywarden.defence.warning import decide", "show"),
    ("alerts.siren", "from skywarden.messages.drill import Drill", "show"),
    ("alerts.sink", "from skywarden.simulator.world.world import World", "show"),
    # Never 4: orders stay in the simulated world
    ("formats.cot", "from skywarden.messages.drill import Order", "order"),
    ("feeds.sockets", "from skywarden.messages import drill", "order"),
    ("alerts.webhook", "def send(moment):\n    return moment.drill.orders", "order"),
    ("alerts.mqtt", "def send(moment):\n    return getattr(moment, 'drill')", "order"),
    ("tools.track", "from skywarden.rehearsal.engage import decide", "order"),
    ("tools.fly", "from skywarden.messages.drill import Order", "order"),
    ("simulator.sensing.suite", "from skywarden.messages.drill import Order", "order"),
    ("session.simulation", "def wire(told):\n    return Wire(Journal(told), drill=True)", "wire"),
    ("session.simulation", "def wire(page: Page):\n    return Wire(page, truth=True)", "wire"),
    ("session.simulation", "def wire(sink):\n    return Wire(sink, False, True)", "wire"),
    ("session.simulation", "def wire(sinks):\n    return [Wire(s, drill=True) for s in sinks]", "wire"),
    ("console.hub", "def more(wire):\n    return wire._replace(truth=True)", "wire"),
    ("pipeline.live", "from skywarden.pipeline.simulated import rehearsing", "live"),
    ("session.live", "from skywarden.feeds.simulated import Simulated", "live"),
    ("session.live", "from skywarden.emit.sink import Emit", "emit"),
    ("session.running", "def late():\n    import skywarden.emit.dis as dis\n    return dis", "emit"),
    ("feeds.asterix", "from skywarden.emit.shown import Shown", "emit"),
    ("emit.sink", "from skywarden.messages.drill import Drill", "order"),
    ("session.live", "def late():\n    import skywarden.simulator.world.world as world\n    return world", "live"),
    ("standby.pair", "from skywarden.feeds.simulated import Simulated", "live"),
    ("session.serve", "from skywarden.pipeline.simulated import rehearsing", "live"),
    ("session.simulation", "from skywarden.alerts.live import open_live", "live"),
    ("study.engine", "from skywarden.alerts.alert import LiveAlert", "live"),
    ("console.app", "from skywarden.alerts.live import open_live", "live"),
    ("session.exercise", "from skywarden.alerts.alert import LiveAlert", "live"),
    ("session.live", "from skywarden.alerts.alert import SimulationAlert", "live"),
    # Never 5: no order without a clearance, no place for an aim
    ("messages.drill", "class Order:\n    aim: float\n", "clearance", ORDERS),
    ("messages.drill", "class Order:\n    fuze_s: float\n", "clearance", ORDERS),
    ("pipeline.simulated", "def order(track):\n    return Order(track, 0, 0.0, 1.0, None)", "clearance"),
    ("rehearsal.engage", "def order():\n    return object.__new__(Order)", "clearance"),
    ("console.requests", "def clear(track):\n    return Clearance(track)", "clearance"),
    # Never 6: only the doors know all the parts
    ("run.loop", "import skywarden.defence.watch, skywarden.rehearsal.rehearse, skywarden.feeds.merge, "
        "skywarden.record.writer", "parts"),
    ("tools.check", "from skywarden import console, defence, feeds, record, review", "parts"),
    # Never 7: a trainee's page
    ("console.views", "def round(moment):\n    return moment.truth.rounds", "trainee"),
    ("console.playback", "from skywarden.messages.truth import TrueRounds", "trainee"),
    # Never 8: the judge shares nothing
    ("verification.drills", "from skywarden.rehearsal.corridor import corridor_of", "verification"),
    ("verification.physics", "from skywarden.site.effect import kill_probability", "verification"),
    ("verification.physics", "from skywarden.kernels.ballistics.flight import acceleration", "verification"),
    ("verification.aircraft", "from skywarden.kernels.geometry.polygon import distance", "verification"),
    ("verification.orders", "from skywarden.pipeline.simulated import stepper", "verification"),
    ("rehearsal.engage", "from skywarden.verification.drills import violations", "verification"),
    # Stages, floors, circles
    ("defence.threat", "from skywarden.defence.tracking import tracker", "stages"),
    ("defence.warning", "from skywarden.defence.impact import predict", "stages"),
    ("messages.frame", "from skywarden.site.model import Site", "floor"),
    ("record.writer", "from skywarden.console.journal import Journal", "floor"),
    ("run.mailbox", "from skywarden.record.writer import Recorder", "floor"),
    ("files.text", "from skywarden.site.zones import load", "floor"),
    ("errors", "from skywarden.units import FOOT", "floor"),
    ("messages.tables", "from skywarden.messages.frame import Frame", "circle"),
    ("site.model", "def late():\n    from skywarden.site.load import load", "circle"),
    ("helpers", "", "top"),
    ("weapons.aim", "", "top"),
    # Imports that cannot be read
    ("console.views", "import importlib\ndef any_of(name):\n    return importlib.import_module(name)", "import"),
    ("console.views", "from importlib import import_module as load", "import"),
    ("console.views", "import skywarden\nthreat = skywarden.defence.threat", "import"),
    ("console.views", "import sys\nthreat = sys.modules['skywarden.' + 'defence']", "import"),
    ("console.views", "def any_of(text):\n    exec(text)", "import"),
    ("console.views", "from ..defence import threat", "import"),
    ("console.views", "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'skywarden.session.simulation'])",
        "import"),
    ("console.views", "threat = __import__('skywarden.defence.threat')", "show"),
    # Headless rooms
    ("session.once", "from skywarden.console.terminal import Terminal", "headless"),
    ("measures.tally", "import matplotlib.pyplot as plt", "headless"),
    ("record.codec", "from skywarden.review import story", "headless"),
]


@pytest.mark.parametrize("planted", PLANTED, ids=[f"{n}-{p[2]}-{p[0]}" for n, p in enumerate(PLANTED)])
def test_a_planted_breach_is_found(planted):
    module, text, rule, *place = planted
    changed = the_house().planted(module, text, *place)
    named = changed.reached(module) if rule in ("truth", "show", "live", "headless", "verification") else {module: ""}
    found = breaches(changed, rule)
    assert found, f"{text!r} in {module} was not found"
    assert any(b.module == module or module in b.what or b.module in named for b in found)


def test_every_rule_has_planted_breaches():
    planted = Counter(p[2] for p in PLANTED)
    assert len(PLANTED) >= 39
    rules = {"kernel", "truth", "pure", "show", "order", "wire", "live", "clearance", "parts", "trainee",
        "verification", "stages", "floor", "circle", "top",
             "import", "headless", "emit"}
    assert set(planted) == rules
    assert min(planted.values()) >= 2


def test_an_order_needs_a_clearance_and_has_no_place_for_an_aim():
    from dataclasses import fields

    from skywarden.messages.drill import Clearance, Order

    assert {field.name for field in fields(Order)} == {"track", "effector", "t_from", "t_to", "clearance"}
    refused = Clearance(7, 0, 10.0, 12.0, False, "aircraft", 20.0, 3, 120.0)
    with pytest.raises(ValueError, match="needs a clearance"):
        Order(7, 0, 10.0, 12.0, refused)
    cleared = Clearance(7, 0, 10.0, 12.0, True, "clear", float("nan"), -1, float("inf"))
    for track, effector, t_from, t_to in ((8, 0, 10.0, 12.0), (7, 1, 10.0, 12.0), (7, 0, 9.0, 12.0),
            (7, 0, 10.0, 13.0)):
        with pytest.raises(ValueError, match="needs a clearance"):
            Order(track, effector, t_from, t_to, cleared)
    assert Order(7, 0, 10.5, 11.0, cleared).clearance is cleared


@cache
def the_sources() -> dict[str, str]:
    return {str(file.relative_to(SOURCE)): file.read_text() for file in sorted(SOURCE.rglob("*.py"))}


def test_every_argument_of_a_public_function_is_named_in_its_docstring():
    public = [function for function in functions(the_sources()) if function.public]
    assert [f"{f.where} {f.name} has no docstring" for f in public if not f.docstring] == []
    assert [f"{f.where} {f.name}: {', '.join(f.unnamed)}" for f in public if f.unnamed] == []
    assert list(undocumented_classes(the_sources())) == []
    assert list(wide_docstrings(the_sources())) == []


def test_public_functions_on_arrays_say_shape_and_unit():
    on_arrays = [f for f in functions(the_sources()) if f.public and f.arrays]
    silent = [f"{f.where} {f.name}" for f in on_arrays if not (SHAPE.search(f.docstring) and UNIT.search(f.docstring))]
    assert len(silent) <= 0.15 * len(on_arrays), silent


def test_functions_and_files_are_short():
    found = list(functions(the_sources()))
    assert [f"{f.where} {f.name}: {f.lines} lines" for f in found if f.lines > LONGEST_FUNCTION] == []
    assert [f"{name}: {lines} lines" for name, text in the_sources().items()
        if (lines := text.count("\n")) > LONGEST_FILE] == []
    code = sorted(f.code for f in found)
    assert code[len(code) // 2] <= 8
    assert code[int(0.9 * len(code))] <= 22


@pytest.mark.parametrize(("text", "wrong"), [
    ("def f(x):\n    return x", "no docstring"),
    ('def f(x):\n    """Says nothing."""', "unnamed"),
    ('class C:\n    """A class."""\n    def f(self, x):\n        """Says nothing."""', "unnamed"),
    ("class C:\n    pass", "class"),
    (f'def f():\n    """{"wide " * 25}"""', "wide"),
    ("def f():\n" + "    pass\n" * 60, "long"),
])
def test_what_reads_badly_is_found(text, wrong):
    sources = {"planted.py": text}
    public = [f for f in functions(sources) if f.public]
    assert {
        "no docstring": any(not f.docstring for f in public), "unnamed": any(f.unnamed for f in public),
        "class": bool(list(undocumented_classes(sources))), "wide": bool(list(wide_docstrings(sources))),
        "long": any(f.lines > LONGEST_FUNCTION for f in functions(sources))}[wrong]


def test_what_contributing_says_to_change_is_there():
    guide = (SOURCE.parents[1] / "CONTRIBUTING.md").read_text().split("## Where to change what")[1].split("\n## ")[0]
    places = re.findall(r"`([\w/]+\.py)` `(\w+)`", guide)
    assert len(places) >= 8
    for file, name in places:
        made = rf"^(def|class) {name}\b|^{name}\b[^\n]*="
        assert re.search(made, (SOURCE / file).read_text(), re.MULTILINE), f"{file} has no {name}"
