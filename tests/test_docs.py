"""The documentation: every link of ours leads somewhere, and code that a page names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(<?([^)\s>]+)>?[^)]*\)")
CODE = re.compile(r"```.*?```", re.S)


def heading(text: str) -> str:
    """The anchor that a heading gets on the pages people read."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", text.strip().lower()))


@pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(ROOT).as_posix() for page in PAGES])
def test_every_link_leads_somewhere(page):
    text = CODE.sub("", page.read_text("utf-8"))
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        assert there.exists(), f"{page.name} links to {target}"
        if anchor and there.suffix == ".md":
            anchors = {heading(line.lstrip("#")) for line in there.read_text("utf-8").splitlines()
                if line.startswith("#")}
            assert anchor in anchors, f"{page.name} links to {target}"


def test_every_page_of_the_site_is_there():
    named = re.findall(r"([\w/-]+\.md)", (ROOT / "mkdocs.yml").read_text("utf-8"))
    assert len(named) > 8
    for name in named:
        if "*" not in name and not name.startswith("screens"):
            assert (ROOT / "docs" / name).exists() or name.startswith("guide/screens"), name


def test_what_models_name_as_their_code_is_there():
    source = ROOT / "src" / "skywarden"
    for page in (ROOT / "docs" / "models").glob("*.md"):
        for name in re.findall(r"`((?:[a-z_]+/)+[a-z_0-9]+\.py)`", page.read_text("utf-8")):
            places = [ROOT / name, source / name, *source.glob(f"*/{name}")]
            assert any(place.exists() for place in places), f"{page.name} names {name}"
