"""Compiled kernels are kept for the very sources they were compiled from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from skywarden.pipeline import compiled


def test_a_change_of_any_source_changes_where_kernels_are_kept(tmp_path, monkeypatch):
    package = tmp_path / "skywarden"
    package.mkdir()
    (package / "kernels.py").write_text("")
    (package / "air.py").write_text("one = 1\n")
    monkeypatch.setattr(compiled, "PACKAGE", package)
    before = compiled._state()
    assert compiled._state() == before
    (package / "air.py").write_text("one = 11\n")
    assert compiled._state() != before


def test_the_users_own_choice_is_left_alone(monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "elsewhere")
    monkeypatch.setattr(compiled, "_home", lambda: (_ for _ in ()).throw(AssertionError("looked for a folder")))
    compiled.keep_compiled()


def test_a_package_nobody_may_write_to_keeps_its_kernels_with_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(compiled, "PACKAGE", Path("/proc/skywarden"))
    assert compiled._home() == tmp_path / "cache" / "skywarden" / "kernels"


COUNTED = """
import sys
from numba.core.dispatcher import Dispatcher
from skywarden.pipeline import warming
from skywarden.feeds.simulated import Simulated
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.site.load import load as load_site
from skywarden.pipeline.simulated import stepper
from skywarden.pipeline.simulated_warming import EXTRA

def compiled():
    held = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("skywarden"):
            held.update({(k.__module__, k.__name__): len(k.signatures)
                for k in vars(module).values() if isinstance(k, Dispatcher)})
    return held

site = load_site("kabul")
warming.last_stages(site, EXTRA)
apart = compiled()
warming.fly(site, EXTRA)
world = iter(Simulated(load_scenario("kabul-2021-08-30", site), site, seed=5))
step, before = stepper(site, True), compiled()
orders = 0
for frame, _ in world:
    orders += len(step.step(frame)[1].orders)
    if frame.t > 45.0:
        break
after = compiled()
rooms = ("skywarden.defence.", "skywarden.rehearsal.", "skywarden.kernels.estimation.")
late = sorted(".".join(k) for k, n in after.items() if n > before.get(k, 0) and k[0].startswith(rooms))
stages = ["skywarden." + name for name in (
    "defence.impact", "defence.threat", "rehearsal.corridor", "rehearsal.separation", "defence.tracking.maintain")]
twice = sorted(".".join(k) for k, n in after.items() if n > apart.get(k, 0) > 0 and k[0] in stages)
print(orders, late, twice)
"""


def test_the_invented_flights_compile_all_that_a_run_with_an_order_needs_and_nothing_for_two_kinds_of_input():
    done = subprocess.run([sys.executable, "-c", COUNTED], capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    orders, rest = done.stdout.strip().split(" ", 1)
    assert int(orders) > 0
    assert rest == "[] []", rest
