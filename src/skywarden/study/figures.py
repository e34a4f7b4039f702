"""The drawings of a study's page, each an SVG in text that looks the same whenever it is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from skywarden.messages.tables import Array
from skywarden.review.plots import BLUE, GREY, ORANGE, RED, STYLE, as_svg
from skywarden.study.analysis import Finding
from skywarden.study.wording import FIGURES

MOST_BINS = 40


def intervals(found: Sequence[Finding]) -> str:
    """A measure's figure of every design with its interval, one row each; the baseline as a line.

    found  what was found
    """
    return _rows(
        [(f.design, f.figure.value, f.figure.low, f.figure.high, f.against is None) for f in found],
        _axis(found[0].measure),
        None,
        f"{found[0].measure} of each design with its interval",
    )


def differences(found: Sequence[Finding]) -> str:
    """Differences from the baseline with their intervals; zero as a line.

    found  what was found
    """
    rows = [
        (f.design, f.against.value, f.against.low, f.against.high, f.differs) for f in found if f.against is not None
    ]
    return _rows(
        rows,
        f"difference in {_axis(found[0].measure)}",
        0.0,
        f"differences in {found[0].measure} with their intervals",
    )


def _axis(measure: str) -> str:
    unit = FIGURES[measure].unit
    return f"{measure.removesuffix('_s').removesuffix('_m').replace('_', ' ')}{f' [{unit}]' if unit else ''}"


def _rows(rows: Sequence[tuple[str, float, float, float, bool]], label: str, line: float | None, says: str) -> str:
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0, 1.0 + 0.36 * max(len(rows), 1)), layout="constrained")
        axes = figure.add_subplot()
        for k, (_, value, low, high, marked) in enumerate(reversed(rows)):
            if np.isfinite([low, high]).all():
                axes.plot([low, high], [k, k], color=ORANGE if marked else BLUE, lw=2.0, solid_capstyle="butt")
            axes.plot([value], [k], "D" if marked else "o", color=ORANGE if marked else BLUE, ms=6)
        if line is not None:
            axes.axvline(line, color=GREY, lw=1.0, ls="--")
        axes.set_yticks(range(len(rows)), [name[:40] for name, *_ in reversed(rows)])
        axes.set(xlabel=label, ylim=(-0.6, max(len(rows), 1) - 0.4))
        axes.grid(axis="x", alpha=0.25, lw=0.5)
        return as_svg(figure, says)


def distribution(values: Mapping[str, Array], measure: str, says: str) -> str:
    """How a measure of single runs is spread, each design's share of runs at or below a value.

    values  (n,) the measure of each run, by design
    says    what the drawing is called for those who do not see it
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0, 3.4), layout="constrained")
        axes = figure.add_subplot()
        for k, (design, own) in enumerate(values.items()):
            ordered = np.sort(own[np.isfinite(own)])
            if ordered.size:
                axes.step(
                    np.concatenate([ordered[:1], ordered]),
                    np.linspace(0.0, 1.0, len(ordered) + 1),
                    where="post",
                    ls=("-", "--", "-.", ":")[k % 4],
                    lw=1.6,
                    color=(BLUE, ORANGE, RED, "#009E73", "#CC79A7")[k % 5],
                    label=design[:40],
                )
        axes.set(xlabel=_axis(measure), ylabel="share of runs at or below", ylim=(0.0, 1.02))
        axes.legend(fontsize=9)
        axes.grid(alpha=0.25, lw=0.5)
        return as_svg(figure, says)


def site_map(zones: Sequence[tuple[str, Array]], candidates: Array, chosen: Array, standing: Array, what: str) -> str:
    """The site with its zones, the places that might be taken, and those that are.

    candidates  (c, 2) places to choose from [m]
    chosen      (k, 2) places chosen [m]
    standing    (k, 2) places where something stands already [m]
    what        what is placed: radars or sirens
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0, 6.2), layout="constrained")
        axes = figure.add_subplot()
        for name, polygon in zones:
            axes.fill(*polygon.T / 1000.0, fc="#8a8f9840", ec=GREY, lw=0.9)
            axes.annotate(name, polygon.mean(axis=0) / 1000.0, ha="center", va="center", fontsize=7)
        looks: tuple[tuple[Array, dict[str, Any]], ...] = (
            (candidates, {"marker": ".", "c": GREY, "s": 8, "label": "candidates"}),
            (standing, {"marker": "s", "c": BLUE, "s": 60, "label": f"{what} that stand"}),
            (
                chosen,
                {
                    "marker": "^",
                    "c": ORANGE,
                    "s": 110,
                    "ec": "black",
                    "lw": 0.6,
                    "zorder": 5,
                    "label": f"{what} chosen",
                },
            ),
        )
        for places, look in looks:
            if len(places):
                axes.scatter(places[:, 0] / 1000.0, places[:, 1] / 1000.0, **look)
        axes.set(xlabel="east of the site's origin [km]", ylabel="north [km]", aspect="equal")
        figure.legend(loc="outside upper left", ncols=3, fontsize=9)
        axes.grid(alpha=0.25, lw=0.5)
        return as_svg(figure, f"Where {what} should stand")


def pareto(rows: Sequence[tuple[float, float, float, int]], cost: str, covered: str) -> str:
    """What is covered by cost: (cost, value, bound, number) of each answer.

    rows  cost, value, bound and count of each answer
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0, 3.6), layout="constrained")
        axes = figure.add_subplot()
        x, value, bound, number = np.array(rows, float).T
        axes.plot(x, bound, "v", color=GREY, ms=7, label="no choice covers more: own bound")
        axes.plot(x, value, "o-", color=BLUE, lw=1.4, ms=6, label="chosen")
        for east, up, n in zip(x, value, number, strict=True):
            axes.annotate(f"{n:.0f}", (east, up), xytext=(4, -12), textcoords="offset points", fontsize=9)
        axes.set(xlabel=cost, ylabel=covered)
        axes.legend(fontsize=9, loc="lower right")
        axes.grid(alpha=0.25, lw=0.5)
        return as_svg(figure, "What is covered, by cost")
