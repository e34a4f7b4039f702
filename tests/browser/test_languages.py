"""The page in Dari and Pashto: every word of it, laid out from right to left, with nothing that runs over."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from page_actions import at, expect, ready

from hatch_build import find_node

ROOT = Path(__file__).resolve().parents[2]
ENGLISH_ONLY = {"edit"}     # the site's editor, which only supervisors see outside exercises
WIDER = """[...document.querySelectorAll("dialog, .banner, .situation, .card")]
  .filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.className)"""
# Names and shapes that hold no words
SAME = {"language", "direction", "app", "badge_pace", "north", "held_why", "speech_is.reviewed_by", "watch.from_to"}


@pytest.fixture(scope="module")
def spoken():
    """The texts of each language, as the page has them."""
    node, _ = find_node()
    load = ("for (const name of ['texts.ts', 'languages/fa.ts', 'languages/ps.ts']) "
        "out.push(await import(process.argv[1] + '/' + name));")
    script = f"const out = []; {load} console.log(JSON.stringify([out[0].LANGUAGES.en, out[1].dari, out[2].pashto]))"
    told = subprocess.run([str(node), "--experimental-strip-types", "--input-type=module", "-e", script,
        str(ROOT / "web" / "src")], capture_output=True, text=True, check=True, timeout=60)
    return dict(zip(("en", "fa-AF", "ps"), json.loads(told.stdout), strict=True))


def leaves(value, path=""):
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for row, each in enumerate(value):
            yield from leaves(each, f"{path}[{row}]")
    else:
        yield path, value


def filled(text):
    return {part.split("}")[0] for part in text.split("{")[1:]}


@pytest.mark.parametrize("language", ["fa-AF", "ps"])
def test_no_word_is_missing_and_every_one_is_marked_as_reviewed_by_whom(spoken, language):
    english = {path: text for path, text in leaves(spoken["en"]) if path.split(".")[0] not in ENGLISH_ONLY}
    own = dict(leaves(spoken[language]))
    missing = sorted(english.keys() - own.keys())
    assert missing == []
    extra = {path for path in own.keys() - english.keys() if not path.startswith("server.")}
    assert not extra
    for path, text in english.items():
        assert filled(text) == filled(own[path]), path      # the same values are filled in
        assert any("\u0600" <= c <= "\u06ff" for c in own[path]) or own[path] == text or path in SAME, path
    everything = "".join(own.values())
    assert not any("\u0660" <= c <= "\u0669" or "\u06f0" <= c <= "\u06f9" for c in everything)    # Latin digits
    if not own["speech_is.reviewed_by"]:
        source = (ROOT / "web" / "src" / "languages" / f"{language[:2]}.ts").read_text("utf-8")
        assert "UNREVIEWED" in source.splitlines()[0]


def test_both_languages_know_the_same_sentences_of_the_server_and_each_is_one_of_its(spoken):
    import re

    assert spoken["fa-AF"]["server"].keys() == spoken["ps"]["server"].keys()
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "src" / "skywarden" / "console").rglob("*.py"))
    plain = re.sub(r'"\s*\n\s*f?"', "", sources)
    for pattern in spoken["ps"]["server"]:
        said = re.escape(pattern).replace(r"\{\}", r"\{[^{}]*\}")
        assert re.search(said, plain), pattern


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("language", ["fa-AF", "ps"])
def test_the_page_stands_from_right_to_left_and_nothing_runs_over(run, visit, language, width):
    made = run(rounds=8, start=14.0)
    page = ready(visit(made.url, width=width, height=800, scripts=(
        f"localStorage.setItem('skywarden-language', '{language}')",)))
    root = page.locator("html")
    expect(root).to_have_attribute("dir", "rtl")
    expect(root).to_have_attribute("lang", language)
    assert page.evaluate("document.fonts.ready.then(() => document.fonts.check('14px \"Vazirmatn Variable\"'))")
    expect(at(page, "clock")).to_contain_text("T+")
    for key in ("1", "2", "3", "4", "5", "?", "i", "q"):
        page.keyboard.press(key)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), key
        wide = page.evaluate(WIDER)
        assert not wide, (key, wide)
        page.keyboard.press("Escape")


@pytest.mark.parametrize("language", ["fa-AF", "ps"])
def test_nothing_serious_is_found_by_axe(run, visit, language):
    serious = pytest.importorskip("test_access").serious
    page = ready(visit(run(rounds=8, start=14.0).url, scripts=(
        f"localStorage.setItem('skywarden-language', '{language}')",)))
    for key in ("1", "3", "q", "i"):
        page.keyboard.press(key)
        assert serious(page) == [], key
        page.keyboard.press("Escape")
