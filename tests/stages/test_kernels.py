"""Compiled kernels are kept for the very sources they were compiled from."""

from __future__ import annotations

import subprocess
import sys

from skywarden import kernels


def test_a_change_of_any_source_changes_where_kernels_are_kept(tmp_path, monkeypatch):
    package = tmp_path / "skywarden"
    package.mkdir()
    (package / "kernels.py").write_text("")
    (package / "air.py").write_text("one = 1\n")
    monkeypatch.setattr(kernels, "__file__", str(package / "kernels.py"))
    before = kernels._state()
    assert kernels._state() == before
    (package / "air.py").write_text("one = 11\n")
    assert kernels._state() != before


def test_the_users_own_choice_is_left_alone(monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "elsewhere")
    monkeypatch.setattr(kernels, "_home", lambda: (_ for _ in ()).throw(AssertionError("looked for a folder")))
    kernels.keep_compiled()


def test_a_package_nobody_may_write_to_keeps_its_kernels_with_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kernels, "__file__", "/proc/skywarden/kernels.py")
    assert kernels._home() == tmp_path / "cache" / "skywarden" / "kernels"


COUNTED = """
import sys
from numba.core.dispatcher import Dispatcher
from skywarden import warming
from skywarden.feeds.simulated import Simulated
from skywarden.scenario.load import load as load_scenario
from skywarden.site.load import load as load_site
from skywarden.stages import stepper

def compiled():
    held = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("skywarden"):
            held.update({(k.__module__, k.__name__): len(k.signatures) for k in vars(module).values() if isinstance(k, Dispatcher)})
    return held

site = load_site("kabul")
warming.last_stages(site, True)
apart = compiled()
warming.fly(site, True)
world = iter(Simulated(load_scenario("kabul-2021-08-30", site), site, seed=5))
step, before = stepper(site, True), compiled()
orders = 0
for frame, _ in world:
    orders += len(step.step(frame)[1].orders)
    if frame.t > 45.0:
        break
after = compiled()
late = sorted(".".join(k) for k, n in after.items() if n > before.get(k, 0) and k[0].split(".")[1] in ("defence", "rehearsal", "estimation"))
stages = ["skywarden." + name for name in ("defence.impact", "defence.threat", "rehearsal.space", "rehearsal.separation", "defence.tracking.life")]
twice = sorted(".".join(k) for k, n in after.items() if n > apart.get(k, 0) > 0 and k[0] in stages)
print(orders, late, twice)
"""


def test_the_invented_flights_compile_all_that_a_run_with_an_order_needs_and_nothing_for_two_kinds_of_input():
    done = subprocess.run([sys.executable, "-c", COUNTED], capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    orders, rest = done.stdout.strip().split(" ", 1)
    assert int(orders) > 0
    assert rest == "[] []", rest
