"""What axe-core, the usual automatic checker of accessibility, finds on the console's screens: nothing serious."""

from __future__ import annotations

import pytest

from skywarden.messages.commands import Command

playwright = pytest.importorskip("playwright.sync_api",
    reason="playwright is not installed: the console's page is not tested")
axe = pytest.importorskip("axe_playwright_python.sync_playwright",
    reason="axe-playwright-python is not installed: access is not tested")
expect = playwright.expect


def serious(page):
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {fault['help']}: {[node['html'][:120] for node in fault['nodes'][:3]]}"
        for fault in found if fault["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_screen_has_a_serious_fault(run, visit, theme):
    made = run(rounds=20, start=22.0)
    page = visit(made.url)
    expect(page.locator('[data-test="warning"]').first).to_be_visible()
    if theme == "light":
        page.keyboard.press("t")
    faults = []
    for key in ("1", "2", "3", "4", "j", "?"):
        page.keyboard.press(key)
        page.wait_for_timeout(150)
        faults += [f"after {key}: {fault}" for fault in serious(page)]
    page.keyboard.press("Escape")
    made.console.order(Command(0.0, "shelve", "600 hospital", "mira", "exercise"))
    made.alarm("hospital")
    expect(page.locator('[data-test="shelved"]')).to_be_visible()
    for key in "ib":
        page.keyboard.press(key)
        faults += [f"after {key}: {fault}" for fault in serious(page)]
        page.keyboard.press("Escape")
    page.keyboard.press("m")
    faults += [f"alarm: {fault}" for fault in serious(page)]
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowLeft")
    expect(page.locator('[data-test="back"]')).to_be_visible()
    faults += [f"replay: {fault}" for fault in serious(page)]
    made.freeze()
    page.keyboard.press("g")
    expect(page.locator('[data-test="stale"]')).to_be_visible()
    faults += [f"stale: {fault}" for fault in serious(page)]
    assert not faults, "\n".join(faults)
