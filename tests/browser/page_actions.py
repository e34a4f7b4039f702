"""How the browser tests look at the page and act on it: by what a person sees, with a keyboard or with a pointer."""

from __future__ import annotations

import re
import time

import pytest

playwright = pytest.importorskip("playwright.sync_api",
    reason="playwright is not installed: the console's page is not tested")
expect = playwright.expect

BOTH = pytest.mark.parametrize("by", ["keyboard", "pointer"])
PASSWORD = "correct horse battery"


def at(page, name):
    return page.locator(f'[data-test="{name}"]')


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def card(page, zone):
    return page.locator(f'[data-test="warning"][data-zone="{zone}"]')


def ready(page):
    """The first picture is there."""
    expect(at(page, "clock")).to_contain_text(re.compile(r"T\+\d\d:\d\d\.[1-9]|T\+\d\d:(0[1-9]|[1-9]\d)"))
    page.locator(".canvas").wait_for()
    return page


def middle_of(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def answer(page, by, choice=None, why=None, named=None):
    """Fill in the dialog that is open: what is chosen (`named` as its label has it) and why, and send it."""
    box = page.get_by_role("dialog")
    if by == "keyboard":
        if choice is not None:
            if (named or "").startswith("Arrow"):
                page.keyboard.press(named)
            else:
                page.keyboard.type(named or choice)     # into the list, which has the focus
        page.keyboard.press("Tab")
        if why is not None:
            page.keyboard.type(why)
        page.keyboard.press("Enter")
    else:
        if choice is not None:
            box.get_by_role("combobox").select_option(choice)
        if why is not None:
            box.get_by_label("Why").click()
            page.keyboard.type(why)
        button(box, "Send").click()
    expect(box).to_have_count(0)


def tab_to(page, what, most=60, exactly=False):
    """Move the focus with the Tab key alone onto a control whose text or label begins so, or is so."""
    for _ in range(most):
        text = page.evaluate("(document.activeElement.closest('label') ?? document.activeElement).innerText.trim()")
        if text == what if exactly else text.startswith(what):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{what} cannot be reached by keyboard")


def log_in(page, name, by="keyboard", password=PASSWORD):
    if by == "keyboard":                            # the name has the focus
        page.get_by_role("dialog").wait_for()
        page.keyboard.press("Control+a")
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        page.keyboard.type(password)
        page.keyboard.press("Enter")
    else:
        page.get_by_label("Name").click()
        page.keyboard.press("Control+a")
        page.keyboard.type(name)
        page.get_by_label("Password").click()
        page.keyboard.type(password)
        button(page, "Log in").click()


def soon(true, within=5.0):
    """Wait until `true()`; fails when it does not come."""
    until = time.monotonic() + within
    while not true():
        assert time.monotonic() < until
        time.sleep(0.03)
