"""The drawings of a report, each an SVG in text: no date, fixed identifiers, so that two reports of
one record are the same file.
"""

from __future__ import annotations

import io
import re
from typing import Any

import matplotlib
import matplotlib.ticker
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse as Oval
from matplotlib.patches import Polygon

from skywarden.measures.calibration import Calibration
from skywarden.messages.truth import FELL, STOPPED
from skywarden.review.story import Story

# Okabe-Ito, safe for colour-blind eyes; every colour goes with a shape or a line style of its own
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#8a8f98"
WIDE = 1.2              # of the map, times its height
INK = "#010203"         # replaced by the page's own text colour, light or dark
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "skywarden", "font.family": "sans-serif", "font.size": 10.0,
    "text.color": INK, "axes.edgecolor": INK,
    "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False,
    "axes.spines.right": False, "axes.linewidth": 0.7,
    "text.parse_math": False, "axes.facecolor": "none", "figure.facecolor": "none", "legend.frameon": False,
    "legend.labelcolor": INK,
}


def site_map(story: Story) -> str:
    """Zones, paths of tracks, impact ellipses at warning and true impacts, north up; and beside it
    all of the sky that was tracked, small.

    story  everything the record tells of the run
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0, 6.4), layout="constrained")
        grid = figure.add_gridspec(2, 2, width_ratios=(3.4, 1.0), height_ratios=(1.0, 2.2))
        axes = figure.add_subplot(grid[:, 0])
        _zones(axes, story)
        _paths(axes, story)
        for e in story.ellipses:
            width, height = 2.0 * e.major / 1000, 2.0 * e.minor / 1000
            axes.add_patch(Oval((e.east / 1000, e.north / 1000), width, height, angle=np.degrees(e.turn), fill=False,
                ec=ORANGE, lw=1.1))
        if story.ellipses:
            axes.plot([], [], color=ORANGE, lw=1.1, label="impact expected when warned, 90 %")
        lines = story.measures.ledger()
        for marker, colour, label, outcome in (("X", RED, "fell", FELL),
                ("P", GREEN, "would have fallen, stopped in the simulation", STOPPED)):
            east, north = ([x.impact[axis] / 1000 for x in lines if x.outcome == outcome] for axis in (0, 1))
            if east:
                axes.scatter(east, north, marker=marker, c=colour, s=52, lw=0, zorder=5, label=label)
        _frame_map(axes, story, [x.impact[:2] for x in lines])
        axes.set(xlabel="east of the site's origin [km]", ylabel="north [km]", aspect="equal")
        axes.grid(alpha=0.25, lw=0.5)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=3, fontsize=9)
        _overview(figure.add_subplot(grid[0, 1]), axes, story)
        return as_svg(figure, "Map of the site with tracks and impacts")


def timeline(story: Story) -> str:
    """When each zone was warned, and when rounds fell, or would have fallen, into it.

    story  everything the record tells of the run
    """
    lines = [z for z in story.measures.zone_ledger() if z.hits or z.warnings]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0, 1.3 + 0.34 * max(len(lines), 1)), layout="constrained")
        axes = figure.add_subplot()
        for row, zone in enumerate(reversed(lines)):
            for w in zone.warnings:
                end = w.cleared if w.cleared is not None else story.measures.end
                look: dict[str, Any] = {"fc": "none", "ec": PURPLE, "lw": 1.6, "ls": "--"} if w.false else {"fc": GREY
                    if w.manual else ORANGE, "lw": 0}
                axes.barh(row, max(end - w.raised, 0.1), left=w.raised, height=0.55, **look)
            axes.scatter([t for _, t in zone.hits], [row] * len(zone.hits), marker="X", c=RED, s=46, lw=0, zorder=4)
        axes.set_yticks(range(len(lines)), [_short(z.name) for z in reversed(lines)])
        for colour, marker, label in ((ORANGE, "s", "under warning"), (RED, "X", "impact inside, real or prevented"),
                (PURPLE, "D", "false warning, outlined")):
            axes.scatter([], [], marker=marker, c=colour, s=46, lw=0, label=label)
        axes.set(xlabel="time [s]", xlim=_span(story), ylim=(-0.6, max(len(lines), 1) - 0.4))
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=9)
        return as_svg(figure, "Warnings by zone over time")


def prediction(story: Story) -> str:
    """Distance from the predicted to the true impact by time to go, one line a round.

    story  everything the record tells of the run
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0, 3.8), layout="constrained")
        axes = figure.add_subplot()
        for line in story.measures.ledger():
            if line.samples:
                x, y = [s.to_impact for s in line.samples], [max(s.error, 0.1) for s in line.samples]
                axes.plot(x, y, color=BLUE, lw=1.0, alpha=0.65)
                outside = [(s.to_impact, max(s.error, 0.1)) for s in line.samples if not s.covered]
                if outside:
                    axes.scatter([x for x, _ in outside], [y for _, y in outside], marker="o", s=11, c=RED, lw=0,
                        zorder=3)
        axes.plot([], [], color=BLUE, lw=1.2, label="a round's predictions")
        axes.scatter([], [], marker="o", s=16, c=RED, lw=0, label="true impact outside the 90 % ellipse")
        axes.set(xlabel="time to impact [s]", ylabel="error of predicted impact [m]", ylim=(1.0, 1000.0), yscale="log")
        if any(line.samples for line in story.measures.ledger()):
            axes.autoscale(axis="y")
        axes.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda v, _: f"{v:g}"))
        axes.invert_xaxis()
        axes.grid(alpha=0.25, lw=0.5)
        axes.legend(loc="lower left", fontsize=9)
        return as_svg(figure, "Prediction error by time to impact")


def calibration(judged: Calibration, reliability: Any) -> str:
    """Left: how often ellipses and times held what they should; right: how often what was believed
    a projectile was one.

    judged       published probabilities against what happened
    reliability  the bins of the reliability diagram
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        for shares, colour, marker, name, off in ((judged.place, BLUE, "o", "place", -0.006), (judged.time, ORANGE,
                "s", "time", 0.006)):
            x = [s.nominal + off for s in shares]
            held = [s.held for s in shares]
            around = [[max(s.held - s.low, 0.0) for s in shares], [max(s.high - s.held, 0.0) for s in shares]]
            left.errorbar(x, held, yerr=around, color=colour, marker=marker, ls="none", capsize=3, lw=1.1,
                label=f"{name} of impact")
        seen = reliability[:, 0] > 0
        right.plot(reliability[seen, 2] / reliability[seen, 0], reliability[seen, 1] / reliability[seen, 0],
            color=GREEN, marker="D", ls="none", label="tracks")
        for p, n, k in zip(*reliability[seen][:, [2, 0, 1]].T, strict=True):
            right.annotate(f"{n:.0f}", (p / n, k / n), textcoords="offset points", xytext=(6, -9), fontsize=8)
        for axes, words in ((left, "should hold"), (right, "believed a projectile with")):
            axes.plot([0, 1], [0, 1], color=GREY, lw=0.8, ls="--")
            axes.set(xlabel=words, ylabel="did", xlim=(-0.03, 1.05), ylim=(-0.05, 1.08))
            axes.grid(alpha=0.25, lw=0.5)
        left.legend(loc="upper left", fontsize=9)
        return as_svg(figure, "Calibration: stated against held")


def load(story: Story) -> str:
    """Detections, tracks and lateness, frame by frame.

    story  everything the record tells of the run
    """
    t, detections, tracks, late = (np.array(column, float) for column in zip(*story.load,
        strict=True)) if story.load else (np.zeros(0),) * 4
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0, 4.0), layout="constrained")
        for row, (values, label, colour) in enumerate(((detections, "detections", BLUE), (tracks, "tracks", GREEN),
                (1000.0 * late, "late [ms]", RED))):
            axes = figure.add_subplot(3, 1, row + 1)
            axes.plot(t, values, color=colour, lw=0.9, drawstyle="steps-post")
            axes.set(ylabel=label, xlim=_span(story), ylim=(0.0, max(1.0, float(values.max(initial=0.0))) * 1.1))
            axes.grid(alpha=0.25, lw=0.5)
            if row < 2:
                axes.tick_params(labelbottom=False)
            else:
                axes.set_xlabel("time [s]")
        figure.align_ylabels()
        return as_svg(figure, "Detections, tracks and lateness by time")


def _zones(axes: Any, story: Story) -> None:
    for zone in story.site.zones:
        axes.add_patch(Polygon(zone.polygon / 1000.0, closed=True, fc=GREY, ec=INK, alpha=0.35, lw=0.6, ls="-"
            if zone.warn else ":"))
    named = [z for z in story.measures.zone_ledger() if z.hits or z.warnings]
    polygons = {z.name: z.polygon for z in story.site.zones}
    for line in named[:12]:
        east, north = polygons[line.name].mean(axis=0) / 1000.0
        axes.annotate(_short(line.name), (east, north), ha="center", va="bottom", fontsize=8, xytext=(0, 7),
            textcoords="offset points", zorder=6)
    if story.site.zones:
        axes.add_patch(Polygon(np.zeros((1, 2)), fc=GREY, ec=INK, alpha=0.35, label="zones"))


def _paths(axes: Any, story: Story) -> None:
    labels = {True: "tracks, projectile", False: "tracks, aircraft and other"}
    for path in story.paths.values():
        shot = path.sure >= 0.5
        look: dict[str, Any] = {"color": RED, "ls": "--"} if shot else {"color": BLUE, "ls": "-"}
        axes.plot(np.array(path.east) / 1000, np.array(path.north) / 1000, lw=0.9, alpha=0.8, label=labels.pop(shot,
            None), **look)


def _frame_map(axes: Any, story: Story, impacts: list[tuple[float, float]]) -> None:
    """Zones and impacts decide what is shown; paths that come from far away do not shrink them to a
    dot.
    """
    points = [z.polygon for z in story.site.zones] + [np.array(impacts).reshape(-1, 2),
        np.array([(e.east, e.north) for e in story.ellipses]).reshape(-1, 2)]
    inside = np.concatenate([np.zeros((1, 2)), *points]) / 1000.0
    inside = inside[np.isfinite(inside).all(axis=1)]
    low, high = inside.min(axis=0), inside.max(axis=0)
    middle, half = 0.5 * (low + high), 0.58 * max(float(high[0] - low[0]) / WIDE, float(high[1] - low[1]), 1.0)
    axes.set(xlim=(middle[0] - WIDE * half, middle[0] + WIDE * half), ylim=(middle[1] - half, middle[1] + half))


def _overview(axes: Any, shown: Any, story: Story) -> None:
    """Every path from end to end, and the part of it that the map shows."""
    _paths(axes, story)
    axes.autoscale()
    (left, right), (low, high) = shown.get_xlim(), shown.get_ylim()
    axes.add_patch(Polygon([(left, low), (right, low), (right, high), (left, high)], closed=True, fill=False, ec=INK,
        lw=1.0))
    axes.update_datalim([(left, low), (right, high)])
    axes.autoscale_view()
    axes.set_title("all tracks, the map boxed", fontsize=8)
    axes.set(aspect="equal")
    axes.tick_params(labelsize=7)
    axes.locator_params(nbins=4)
    axes.grid(alpha=0.25, lw=0.5)


def _span(story: Story) -> tuple[float, float]:
    first = story.load[0][0] if story.load else 0.0
    return first, max(story.measures.end, first + 1.0)


def _short(name: str) -> str:
    """A zone's name as a label: short, and without what a font cannot draw."""
    clean = "".join(c if c.isprintable() else "·" for c in name)
    return clean if len(clean) <= 28 else clean[:27] + "…"


def as_svg(figure: Figure, title: str) -> str:
    """A drawing as SVG in text, the same whenever it is made, in the page's own colours.

    figure  the figure
    title   what the drawing is called for those who do not see it
    """
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None,
        "Title": title}, transparent=True)
    text = out.getvalue()
    text = text[text.index("<svg"):]
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', rf'\1 role="img" aria-label="{title}"',
        re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1), count=1)
    return text.replace(INK, "currentColor")
