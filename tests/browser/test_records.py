"""Records in the page: opened as a replay, listed, and reported under the strict policy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from skywarden.console.server import Console
from skywarden.record.reader import Record

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))
from test_console import SITE, a_record

playwright = pytest.importorskip("playwright.sync_api",
    reason="playwright is not installed: the console's page is not tested")
expect = playwright.expect


def test_a_record_opens_in_replay_and_its_report_is_a_key_away(visit, tmp_path):
    path = a_record(tmp_path)
    with Record(path) as record:
        console = Console(SITE, "REPLAY", "night.rec", port=0, moments=record.moments(), kind="LIVE", records=tmp_path,
            epoch_ns=record.header.epoch_ns)
        try:
            page = visit(console.url)
            expect(page.locator('[data-test="mode"]')).to_contain_text("REPLAY of LIVE")
            expect(page.locator('[data-test="clock"]')).to_contain_text("T+00:0")
            page.keyboard.press("Shift+ArrowRight")
            page.keyboard.press("Shift+ArrowRight")
            expect(page.locator('[data-test="clock"]')).to_contain_text("T+00:2")
            expect(page.locator('[data-test="warning"]').first).to_be_visible()
            expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
            page.keyboard.press("o")
            expect(page.locator('[data-test="record"]')).to_contain_text("night.rec")
            expect(page.locator('[data-test="record"]')).to_contain_text("12 projectiles tracked, 5 aircraft; 3 "
                "warnings")
            faults = []
            page.context.on("console", lambda message: faults.append(message.text))
            with page.context.expect_page() as opened:
                page.get_by_role("link", name="Report").click()
            report = opened.value
            expect(report.get_by_role("heading", level=1)).to_contain_text("Live")
            expect(report.locator("svg").first).to_be_visible()
            assert not faults
        finally:
            console.close()
