"""The Nevers of the house, read from the imports themselves: what may rest on what."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "skywarden"
KERNEL_ROOMS = ("kernels.geometry", "kernels.ballistics", "kernels.estimation")      # each may use the ones before it
NESTED = ("kernels", "simulator")                            # rooms whose parts are rooms of their own
ALL_PARTS = {"cli", "session"}


def imports() -> dict[str, set[str]]:
    """For every module of ours, what of ours it imports anywhere in its text, as dotted names below `skywarden`."""
    found: dict[str, set[str]] = {}
    for file in SOURCE.rglob("*.py"):
        name = ".".join(file.relative_to(SOURCE).with_suffix("").parts)
        reached: set[str] = set()
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                reached.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name} uses a relative import"
                reached.update({f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)})
        found[name] = {module.removeprefix("skywarden.") for module in reached if module.startswith("skywarden.")}
    return found


IMPORTS = imports()


def room(module: str) -> str:
    """The room a module stands in: `simulator.world` of `simulator.world.tower`, `console` of `console.views`."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] in NESTED else parts[0]


def reached_from(rooms: set[str]) -> dict[str, set[str]]:
    return {name: reached for name, reached in IMPORTS.items() if room(name) in rooms}


def test_there_is_a_house_to_keep():
    assert {room(name) for name in IMPORTS} >= {"messages", "defence", "rehearsal", "simulator.world", "simulator.sensing", "record", *KERNEL_ROOMS, *ALL_PARTS}


@pytest.mark.parametrize("kernel_room", KERNEL_ROOMS)
def test_never_1_a_kernel_room_rests_only_on_the_rooms_below_it_and_does_no_io(kernel_room):
    below = {"errors", "units", *KERNEL_ROOMS[: KERNEL_ROOMS.index(kernel_room) + 1]}
    for name, reached in reached_from({kernel_room}).items():
        assert {room(module) for module in reached} <= below, name
        tree = ast.parse((SOURCE / (name.replace(".", "/") + ".py")).read_text())
        calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        assert not calls & {"open", "print", "input"}, name


def test_the_top_level_is_the_doors_the_ground_and_rooms():
    assert {file.name for file in SOURCE.iterdir() if file.is_file()} <= {"cli.py", "api.py", "errors.py", "units.py", "__init__.py", "py.typed"}


def test_never_2_truth_cannot_leak_into_belief():
    for name, reached in reached_from({"defence", "rehearsal"}).items():
        assert not {room(module) for module in reached} & {"simulator.world", "simulator.sensing", "simulator.scenario"}, name
        assert "messages.truth" not in reached, name
    for name, reached in reached_from({"defence"}).items():
        assert not {room(module) for module in reached} & {"rehearsal"}, name
        assert not any(module.startswith("messages.drill") for module in reached), name


def test_never_3_the_screen_shows_and_does_not_compute():
    for name, reached in reached_from({"console", "review", "measures", "record"}).items():
        assert not {room(module) for module in reached} & {"defence", "rehearsal", "kernels.ballistics", "kernels.estimation"}, name


def test_never_4_only_the_world_acts_on_an_order_and_only_a_simulated_session_wires_rehearse():
    may_know_drill = {
        "simulator.world", "rehearsal", "record", "console", "run", "session", "pipeline", "messages", "feeds", "review", "measures", "verification"}
    for name, reached in IMPORTS.items():
        if any(module.startswith("messages.drill") for module in reached):
            assert room(name) in may_know_drill, name
    # a verb that is just that, solving a file's instance, reaches the solver and nothing else of the rehearsal
    assert all(m.startswith("rehearsal.allocation") for m in IMPORTS["tools.allocate"] if room(m) == "rehearsal")
    assert {room(name) for name, reached in IMPORTS.items() if any(room(m) == "rehearsal" for m in reached)} <= {
        "rehearsal", "pipeline", "tools", "verification"}
    feeds = {name for name, reached in reached_from({"feeds"}).items() if any(module.startswith("messages.drill") for module in reached)}
    assert feeds <= {"feeds.simulated"}


def test_never_5_an_order_needs_a_clearance_and_has_no_place_for_an_aim():
    from dataclasses import fields

    from skywarden.messages.drill import Clearance, Order

    assert {field.name for field in fields(Order)} == {"track", "effector", "t_from", "t_to", "clearance"}
    refused = Clearance(7, 0, 10.0, 12.0, False, "aircraft", 20.0, 3, 120.0)
    with pytest.raises(ValueError, match="needs a clearance"):
        Order(7, 0, 10.0, 12.0, refused)
    cleared = Clearance(7, 0, 10.0, 12.0, True, "clear", float("nan"), -1, float("inf"))
    for track, effector, t_from, t_to in ((8, 0, 10.0, 12.0), (7, 1, 10.0, 12.0), (7, 0, 9.0, 12.0), (7, 0, 10.0, 13.0)):
        with pytest.raises(ValueError, match="needs a clearance"):
            Order(track, effector, t_from, t_to, cleared)
    assert Order(7, 0, 10.5, 11.0, cleared).clearance is cleared


def test_never_6_only_the_door_and_the_session_know_all_the_parts():
    parts = {"defence", "rehearsal", "simulator.world", "simulator.sensing", "feeds", "record", "review", "console"}
    for name, reached in IMPORTS.items():
        if room(name) not in ALL_PARTS:
            assert len({room(module) for module in reached} & parts) < 5, name


def test_the_stages_do_not_import_one_another():
    stages = {"impact", "integrity", "threat", "warning", "tracking"}
    for name, reached in reached_from({"defence"}).items():
        own = name.split(".")[1] if "." in name else ""
        if own in stages:
            others = {module.split(".")[1] for module in reached if module.startswith("defence.")} - {own}
            # `impact` reads what the tracker remembers of each track; nothing else crosses
            assert others <= ({"tracking"} if own == "impact" else set()), name


def test_no_circle_in_the_imports():
    modules = {name.removesuffix(".__init__"): set(reached) for name, reached in IMPORTS.items()}
    graph = {name: {m for m in reached if m in modules} for name, reached in modules.items()}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name not in done:
            for below in graph[name]:
                if below != name:
                    visit(below, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def live_breaches(modules: dict[str, set[str]]) -> list[str]:
    """Who opens a live channel, or makes a live alert, and may not; and where the channels reach what they may not see."""
    found = [f"{name} opens live channels" for name, reached in modules.items()
             if any(m.startswith("alerts.live") for m in reached) and name != "session.live"]
    found += [f"{name} makes live alerts" for name, reached in modules.items()
              if "alerts.alert.LiveAlert" in reached and name not in ("alerts.live", "alerts.opening")]
    found += [f"{name} makes a simulation's alerts" for name, reached in modules.items() if room(name) == "session"
              and "alerts.alert.SimulationAlert" in reached and name == "session.live"]
    forbidden = {"defence", "rehearsal", "simulator.world", "simulator.sensing", "simulator.scenario", "kernels.estimation", "kernels.ballistics"}
    found += [f"{name} reaches {m}" for name, reached in modules.items() if room(name) == "alerts"
              for m in reached if room(m) in forbidden or m.startswith(("messages.drill", "messages.truth"))]
    return found


def test_never_4_a_live_channel_is_opened_by_the_live_session_alone():
    assert live_breaches(IMPORTS) == []
    for name, planted in (("session.simulation", "alerts.live.open_live"), ("session.exercise", "alerts.alert.LiveAlert"), ("console.app", "alerts.live"),
                          ("alerts.siren", "messages.drill"), ("alerts.sink", "simulator.world.world"), ("session.live", "alerts.alert.SimulationAlert")):
        breach = {**IMPORTS, name: IMPORTS.get(name, set()) | {planted}}
        assert live_breaches(breach), f"{name} importing {planted} was not found"
