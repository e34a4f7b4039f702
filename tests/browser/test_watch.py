"""The watch on the page: taken over in two browsers, never held by none or by two; messages; three languages."""

from __future__ import annotations

import re

import pytest
from page_actions import PASSWORD, at, button, expect, log_in, ready, soon

from skywarden.console.access.users import add_user
from skywarden.messages.commands import TAKE, WATCH, Command

HOLDERS = """
window.holders = [];
const Real = window.WebSocket;
window.WebSocket = class extends Real {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", (m) => {
      const said = JSON.parse(new TextDecoder().decode(m.data));
      if (said.type !== "frame") return;
      const seats = Object.values(said.watch.seats);
      window.holders.push(seats.filter((seat) => seat === "watch").length + " " + said.watch.holder);
    });
  }
};
"""


@pytest.fixture
def two(run, visit, tmp_path):
    users = tmp_path / "users.toml"
    for name in ("mira", "tom"):
        add_user(users, name, "operator", PASSWORD)
    going = run(users=users, rounds=3)
    going.console.order(Command(0.0, TAKE, WATCH, "mira", ""))
    soon(lambda: going.console.watch.holder == "mira")
    pages = []
    for name in ("mira", "tom"):
        page = visit(going.url, scripts=(HOLDERS,))
        log_in(page, name)
        pages.append(ready(page))
    return going, *pages


def test_the_watch_is_handed_over_in_two_browsers_and_no_frame_has_none_or_two_holders(two):
    going, mira, tom = two
    expect(at(mira, "watch")).to_have_attribute("data-holder", "mira")
    tom.keyboard.press("q")
    box = tom.get_by_role("dialog")
    expect(box.locator("dt")).to_have_count(10)          # nine facts and the people
    tom.keyboard.press("Enter")                           # the list is hidden, and said from memory
    expect(box.locator("[data-fact]")).to_have_count(9)
    facts = going.console.watch.facts
    for row, (fact, value) in enumerate(facts.items()):
        field = box.locator(f'[data-fact="{fact}"]')
        value = value if row < 7 else {"held": "some", "status": "free"}[fact]
        if field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    button(box, "Next").click()
    soon(lambda: len(going.console.watch.read_back("tom", going.t)) == 9, 10.0)
    box.get_by_label(re.compile("Reason")).fill("relief")
    button(box, "Take the watch").click()
    for page in (mira, tom):
        expect(at(page, "watch")).to_have_attribute("data-holder", "tom")
    last = going.console.watch.handovers[-1]
    assert (last.before, last.after, last.read) == ("mira", "tom", 9)
    assert last.right <= 7
    for page in (mira, tom):
        seen = page.evaluate("window.holders")
        assert len(seen) > 5
        assert {line.split(" ")[0] for line in seen} == {"1"}
        assert {line.split(" ")[1] for line in seen} == {"mira", "tom"}


def test_over_an_unacknowledged_warning_the_watch_is_refused_without_a_reason(two):
    going, _, tom = two
    going.alarm(going.site.zones[0].name)
    soon(lambda: going.console.watch.unacknowledged)
    tom.keyboard.press("q")
    box = tom.get_by_role("dialog")
    button(box, "Next").click()
    button(box, "Next").click()
    expect(box.get_by_role("status")).to_contain_text(going.site.zones[0].name)
    tom.quiet = True        # the server's refusal is an error in the browser's log
    button(box, "Take the watch").click()
    expect(tom.locator(".toast")).to_contain_text("not acknowledged")
    tom.quiet = False
    assert going.console.watch.holder == "mira"
    box.get_by_label(re.compile("Reason")).fill("mira is ill")
    button(box, "Take the watch").click()
    soon(lambda: going.console.watch.holder == "tom")
    assert going.console.watch.handovers[-1].why == "mira is ill"
