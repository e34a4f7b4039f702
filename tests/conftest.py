"""Puts this folder on the import path, and makes the long evidence resumable: what has been shown
of these very sources is not shown again.

A test marked `prove` hands its figures to the fixture `evidence`; they are kept under .prove/ and
written to docs/evidence/ as they come.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from evidence_store import EVIDENCE, KEPT, done_file


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "prove" not in str(config.option.markexpr) or "not prove" in str(
            config.option.markexpr) or not done_file().exists():
        return
    done = set(json.loads(done_file().read_text()))
    for item in items:
        if item.nodeid in done:
            item.add_marker(pytest.mark.skip(reason="already shown of these sources; delete .prove to show it again"))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.passed and "prove" in report.keywords:
        KEPT.mkdir(exist_ok=True)
        done = set(json.loads(done_file().read_text())) if done_file().exists() else set()
        done_file().write_text(json.dumps(sorted(done | {report.nodeid}), indent=0))


@pytest.fixture
def evidence() -> Callable[..., None]:
    """evidence(page, row, figure=…, …): keep one row of figures and write the page docs/evidence/<page>.md anew."""

    def keep(page: str, row: str, **figures: Any) -> None:
        KEPT.mkdir(exist_ok=True)
        file = KEPT / f"figures-{page}.json"
        rows: dict[str, dict[str, Any]] = json.loads(file.read_text()) if file.exists() else {}
        rows[row] = figures
        file.write_text(json.dumps(rows, indent=1))
        columns = list(dict.fromkeys(key for figures in rows.values() for key in figures))
        lines = [f"# Evidence: {page.replace('-', ' ')}", "",
            "Written by `make prove`; each row by the test that made it.", "",
                 f"| | {' | '.join(column.replace('_', ' ') for column in columns)} |", "|---|" + "---|" * len(columns)]
        lines += [f"| {name} | {' | '.join(str(figures.get(column, '')) for column in columns)} |" for name,
            figures in sorted(rows.items(), key=natural)]
        EVIDENCE.mkdir(exist_ok=True)
        (EVIDENCE / f"{page}.md").write_text("\n".join(lines) + "\n")

    return keep


def natural(item: tuple[str, Any]) -> list[Any]:
    """Sort key that puts seed 2 before seed 10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in item[0].replace("-", " ").split()]
