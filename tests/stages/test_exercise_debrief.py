"""The debrief shows each decision beside the best and an expert's, needs no other file, and gives
no truth away.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from exercise_builders import Problem, moments, recorded

from skywarden.exercise import words
from skywarden.exercise.debrief import write
from skywarden.exercise.words import ENGLISH, LANGUAGES, Words

PROBLEMS = [Problem(10.0, 0.9, warned=1.0), Problem(60.0, 0.9), Problem(110.0, 0.1, warned=1.0), Problem(160.0, 0.9,
    sure=0.99)]
COMMANDS = [
    (0.0, "take", "watch", "p-7k2m9x4q"), (3.0, "note", "mode exercise", "p-7k2m9x4q"),
    (13.0, "acknowledge", "zone-0", "p-7k2m9x4q"), (64.0, "alarm", "zone-0", "p-7k2m9x4q"),
    (163.0, "reclassify", "4 aircraft", "p-7k2m9x4q")]


def debriefed(folder: Path, name: str, falls: list[tuple[float, float, float]], language: str = "en") -> str:
    record = recorded(folder / f"{name}.rec", moments(PROBLEMS, COMMANDS, 220.0, falls=falls), name="secret-name")
    write(record, folder / f"{name}.html", language=language)
    return (folder / f"{name}.html").read_text("utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return debriefed(tmp_path_factory.mktemp("debrief"), "watch", [])


class Read(HTMLParser):
    """Collects what a page refers to, and its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []
        self.words: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open += [tag] if tag not in ("meta", "br") else []
        self.references += [str(value) for name, value in attrs if name in ("src", "href", "action", "xlink:href")]
        assert tag not in ("script", "iframe", "link", "img")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(page: str) -> Read:
    found = Read()
    found.feed(page)
    assert not found.open
    return found


def test_the_page_stands_alone(page: str) -> None:
    assert read(page).references == []
    assert "@import" not in page
    assert "url(" not in page


def test_each_decision_shows_what_was_known_done_best_and_an_experts_act(page: str) -> None:
    cards = re.findall(r"<article.*?</article>", page, re.S)
    assert len(cards) >= 10
    for card in cards:
        assert all(ENGLISH[key] in card for key in ("knowable", "done", "best", "expert"))
    unseen = next(card for card in cards if ENGLISH["detect"] in card)
    assert 'class="good"' in unseen
    assert "<svg" in unseen
    assert "skywarden replay watch.rec" in unseen
    assert "Fails by itself" in page
    assert ENGLISH["next_C2"] in page


def test_what_was_true_changes_the_luck_and_nothing_else(page: str, tmp_path: Path) -> None:
    other = debriefed(tmp_path, "watch", [(30.0, 0.0, 0.0), (80.0, 0.0, 0.0)])

    def without_luck(text: str) -> str:
        text = re.sub(r"Seal <bdi>.*?</bdi>", "", text)
        text = re.sub(r"<div><h4>Luck</h4>.*?</div>", "", text)
        return re.sub(r'<p class="note">Luck:.*?</p>', "", text)

    assert other != page
    assert without_luck(other) == without_luck(page)
    assert "secret-name" not in page


def test_a_page_of_a_right_to_left_language_is_laid_out_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(words.LANGUAGES, "ps", {"title": "کتنه"})
    page = debriefed(tmp_path, "watch", [], "ps")
    assert 'dir="rtl"' in page
    assert "کتنه" in page
    assert ENGLISH["graded"] in page


def test_every_language_has_the_same_texts() -> None:
    for language, table in LANGUAGES.items():
        assert set(table) == set(ENGLISH), language
        for key, text in table.items():
            assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", ENGLISH[key])), (language, key)
    assert Words("xx")("title") == ENGLISH["title"]
