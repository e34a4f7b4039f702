"""From rows to figures: each design's with its interval, and its difference from the baseline,
paired by seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from skywarden.messages.tables import Array
from skywarden.study import stopping
from skywarden.study.plan import Wanted
from skywarden.study.statistics import Difference, Interval, difference, holm, mean, proportion, ratio, share
from skywarden.study.wording import FIGURES, Figure

Rows = Mapping[
    str, Sequence[Mapping[str, Any]]
]  # by design: figures of the runs of each seed, the same seeds in all, in order


class Finding(NamedTuple):
    """One measure of one design, in one group of runs."""

    measure: str
    group: str
    design: str
    figure: Interval
    against: Difference | None  # the baseline; None for itself
    p: float  # after Holm over the designs; 1 for the baseline
    seeds: tuple[int, int]  # first and last

    @property
    def differs(self) -> bool:
        """Whether it is called different from the baseline."""
        return self.against is not None and self.against.low * self.against.high > 0.0


def columns(figure: Figure, blocks: Sequence[Sequence[Mapping[str, Any]]]) -> tuple[Array, Array]:
    """Parts and wholes (n,) of a figure, of each seed's runs together.

    blocks  rows of each seed's runs
    """

    def total(name: str, block: Sequence[Mapping[str, Any]]) -> float:
        return float(sum((row.get(name) or 0.0) for row in block)) if name else float(len(block))

    return np.array([total(figure.parts, b) for b in blocks]), np.array([total(figure.wholes, b) for b in blocks])


def interval(figure: Figure, parts: Array, wholes: Array, confidence: float) -> Interval:
    """The figure, a ratio of sums, with the interval that fits its kind.

    parts       (n,) numerators, one of each seed
    wholes      (n,) denominators, one of each seed
    confidence  confidence level of the interval, 0 to 1
    """
    if figure.kind == "proportion" and bool(np.all(wholes == 1.0)):
        return proportion(int(parts.sum()), len(parts), confidence)
    if figure.kind in ("share", "proportion"):
        return share(parts, wholes, confidence)
    return ratio(parts, wholes, confidence) if figure.wholes else mean(parts / wholes, confidence)


def findings(
    wanted: Sequence[Wanted],
    blocks: Mapping[str, Sequence[Sequence[Mapping[str, Any]]]],
    baseline: str,
    seeds: tuple[int, int],
    confidence: float,
    look: int,
    group: str = "",
) -> list[Finding]:
    """Every measure of every design.

    blocks      by design, of each seed in order, the figures of its runs
    confidence  of all looks together
    look        number of the look; 0 where the number of runs was fixed in advance
    wanted      the measures asked for
    baseline    name of the design that others are compared with
    seeds       first and last seed
    group       column to group by
    """
    here = stopping.confidence_at(look, confidence) if look else confidence
    found = []
    for want in wanted:
        figure = FIGURES[want.name]
        sums = {design: columns(figure, rows) for design, rows in blocks.items()}
        others = [design for design in blocks if design != baseline]
        # Bonferroni's confidence for the intervals of differences; Holm's p beside them
        wide = 1.0 - (1.0 - here) / max(len(others), 1)
        against = {
            design: difference(sums[design], sums[baseline], wide, figure.kind in ("share", "proportion"))
            for design in others
        }
        p = holm([stopping.spent(look, against[d].p) if look else against[d].p for d in others])
        adjusted = dict(zip(others, p, strict=True))
        for design in blocks:
            found.append(
                Finding(
                    want.name,
                    group,
                    design,
                    interval(figure, *sums[design], here),
                    against.get(design),
                    adjusted.get(design, 1.0),
                    seeds,
                )
            )
    return found


def enough(wanted: Sequence[Wanted], found: Sequence[Finding]) -> bool:
    """Whether every figure asked for is known as well as asked, and every difference that matters
    decided.

    wanted  the measures asked for
    found   what was found
    """
    by_name = {want.name: want for want in wanted}
    for finding in found:
        want = by_name[finding.measure]
        if not stopping.narrow(finding.figure.half_width, want.half_width):
            return False
        if (
            want.matters is not None
            and finding.against is not None
            and not stopping.decided(finding.against.low, finding.against.high, want.matters)
        ):
            return False
    return True


def asks_to_stop(wanted: Sequence[Wanted]) -> bool:
    """Whether any measure says when enough is known of it.

    wanted  the measures asked for
    """
    return any(want.matters is not None or want.half_width is not None for want in wanted)


def grouped(
    rows: Sequence[Mapping[str, Any]], name: Callable[[Mapping[str, Any]], str]
) -> dict[str, list[Mapping[str, Any]]]:
    """Rows by a name, in order of the names.

    rows  rows of runs
    """
    made: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        made.setdefault(name(row), []).append(row)
    return dict(sorted(made.items()))
