"""Where the long evidence keeps what has been shown, and of which sources."""

from __future__ import annotations

import ast
from hashlib import blake2b
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / ".prove"
EVIDENCE = ROOT / "docs" / "evidence"


def state_of_sources(root: Path = ROOT) -> str:
    """A name for everything a figure may depend on: what every function, class and constant says,
    the sites and the scenarios.

    Where a function stands does not count, nor what its module is called, nor a docstring or
    comment: what moves unchanged keeps its evidence.
    """
    said = [f"{file.relative_to(root).as_posix()} ".encode() + file.read_bytes()
            for folder in ("sites", "scenarios") for file in (root / folder).rglob("*") if file.suffix in (".toml",
                ".geojson", ".csv")]
    said += [file.name.encode() + file.read_bytes() for file in (root / "src").rglob("*.toml")]
    for file in (root / "src").rglob("*.py"):
        said += _statements(file)
    made = blake2b(digest_size=6)
    for one in sorted(blake2b(part, digest_size=16).digest() for part in said):
        made.update(one)
    return made.hexdigest()


def _statements(file: Path) -> list[bytes]:
    """Each statement of a module but its imports, without docstrings, positions and the names of our own modules."""
    tree = ast.parse(file.read_text("utf-8"))
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "skywarden":
            modules |= {alias.asname or alias.name for alias in node.names}
    named = _WithoutModules({name for name in modules if name.islower()})
    return [ast.dump(named.visit(node)).encode() for node in tree.body if not isinstance(node,
        ast.Import | ast.ImportFrom)]


class _WithoutModules(ast.NodeTransformer):
    """Drops docstrings and local imports, and says `track` for `tracker.track` where `tracker` is a module of ours."""

    def __init__(self, modules: set[str]) -> None:
        self._modules = modules

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return ast.Pass() if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> ast.AST:
        return ast.Pass()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        return ast.Pass()

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id in self._modules:
            return ast.Name(node.attr, node.ctx)
        return node


def done_file() -> Path:
    return KEPT / f"{state_of_sources()}.json"
