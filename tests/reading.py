"""How the package reads, measured from its sources: documented functions, named arguments, lengths of
functions and files.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

LONGEST_FUNCTION = 60       # lines, docstring included
LONGEST_FILE = 500          # lines
WIDEST_DOCSTRING = 100      # columns
ARRAYS = re.compile(r"\b(Array|ArrayLike|NDArray)\b")
# a shape such as (n,), (k, 3) or (n, laws + 2), or a word that stands for one; a unit, or that there is none
SHAPE = re.compile(
    r"\([\w. ]+(?: [+\-*] \w+)?,(?: ?[\w. ]+(?: [+\-*] \w+)?,?)*\)|\bmasks?\b|\bscalar\b|\bsingle\b|of their shape")
UNIT = re.compile(
    r"\[[^\]]+\]|probabilit|share|odds|likelihood|\bmask|numbers?\b|indices|index|rows?\b|how many|whether|which|bool|"
    r"weight|chance|ratio|variance|factor|counts?\b|logarithm|evidence|polygon|shots|fraction|value|samples|nats|price",
    re.IGNORECASE)


class Function(NamedTuple):
    """One function as its source has it."""

    where: str          # file:line
    name: str           # with its classes
    public: bool        # neither it nor a class around it begins with an underscore; inner functions never are
    lines: int          # docstring and decorators' target included
    code: int           # docstring left out
    docstring: str
    unnamed: tuple[str, ...]    # arguments that neither docstring nor the command line's help names
    arrays: bool        # takes or returns arrays


def functions(sources: dict[str, str]) -> Iterator[Function]:
    """Every function of the sources, a text for each file."""
    for file, text in sources.items():
        tree = ast.parse(text)
        # what stands for an option of the command line with its help in several verbs
        helped = {target.id for node in tree.body if isinstance(node, ast.Assign) and "help=" in ast.unparse(node.value)
            for target in node.targets if isinstance(target, ast.Name)}
        yield from _of(file, tree.body, "", True, helped)


def undocumented_classes(sources: dict[str, str]) -> Iterator[str]:
    """Public classes without a docstring."""
    for file, text in sources.items():
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node):
                yield f"{file}:{node.lineno} {node.name}"


def wide_docstrings(sources: dict[str, str]) -> Iterator[str]:
    """Lines of docstrings that are too wide."""
    for file, text in sources.items():
        lines = text.split("\n")
        for node in ast.walk(ast.parse(text)):
            kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module
            if isinstance(node, kinds) and ast.get_docstring(node):
                first = node.body[0]
                for at in range(first.lineno, (first.end_lineno or first.lineno) + 1):
                    line = lines[at - 1].removesuffix('"""')
                    # a drawing, or a listing set in by more than its docstring, is as wide as code
                    inset = len(line) - len(line.lstrip()) > first.col_offset
                    if len(line) > WIDEST_DOCSTRING and not inset:
                        yield f"{file}:{at}"


def _of(file: str, body: list[ast.stmt], around: str, public: bool, helped: set[str]) -> Iterator[Function]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _of(file, node.body, f"{around}{node.name}.", public and not node.name.startswith("_"), helped)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield _function(file, node, around, public, helped)
            yield from _of(file, node.body, f"{around}{node.name}.", False, helped)
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While):
            yield from _of(file, node.body, around, public, helped)
            yield from _of(file, getattr(node, "orelse", []), around, public, helped)


def _function(
    file: str, node: ast.FunctionDef | ast.AsyncFunctionDef, around: str, public: bool, helped: set[str]
) -> Function:
    docstring = ast.get_docstring(node) or ""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    said = (first.end_lineno or first.lineno) - first.lineno + 1 if docstring else 0
    every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    arguments = [a for a in every if a.arg not in ("self", "cls")]
    unnamed = tuple(a.arg for a in arguments
        if not re.search(rf"\b{re.escape(a.arg)}\b", docstring)
        and "help=" not in _text(a.annotation) and not helped.intersection(re.findall(r"\w+", _text(a.annotation))))
    annotations = " ".join([*(_text(a.annotation) for a in arguments), _text(node.returns)])
    return Function(
        f"{file}:{node.lineno}", f"{around}{node.name}", public and not node.name.startswith("_"), lines, lines - said,
        docstring, unnamed, bool(ARRAYS.search(annotations)))


def _text(annotation: ast.expr | None) -> str:
    return "" if annotation is None else ast.unparse(annotation)
