"""The rules of the house, read from the text of the package: what may rest on what, and what may
not stand where.

`House` holds the sources of a package, from a folder or with a change planted in them; `breaches`
names everything in it that breaks a rule. Imports are followed transitively, through packages'
`__init__`, and also where they are made while the program runs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

ROOT = "skywarden"
TOP = {"cli", "api", "errors", "units", ""}     # modules of the top level; all else there is a room

# Rooms from the top of the house to its ground: an import leads downwards, never up and never to the same floor's
# neighbour above.
FLOORS = (
    "cli", "api", "session", "tools", "bridges",
    "console", "alerts", "emit", "exercise", "study", "region", "standby", "review", "measures", "verification",
    "pipeline", "feeds", "formats", "rehearsal", "defence", "simulator",
    "site", "files", "record", "run", "messages", "kernels", "units", "errors",
)
KERNEL_ROOMS = ("kernels.geometry", "kernels.ballistics", "kernels.estimation")     # each may use those before it
KERNEL_LIBRARIES = {"__future__", "collections", "concurrent", "functools", "math", "numba", "numpy", "pyproj",
    "scipy", "typing"}
BELIEVERS = {"defence", "rehearsal"}
TRUTHS = {"messages.truth", "messages.moment", "feeds.simulated"}
SHOWERS = {"console", "review", "record", "alerts", "emit", "exercise"}
# rooms that speak to the outside
OUTWARD = {"alerts", "emit", "feeds", "formats", "bridges", "files", "standby", "region"}
ORDERS = {"simulator.world", "rehearsal", "messages", "record", "verification", "console", "measures", "review",
    "exercise"}
DRILLS = ORDERS | {"run", "pipeline", "session"}
DRILL_SINKS = {"Recorder", "Measures", "Simulated", "World", "Console", "Page", "Terminal", "Comparer",
    "SimulationAlerts"}
TRUTH_SINKS = {"Recorder", "Measures", "Instructor", "Dis", "Asterix", "Sbs", "Emit"}
# what a sink may be wrapped in on its way to a wire
WRAPPERS = {"Gated", "Heard", "Kept", "Mailbox", "Monitored", "Wire", "list", "tuple"}
STAGES = {"defence": {"impact", "integrity", "threat", "warning", "tracking", "reclassify", "registration"},
          "rehearsal": {"aircraft", "allocation", "airport", "assess"}}
# `impact` reads what the tracker remembers of each track
STAGES_MAY = {("impact", "tracking"), ("aircraft", "space")}
ORDER_FIELDS = {"track", "effector", "t_from", "t_to", "clearance"}
PARTS = {"defence", "rehearsal", "simulator", "feeds", "record", "review", "console", "alerts"}
IMPURE = {"asyncio", "datetime", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets",
    "shutil", "socket", "sqlite3",
          "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid"}
IO_NAMES = {"open", "print", "input", "exec", "eval", "compile", "__import__", "breakpoint", "globals", "objmode"}
IO_ATTRIBUTES = {"load", "save", "savez", "savez_compressed", "loadtxt", "savetxt",
                 "genfromtxt", "fromfile", "tofile", "memmap", "open_memmap", "dump", "objmode",
                 "read_text", "write_text", "read_bytes", "write_bytes", "open", "unlink", "mkdir", "random",
                 "DataSource"}
# nouns and declarations; see `_verification`
JUDGED_MAY_SHARE = {"messages", "errors", "units", "record", "site", "kernels", "files", "run"}
DECLARATIONS = {"site", "site.model", "kernels", "kernels.ballistics", "kernels.geometry", "kernels.ballistics.air",
    "kernels.ballistics.drag",
                "kernels.ballistics.flight", "kernels.geometry.ground", "kernels.ballistics.standard_drag"}
EMITTERS = {"session.simulation", "session.exercise"}     # sessions that a simulation is shown to other systems from
# modules that may start another process of ours: it compiles kernels, or reads a Parquet table
STARTERS = {"pipeline.warming", "files.parquet"}


class Breach(NamedTuple):
    """One thing that stands where it must not."""

    rule: str
    module: str
    what: str


class Import(NamedTuple):
    """One import in a module's text: `name` below the package's root, or a library's; `symbol` what
    is taken from it.
    """

    name: str
    symbol: str
    ours: bool


class House:
    """The modules of the package by dotted name below its root; packages' own text under the
    package's name, the root's under ''.
    """

    def __init__(self, sources: dict[str, str], packages: set[str]) -> None:
        self.sources, self.packages = sources, packages

    @classmethod
    def at(cls, folder: Path) -> House:
        """The package in a folder."""
        sources, packages = {}, set()
        for file in folder.rglob("*.py"):
            name = ".".join(file.relative_to(folder).with_suffix("").parts)
            if file.name == "__init__.py":
                name = name.removesuffix("__init__").rstrip(".")
                packages.add(name)
            sources[name] = file.read_text("utf-8")
        return cls(sources, packages)

    def planted(self, module: str, text: str, replace: str | None = None) -> House:
        """The same with text added at the end of a module, which is made where there is none, or
        put in the place of some of its text.
        """
        before = self.sources.get(module, '"""A planted module."""\n')
        if replace is not None:
            assert replace in before, f"{module} no longer says {replace!r}: plant the breach elsewhere"
        after = before + "\n" + text + "\n" if replace is None else before.replace(replace, text)
        parents = {module.rpartition(".")[0]} if module not in self.sources and "." in module else set()
        missing = dict.fromkeys(parents - self.packages, "")
        return House({**self.sources, **missing, module: after}, self.packages | parents)

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        return {name: _parsed(text) for name, text in self.sources.items()}

    @cached_property
    def imports(self) -> dict[str, list[Import]]:
        return {name: list(self._imports(name)) for name in self.sources}

    @cached_property
    def direct(self) -> dict[str, set[str]]:
        """For every module, the modules of ours that it names."""
        return {name: {self.module_of(i) for i in found if i.ours} - {name} for name, found in self.imports.items()}

    @cached_property
    def executed(self) -> dict[str, set[str]]:
        """Likewise, with the packages' own text that runs before what is named; the root's runs for
        all and is left out.
        """
        return {name: {part for m in found for part in _with_parents(m)} - {name} for name,
            found in self.direct.items()}

    def reached(self, module: str) -> dict[str, str]:
        """Everything that is loaded with a module, each with the module that names it."""
        found, left = {module: ""}, [module]
        while left:
            here = left.pop()
            for below in sorted(self.executed.get(here, ())):
                if below not in found:
                    found[below] = here
                    left.append(below)
        return found

    def module_of(self, imported: Import) -> str:
        """The module that is loaded: `defence.impact` for both `import impact` from `defence` and
        `import predict` from `defence.impact`.
        """
        whole = f"{imported.name}.{imported.symbol}".strip(".")
        return whole if whole in self.sources else imported.name

    def rooms(self, *rooms: str) -> list[str]:
        """The modules of some rooms."""
        return sorted(name for name in self.sources if any(name == r or name.startswith(r + ".") for r in rooms))

    def _imports(self, module: str) -> Iterator[Import]:
        written, texts = _written(module, module in self.packages, self.sources[module])
        yield from written
        for text in texts:                      # a name of ours in a text may be imported while the program runs
            name = text.removeprefix(ROOT + ".").rstrip(".").replace(":", ".")
            if name in self.sources:
                yield Import(name, "", True)
            elif text.endswith("."):
                yield from (Import(one, "", True) for one in self.sources if one.startswith(name + "."))


@cache
def _written(module: str, is_package: bool, text: str) -> tuple[list[Import], list[str]]:
    """The imports in a module's text, and the texts in it that may name a module of ours."""
    package = module if is_package else module.rpartition(".")[0]
    found, texts = [], []
    for node in _nodes(_parsed(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                ours = alias.name == ROOT or alias.name.startswith(ROOT + ".")
                found.append(Import(alias.name.removeprefix(ROOT).lstrip(".") if ours else alias.name, "", ours))
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = package.split(".")[: len(package.split(".")) - node.level + 1] if package else []
                base = ".".join([ROOT, *up, *([base] if base else [])])
            ours = base == ROOT or base.startswith(ROOT + ".")
            name = base.removeprefix(ROOT).lstrip(".") if ours else base
            found += [Import(name, alias.name, ours) for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(ROOT + "."):
            texts.append(node.value)
    return found, texts


def room(module: str) -> str:
    """The room a module stands in: `console` of `console.views`; the parts of `kernels` and
    `simulator` are rooms of their own.
    """
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] in ("kernels", "simulator") else parts[0]


def breaches(house: House, *rules: str) -> list[Breach]:
    """Everything that breaks a rule; of these rules alone where some are named."""
    return [breach for name, rule in RULES.items() if not rules or name in rules for breach in rule(house)]


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


@cache
def _nodes(tree: ast.AST) -> list[ast.AST]:
    return list(ast.walk(tree))


@cache
def _with_parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[: k + 1]) for k in range(len(parts)) if parts[0]]


def _in(module: str, rooms: set[str]) -> bool:
    return module.split(".")[0] in rooms or room(module) in rooms


def _way(found: dict[str, str], module: str) -> str:
    steps = [module]
    while found[steps[-1]]:
        steps.append(found[steps[-1]])
    return " -> ".join(reversed(steps))


def _calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    """Every call with the last name of what is called."""
    return _module_calls(tree) if isinstance(tree, ast.Module) else _called(ast.walk(tree))


@cache
def _module_calls(tree: ast.Module) -> list[tuple[str, ast.Call]]:
    return _called(_nodes(tree))


def _called(nodes: Iterable[ast.AST]) -> list[tuple[str, ast.Call]]:
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    return [(c.func.id if isinstance(c.func, ast.Name) else c.func.attr, c) for c in calls if isinstance(c.func,
        ast.Name | ast.Attribute)]


def _top(house: House) -> Iterator[Breach]:
    for name in house.sources:
        if "." not in name and name not in TOP and name not in house.packages:
            yield Breach("top", name, "a loose module at the top level: it belongs into a room")
        elif name.split(".")[0] not in FLOORS and name:
            yield Breach("top", name, "a room that has no floor")


def _hidden_imports(house: House) -> Iterator[Breach]:
    """Imports that cannot be read: relative ones, of the root, of a name that is not written out,
    of programs of ours by another process.
    """
    for module, tree in house.trees.items():
        yield from _hidden_in(module, tree)


@cache
def _hidden_in(module: str, tree: ast.Module) -> list[Breach]:
    return list(_hiding(module, tree))


def _hiding(module: str, tree: ast.Module) -> Iterator[Breach]:
    for node in _nodes(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield Breach("import", module, "a relative import")
        if isinstance(node, ast.Import) and any(a.name.split(".")[0] == ROOT and not a.asname for a in node.names):
            yield Breach("import", module,
                "the package by its root, from which everything can be reached: import what is needed from where it is")
        if isinstance(node, ast.ImportFrom) and node.module in ("importlib", "runpy", "pkgutil",
                "builtins") and module and any(
                a.name not in ("resources", "metadata") for a in node.names):
            yield Breach("import", module, f"what imports by name, itself imported by name from {node.module}")
        if isinstance(node, ast.ImportFrom) and node.module == ROOT and any(a.name == "sys" for a in node.names):
            yield Breach("import", module, "a library through the root")
        if isinstance(node, ast.Attribute) and node.attr == "modules" and isinstance(node.value,
                ast.Name) and node.value.id == "sys" and module:
            yield Breach("import", module, "loaded modules by name (sys.modules)")
    for called, call in _calls(tree):
        if called in ("exec", "eval", "run_module", "run_path", "resolve_name", "spec_from_file_location",
                "load_module"):
            yield Breach("import", module, f"{called}: what it loads cannot be read")
        if called in ("import_module", "__import__") and module and not _said(call):
            yield Breach("import", module, f"{called} of a name that is not written out")
        if called in ("Popen", "run", "call", "check_call", "check_output", "execv",
                "create_subprocess_exec") and _starts_us(call) \
                and module not in STARTERS:
            yield Breach("import", module, "another program of ours started")


def _said(call: ast.Call) -> bool:
    """Whether what is imported is a text, or begins with one that ends a package's name."""
    name = call.args[0] if call.args else None
    if isinstance(name, ast.JoinedStr) and name.values and isinstance(name.values[0], ast.Constant):
        return str(name.values[0].value).startswith(ROOT + ".") and str(name.values[0].value).endswith(".")
    return isinstance(name, ast.Constant) and isinstance(name.value, str) and not name.value.startswith(".")


def _starts_us(call: ast.Call) -> bool:
    words = {n.value for n in ast.walk(call) if isinstance(n, ast.Constant)}
    return (any(isinstance(n, ast.Attribute) and n.attr == "executable" for n in ast.walk(call))
        and "-m" in words) or "skywarden" in words


def _floors(house: House) -> Iterator[Breach]:
    for module, named in house.direct.items():
        for below in named:
            if module and below and module.split(".")[0] != below.split(".")[0] and below.split(".")[0] in FLOORS:
                here, there = FLOORS.index(module.split(".")[0]), FLOORS.index(below.split(".")[0])
                if there <= here:
                    yield Breach("floor", module, f"imports {below}, which stands above it")


def _circles(house: House) -> Iterator[Breach]:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> Iterator[Breach]:
        if name in path:
            yield Breach("circle", name, " -> ".join((*path[path.index(name):], name)))
        elif name not in done:
            for below in sorted(house.direct.get(name, ())):
                yield from visit(below, (*path, name))
            done.add(name)

    for name in house.sources:
        if name:
            yield from visit(name, ())


def _kernels(house: House) -> Iterator[Breach]:
    """Never 1: a kernel room rests on the rooms below it and on arithmetic, and does no input or output."""
    for level, kernel_room in enumerate(KERNEL_ROOMS):
        for module in house.rooms(kernel_room):
            for one in house.imports[module]:
                if one.ours and not _in(house.module_of(one), {"errors", "units", *KERNEL_ROOMS[: level + 1]}):
                    yield Breach("kernel", module, f"imports {house.module_of(one)}")
                elif not one.ours and one.name.split(".")[0] not in KERNEL_LIBRARIES:
                    yield Breach("kernel", module, f"imports {one.name}")
            yield from (Breach("kernel", module, what) for what in _input_output(house.trees[module]))
    for module in house.rooms("kernels"):
        if module != "kernels" and room(module) not in KERNEL_ROOMS:
            yield Breach("kernel", module, "stands in no kernel room")


@cache
def _input_output(tree: ast.AST) -> list[str]:
    return list(_reaching_out(tree))


def _reaching_out(tree: ast.AST) -> Iterator[str]:
    for node in _nodes(tree):
        if isinstance(node, ast.Attribute) and node.attr in IO_ATTRIBUTES and not (isinstance(node.value, ast.Name)
                and node.value.id == "self"):
            yield f"reaches for {node.attr}"
        elif isinstance(node, ast.Name) and node.id in IO_NAMES:
            yield f"reaches for {node.id}"
        elif isinstance(node, ast.ImportFrom) and any(alias.name in IO_ATTRIBUTES | IO_NAMES for alias in node.names):
            yield f"imports {[alias.name for alias in node.names]} from {node.module}"


def _belief(house: House) -> Iterator[Breach]:
    """Never 2: what believes reaches no truth, and the defence no rehearsal."""
    for module in house.rooms(*BELIEVERS):
        found = house.reached(module)
        for below in sorted(found):
            hidden = below.split(".")[0] == "simulator" or below in TRUTHS
            rehearsed = below.split(".")[0] == "rehearsal" or below == "messages.drill"
            if hidden or (rehearsed and module.split(".")[0] == "defence"):
                yield Breach("truth", module, _way(found, below))


def _pure(house: House) -> Iterator[Breach]:
    """What believes has no clock, draws nothing, reads and writes nothing."""
    for module in house.rooms(*BELIEVERS):
        for one in house.imports[module]:
            if not one.ours and one.name.split(".")[0] in IMPURE:
                yield Breach("pure", module, f"imports {one.name}")
        yield from (Breach("pure", module, what) for what in _input_output(house.trees[module]))


def _showers(house: House) -> Iterator[Breach]:
    """Never 3: what shows, records or tells does not compute."""
    for module in house.rooms(*SHOWERS):
        found = house.reached(module)
        for below in sorted(found):
            hidden = module.split(".")[0] == "alerts" and below.split(".")[0] == "simulator"
            if below.split(".")[0] in BELIEVERS or hidden or below == "kernels.estimation" or below.startswith(
                    "kernels.estimation."):
                yield Breach("show", module, _way(found, below))
        told = {house.module_of(one) for one in house.imports[module] if one.ours}
        if module.split(".")[0] == "alerts" and told & {"messages.truth", "messages.drill"}:
            yield Breach("show", module,
                f"a channel that tells people knows {sorted(told & {'messages.truth', 'messages.drill'})}")


def _orders(house: House) -> Iterator[Breach]:
    """Never 4: orders are acted on in the simulated world; only a simulated session wires the rehearsal."""
    for module, found in house.imports.items():
        for one in found:
            if not one.ours or not house.module_of(one).startswith("messages.drill"):
                continue
            if not _in(module, DRILLS):
                yield Breach("order", module, f"knows drills ({one.symbol})")
            elif one.symbol in ("Order", "*") and not _in(module, ORDERS):
                yield Breach("order", module, "knows what an order is")
    for module in house.rooms(*OUTWARD):
        refused = {node.left for node in _nodes(house.trees[module]) if isinstance(node, ast.Compare)
                   # whether there is one may be asked
                   and all(isinstance(op, ast.Is | ast.IsNot) for op in node.ops)}
        for node in _nodes(house.trees[module]):
            if isinstance(node, ast.Attribute) and node.attr in ("drill",
                    "orders") and node not in refused and not _in(module, {"feeds"}):
                yield Breach("order", module, f"reads .{node.attr}: it speaks to the outside")
            elif isinstance(node, ast.Constant) and node.value in ("drill",
                    "orders") and _is_getattr(house.trees[module], node):
                yield Breach("order", module, f"reads {node.value} by name: it speaks to the outside")
    for module, named in house.direct.items():
        for below in named:
            # a file, and nothing else
            solves = module == "tools.allocate" and below.startswith("rehearsal.allocation")
            if below.split(".")[0] == "rehearsal" and not _in(module, {"rehearsal", "pipeline"}) and not solves:
                yield Breach("order", module, f"wires {below}: only the simulated pipeline does")


def _is_getattr(tree: ast.AST, constant: ast.Constant) -> bool:
    return any(called in ("getattr", "attrgetter") and constant in call.args for called, call in _calls(tree))


def _wires(house: House) -> Iterator[Breach]:
    """Never 4: a wire is given a drill or the truth only for a sink of a kind that may see it."""
    for module, tree in house.trees.items():
        if "Wire" not in house.sources[module] and "Moment" not in house.sources[
                module] and "_replace" not in house.sources[module]:
            continue
        functions = [node for node in _nodes(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        for scope in (functions or [tree]) if "Wire" in house.sources[module] else ():
            for called, call in _calls(scope):
                if called != "Wire" or not call.args:
                    continue
                given = {keyword.arg: keyword.value for keyword in call.keywords}
                given.update(zip(("sink", "drill", "truth"), call.args, strict=False))
                for what, allowed in (("drill", DRILL_SINKS), ("truth", TRUTH_SINKS)):
                    value = given.get(what)
                    if value is None or (isinstance(value, ast.Constant) and value.value is False):
                        continue
                    kinds = _kinds(call.args[0], scope, 0)
                    if not kinds or not kinds <= allowed:
                        yield Breach("wire", module,
                            f"{what} for {sorted(kinds - allowed) or ast.unparse(call.args[0])}")
        for called, call in _calls(tree):
            if called == "Moment" and room(module) not in ("run", "record", "session", "console"):
                yield Breach("wire", module, "makes moments: only the loop, a record's reader and a replay do")
            if called == "_replace" and room(module) not in ("messages", "run", "feeds") and _given_more(call):
                yield Breach("wire", module, "a wire or moment is given more than it had")


def _given_more(call: ast.Call) -> bool:
    return any(k.arg in ("drill", "truth") and not (isinstance(k.value, ast.Constant) and not k.value.value)
        for k in call.keywords)


def _kinds(node: ast.AST, scope: ast.AST, depth: int) -> set[str]:
    """The classes that an expression may be an instance of, wrappers aside, by the assignments and
    tests in its function.
    """
    if depth > 6:
        return {"?"}
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func,
            ast.Attribute) else "?"
        if name == "add" and len(node.args) > 1:        # a mailbox around a sink, by its name
            return _kinds(node.args[1], scope, depth + 1)
        if name == "enter_context" or name in WRAPPERS:
            return set().union(*(_kinds(argument, scope, depth + 1) for argument in node.args[:1])) or {"?"}
        made = {"open_page": "Page", "opened": "?"}
        return {made.get(name, name)}
    if isinstance(node, ast.IfExp):
        return _kinds(node.body, scope, depth + 1) | _kinds(node.orelse, scope, depth + 1)
    if isinstance(node, ast.Constant) and node.value is None:
        return set()
    if not isinstance(node, ast.Name):
        return {ast.unparse(node)}
    found: set[str] = set()
    for other in ast.walk(scope):
        for value in _values(other, node.id):
            found |= _kinds(value, scope, depth + 1)
        if isinstance(other, ast.AnnAssign) and ast.unparse(other.target) == node.id:
            found |= _named(other.annotation) - {"None"}
        elif isinstance(other, ast.arg) and other.arg == node.id:
            found |= _named(other.annotation) - {"None"} if other.annotation is not None else {"?"}
        elif isinstance(other, ast.comprehension) and isinstance(other.target, ast.Name) and other.target.id == node.id:
            tests = [call for test in other.ifs for called, call in _calls(test) if called == "isinstance"]
            found |= set().union(*(_named(call.args[1]) for call in tests)) or {"?"}
    return found


def _named(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _values(statement: ast.AST, name: str) -> Iterator[ast.AST]:
    """What a statement gives to a name."""
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            pairs = [(target, statement.value)]
            if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
                pairs = list(zip(target.elts, statement.value.elts, strict=False))
            for one, value in pairs:
                if isinstance(one, ast.Name) and one.id == name and not (isinstance(value, ast.Name) and value.id
                        == name):
                    yield value
    elif isinstance(statement, ast.NamedExpr) and statement.target.id == name:
        yield statement.value


def _live(house: House) -> Iterator[Breach]:
    """Never 4: a live session cannot reach rehearsal or simulator, and nothing but it opens a live alert channel."""
    served = house.rooms("standby", "region", "session.service", "session.serve", "session.region", "session.standby")
    for module in ("session.live", "pipeline.live", "alerts.live", *served):
        if module in house.sources:
            found = house.reached(module)
            for below in sorted(found):
                # the review of earlier records reads what their scenarios declare, and nothing of a world
                declared = below == "simulator" or below.startswith("simulator.scenario")
                if declared and "review.story" in _way(found, below):
                    continue
                if below.split(".")[0] in ("rehearsal", "simulator") or below in ("pipeline.simulated",
                        "feeds.simulated", "session.simulation"):
                    yield Breach("live", module, _way(found, below))
    for module, named in house.direct.items():
        if "alerts.live" in named and module not in ("session.live", "session.standby"):
            yield Breach("live", module, "opens live alert channels: only a live session does")
    for module, found in house.imports.items():
        taken = {one.symbol for one in found if one.ours}
        if "LiveAlert" in taken and module not in ("alerts.live", "alerts.opening", "session.live", "session.standby"):
            yield Breach("live", module, "knows live alerts")
        if "SimulationAlert" in taken and module in ("alerts.live", "session.live", "session.standby"):
            yield Breach("live", module, "knows a simulation's alerts")


def _emit(house: House) -> Iterator[Breach]:
    """Never 4: a simulation is shown to other systems by simulated sessions alone, and a live one
    cannot reach the way there.
    """
    for module, named in house.direct.items():
        for below in named:
            if below.split(".")[0] == "emit" and not _in(module, {"emit"}) and module not in EMITTERS \
                    and not (below == "emit.forms" and module in ("cli", "session.verbs.exercise")):
                yield Breach("emit", module, f"imports {below}: only a simulated session is shown to others")
    for module in ("session.live", "session.standby", "session.running", "pipeline.live", "alerts.live"):
        if module in house.sources:
            found = house.reached(module)
            for below in sorted(found):
                if below.split(".")[0] == "emit":
                    yield Breach("emit", module, _way(found, below))


def _clearance(house: House) -> Iterator[Breach]:
    """Never 5: an order has no place for an aim, a lead or a fuze, and is made in the rehearsal from a clearance."""
    for node in ast.walk(house.trees.get("messages.drill", ast.Module([], []))):
        if isinstance(node, ast.ClassDef) and node.name == "Order":
            fields = {n.target.id for n in node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}
            if fields != ORDER_FIELDS:
                yield Breach("clearance", "messages.drill", f"an order has the fields {sorted(fields)}")
            if not any(isinstance(n, ast.FunctionDef) and n.name == "__post_init__" for n in node.body):
                yield Breach("clearance", "messages.drill",
                    "an order no longer refuses to be made without its clearance")
    for module, tree in house.trees.items():
        for called, call in _calls(tree):
            if called == "Order" and room(module) not in ("rehearsal", "record"):
                yield Breach("clearance", module, "makes an order")
            if called in ("__new__", "__setattr__") and any(isinstance(n, ast.Name) and n.id in ("Order", "Clearance")
                    for n in ast.walk(call)):
                yield Breach("clearance", module, f"goes round the making of an order ({called})")
            if called in ("Clearance", "clear") and called == "Clearance" and room(module) not in ("rehearsal",
                    "record", "messages"):
                yield Breach("clearance", module, "makes a clearance")


def _parts(house: House) -> Iterator[Breach]:
    """Never 6: only the doors and the sessions know all the parts."""
    for module, named in house.direct.items():
        if module.split(".")[0] not in ("cli", "api", "session", ""):
            known = {below.split(".")[0] for below in named} & PARTS
            if len(known) >= 4 + (module.split(".")[0] in PARTS):
                yield Breach("parts", module, f"knows {sorted(known)}")


def _trainee(house: House) -> Iterator[Breach]:
    """Never 7: a page is built from picture, drill and delivered messages; the instructor's alone reads the truth."""
    for module in house.rooms("console"):
        if module.split(".")[-1].startswith("instructor"):
            continue
        for node in _nodes(house.trees[module]):
            if isinstance(node, ast.Attribute) and node.attr == "truth":
                yield Breach("trainee", module, "reads .truth")
        for one in house.imports[module]:
            if one.ours and ((house.module_of(one) == "messages.truth" and one.symbol != "Truth")
                    or house.module_of(one).startswith("simulator")):
                yield Breach("trainee", module, f"imports {house.module_of(one)}")


def _verification(house: House) -> Iterator[Breach]:
    """Never 8: what checks a drill shares nothing with what made it but the nouns, the declarations
    and what holds them.
    """
    for module in house.rooms("verification"):
        for below in sorted(house.direct[module]):
            if not _in(below, JUDGED_MAY_SHARE | {"verification"}):
                yield Breach("verification", module, f"imports {below}")
            elif below.split(".")[0] in ("site", "kernels") and below not in DECLARATIONS:
                yield Breach("verification", module, f"shares {below} with what it judges")
        for one in house.imports[module]:
            if one.ours and house.module_of(one).startswith("kernels") and not one.symbol[:1].isupper():
                yield Breach("verification", module, f"shares the function {one.symbol} with what it judges")
        found = house.reached(module)
        for below in sorted(found):
            if below.split(".")[0] in BELIEVERS | {"pipeline", "feeds", "simulator"}:
                yield Breach("verification", module, _way(found, below))
    for module in house.rooms("rehearsal"):
        if any(below.split(".")[0] == "verification" for below in house.direct[module]):
            yield Breach("verification", module, "uses its own judge")


def _stages(house: House) -> Iterator[Breach]:
    """The stages do not import one another: their order is written in one place."""
    for whole, stages in STAGES.items():
        for module in house.rooms(whole):
            own = module.split(".")[1] if "." in module else ""
            if own in stages:
                for below in house.direct[module]:
                    other = below.split(".")[1] if below.startswith(whole + ".") else own
                    if other != own and other in stages and (own, other) not in STAGES_MAY:
                        yield Breach("stages", module, f"imports {below}")


def _headless(house: House) -> Iterator[Breach]:
    """A session without a console, which a study runs by the thousand, reaches neither console nor
    review; records need no drawing.
    """
    for module, forbidden in (("session.once", {"console", "review", "alerts"}), ("measures", {"console", "review"}),
            ("record", {"console", "review"})):
        for one in house.rooms(module):
            found = house.reached(one)
            for below in sorted(found):
                if below.split(".")[0] in forbidden:
                    yield Breach("headless", one, _way(found, below))
            for here in sorted(found):
                if any(not i.ours and i.name.split(".")[0] == "matplotlib" for i in house.imports.get(here, ())):
                    yield Breach("headless", one, f"{_way(found, here)} draws")


RULES = {
    "top": _top, "import": _hidden_imports, "floor": _floors, "circle": _circles, "kernel": _kernels, "truth": _belief,
    "pure": _pure, "show": _showers,
    "order": _orders, "wire": _wires, "live": _live, "emit": _emit, "clearance": _clearance, "parts": _parts,
    "trainee": _trainee,
    "verification": _verification,
    "stages": _stages, "headless": _headless}
