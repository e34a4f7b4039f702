"""What others wrote into names stands in our CSVs as text: no spreadsheet computes it."""

from __future__ import annotations

import csv
import json

import pytest

from skywarden.files.cells import plain_cell
from skywarden.tools.convert import convert

FORMULAS = ['=HYPERLINK("http://x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\x00=1+1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_text(text):
    assert plain_cell(text).startswith("'")
    assert plain_cell("north gate 2") == "north gate 2"
    assert plain_cell("") == ""


def test_a_callsign_that_is_a_formula_is_text_in_converted_flights(tmp_path):
    told = {
        "now": 1.7e9,
        "aircraft": [
            {"hex": f"3c644{k}", "flight": text, "lat": 48.0, "lon": 11.0, "alt_baro": 1000}
            for k, text in enumerate(FORMULAS)
        ],
    }
    (tmp_path / "aircraft.json").write_text(json.dumps(told), "utf-8")
    convert(tmp_path / "aircraft.json", tmp_path / "flights.csv")
    cells = [cell for row in csv.reader((tmp_path / "flights.csv").open(encoding="utf-8")) for cell in row]
    assert not [
        cell
        for cell in cells
        if cell.startswith(("=", "+", "@", "\t", "\r")) or (cell[:1] == "-" and not cell[1:2].isdigit())
    ]
