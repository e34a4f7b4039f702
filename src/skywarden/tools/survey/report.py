"""A survey in words, as one JSON object, and as a page that needs no other file."""

from __future__ import annotations

import html
import math
from typing import Any

from skywarden.tools.survey.figures import Band, Figure, Surveyed

DEGREES, MILLIRADIANS = 180.0 / math.pi, 1000.0
ERRORS = (("range_m", 1.0, 2), ("azimuth_deg", DEGREES, 4), ("elevation_deg", DEGREES, 4), ("time_s", 1.0, 4))
NOISE = (
    ("range_m", 1.0, 2),
    ("azimuth_mrad", MILLIRADIANS, 3),
    ("elevation_mrad", MILLIRADIANS, 3),
    ("range_rate_mps", 1.0, 3),
)
CELLS = 8  # busiest cells that are named in words
WIDE, HIGH = 460, 200  # pixels of a drawing
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 "
    "1rem;color:#1c2630;background:#fff}"
    "table{border-collapse:collapse;margin:.6rem 0}td,th{padding:.15rem .8rem;border-bottom:1px solid "
    "#ccd3da;text-align:right}"
    "td:first-child,th:first-child{text-align:left}figure{margin:1rem 0}figcaption{color:#4a5763}"
    "@media(prefers-color-scheme:dark){body{color:#dde5ec;background:#12181e}td,th{border-color:#39434d}figcaption{color:#93a4b5}}"
)


def plain(found: list[Surveyed]) -> dict[str, Any]:
    """The survey as JSON may hold it: metres, degrees, milliradians, seconds; each figure with low,
    high and n.

    found  the survey of each radar
    """
    return {"interval": 0.9, "radars": [_plain(one) for one in found]}


def text(found: list[Surveyed]) -> str:
    """The survey in lines.

    found  the survey of each radar
    """
    return "\n\n".join("\n".join(_lines(one)) for one in found)


def page(found: list[Surveyed], name: str) -> str:
    """The survey as a page.

    found  the survey of each radar
    name   name of the record
    """
    parts = "".join(_section(one) for one in found)
    title = f"Survey of {html.escape(name)}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{title}</title>'
        f"<style>{STYLE}</style><h1>{title}</h1><p>What the books of each radar should say. Every figure with the "
        "interval that holds the truth in 90 of "
        f"100 surveys.</p>{parts}</html>\n"
    )


def _figure(figure: Figure | None, unit: float = 1.0, digits: int = 4) -> dict[str, Any] | None:
    if figure is None or not math.isfinite(figure.value):
        return None
    return {
        "value": round(figure.value * unit, digits),
        "low": round(figure.low * unit, digits),
        "high": round(figure.high * unit, digits),
        "n": figure.n,
    }


def _arc(arc: tuple[float, float]) -> list[float]:
    return [round(arc[0] * DEGREES, 1), round(arc[1] * DEGREES, 1)]


def _plain(one: Surveyed) -> dict[str, Any]:
    def band(b: Band, unit: float, digits: int) -> dict[str, Any]:
        return {"from": round(b.begin * unit, digits), "to": round(b.end * unit, digits), **(_figure(b.figure) or {})}

    return {
        "name": one.name,
        "period_s": round(one.period, 4),
        "looks": one.looks,
        "references": one.references,
        "errors": {key: _figure(f, unit, digits) for (key, unit, digits), f in zip(ERRORS, one.errors, strict=False)},
        "noise": {key: _figure(f, unit, digits) for (key, unit, digits), f in zip(NOISE, one.noise, strict=False)},
        "detection_probability": _figure(one.detection),
        "by_range_m": [band(b, 1.0, 0) for b in one.by_range],
        "by_azimuth_deg": [band(b, DEGREES, 1) for b in one.by_azimuth],
        "blind_deg": [_arc(a) for a in one.blind],
        "unjudged_deg": [_arc(a) for a in one.unjudged],
        "false_alarms": _figure(one.false_alarms),
        "cells": [
            {"range_m": [round(a), round(b)], "azimuth_deg": _arc((c, d)), **(_figure(f, 1.0, 5) or {})}
            for a, b, c, d, f in one.cells
        ],
        "notes": list(one.notes),
    }


def _said(figure: Figure | None, unit: float, digits: int) -> str:
    if figure is None or not math.isfinite(figure.value):
        return "unknown"
    value, low, high = (f"{x * unit:.{digits}f}" for x in figure[:3])
    return f"{value} ({low} … {high})"


def _rows(one: Surveyed) -> list[tuple[str, str, str]]:
    """Name, value with its interval, unit."""
    rows = [
        (
            f"{kind} {key.rsplit('_', 1)[0].replace('_', ' ')}",
            _said(f, unit, digits),
            key.rsplit("_", 1)[1].replace("mps", "m/s"),
        )
        for kind, keys, values in (("error in", ERRORS, one.errors), ("noise in", NOISE, one.noise))
        for (key, unit, digits), f in zip(keys, values, strict=False)
    ]
    if one.detection is not None:
        rows.append(("detection probability", _said(one.detection, 1.0, 3), f"of {one.detection.n} looks"))
    if one.false_alarms is not None:
        rows.append(
            ("false alarms a look", _said(one.false_alarms, 1.0, 3), f"{one.false_alarms.n} in {one.looks} looks")
        )
    return rows


def _sectors(arcs: list[tuple[float, float]]) -> str:
    return ", ".join(f"{a * DEGREES:.0f}° to {b * DEGREES:.0f}°" for a, b in arcs) or "none"


def _busy(one: Surveyed) -> list[tuple[float, float, float, float, Figure]]:
    return [cell for cell in sorted(one.cells, key=lambda c: -c[4].value)[:CELLS] if cell[4].n]


def _lines(one: Surveyed) -> list[str]:
    lines = [
        f"{one.name}: {one.looks} looks, one each {one.period:.3f} s; {one.references} aircraft agree on its errors"
    ]
    lines += [f"  {name:24} {value} {unit}" for name, value, unit in _rows(one)]
    lines += [
        f"  {'seen to':>10} {b.end / 1000.0:6.1f} km {_said(b.figure, 1.0, 3)} of {b.figure.n} looks"
        for b in one.by_range
    ]
    lines += [
        f"  blind sectors            {_sectors(one.blind)}",
        f"  sectors not judged       {_sectors(one.unjudged)}",
    ]
    lines += [
        f"  false alarms {a / 1000.0:.1f} to {b / 1000.0:.1f} km, {c * DEGREES:.0f}° to {d * DEGREES:.0f}°: "
        f"{_said(f, 1.0, 4)} a look"
        for a, b, c, d, f in _busy(one)
    ]
    return lines + [f"  note: {note}" for note in one.notes]


def _section(one: Surveyed) -> str:
    rows = "".join(f"<tr><td>{name}</td><td>{value}</td><td>{unit}</td></tr>" for name, value, unit in _rows(one))
    busy = "".join(
        f"<tr><td>{a / 1000.0:.1f} to {b / 1000.0:.1f} km, {c * DEGREES:.0f}° to "
        f"{d * DEGREES:.0f}°</td><td>{_said(f, 1.0, 4)}</td></tr>"
        for a, b, c, d, f in _busy(one)
    )
    cells = f"<h3>False alarms a look, busiest cells</h3><table>{busy}</table>" if busy else ""
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in one.notes)
    return (
        f"<h2>{html.escape(one.name)}</h2><p>{one.looks} looks, one each {one.period:.3f} s; {one.references} aircraft "
        "agree on its errors.</p>"
        f"<table><tr><th>figure</th><th>value (90 % "
        f"interval)</th><th>unit</th></tr>{rows}</table>{_drawn(one.by_range, 'km', 1e-3, 'range')}"
        f"{_drawn(one.by_azimuth, '°', DEGREES, 'azimuth')}<p>Blind sectors: {_sectors(one.blind)}. Sectors in which "
        "too little flew: "
        f"{_sectors(one.unjudged)}.</p>{cells}{f'<ul>{notes}</ul>' if notes else ''}"
    )


def _drawn(bands: list[Band], unit: str, factor: float, what: str) -> str:
    """Detection probability over range or azimuth: bars from 0 to 1 with whiskers."""
    if not bands:
        return ""
    last = max(b.end for b in bands)
    marks = "".join(
        f'<rect x="{40 + b.begin / last * WIDE:.1f}" y="{10 + HIGH * (1 - b.figure.value):.1f}" '
        f'width="{max((b.end - b.begin) / last * WIDE - 1, 1):.1f}" '
        f'height="{HIGH * b.figure.value:.1f}" fill="#56b4e9"/><path '
        f'd="M{40 + 0.5 * (b.begin + b.end) / last * WIDE:.1f} '
        f'{10 + HIGH * (1 - b.figure.high):.1f}V{10 + HIGH * (1 - b.figure.low):.1f}" stroke="#d55e00" '
        'stroke-width="2"/>'
        for b in bands
    )
    scale = "".join(
        f'<text x="34" y="{14 + HIGH * (1 - p):.0f}" text-anchor="end">{p:g}</text><path d="M40 '
        f'{10 + HIGH * (1 - p):.0f}h{WIDE}" stroke="#8886"/>'
        for p in (0.0, 0.5, 1.0)
    )
    ends = "".join(
        f'<text x="{40 + s * WIDE:.0f}" y="{HIGH + 26}" text-anchor="middle">{s * last * factor:.0f} {unit}</text>'
        for s in (0.0, 0.5, 1.0)
    )
    return (
        f'<figure><svg viewBox="0 0 {WIDE + 70} {HIGH + 34}" width="{WIDE + 70}" role="img" aria-label="detection '
        f'probability over {what}" '
        f'font-size="12" fill="currentColor">{scale}{marks}{ends}</svg><figcaption>Detection probability over {what}, '
        'with 90 % intervals.</figcaption></figure>'
    )
