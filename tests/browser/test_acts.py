"""Every act of the console, against a running server: once by keyboard alone, once by pointer.
docs/guide/console.md lists them.
"""

from __future__ import annotations

import re
import time
from itertools import count

import pytest
from conftest import Run
from page_actions import (
    BOTH,
    PASSWORD,
    answer,
    at,
    button,
    card,
    expect,
    log_in,
    middle_of,
    playwright,
    ready,
    soon,
    tab_to,
)

from skywarden.console.access import sessions
from skywarden.console.access import users as accounts
from skywarden.messages.picture import IMPACTS_OVER, STAY

USER = sessions.LOCAL


@pytest.fixture(scope="module")
def quiet(chromium):
    """One quiet run for the acts that need no raid."""
    made = Run(rounds=0, start=100.0)
    yield made
    made.close()


@pytest.fixture(scope="module")
def raid(chromium):
    """One run with rounds in the air at all times."""
    made = Run(rounds=14, start=58.0, again=40.0)
    yield made
    made.close()


@pytest.fixture(scope="module")
def pages(quiet, raid, visit_all):      # both runs, so that they end after their pages
    """The page of a run, opened once."""
    opened = {}

    def of(made):
        if made.url not in opened:
            opened[made.url] = ready(visit_all(made.url, permissions=["clipboard-read", "clipboard-write"]))
        page = opened[made.url]
        made.calm()
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("Escape")
        page.keyboard.press("g")
        page.keyboard.press("1")
        expect(at(page, "back")).to_have_count(0)
        return page

    return of


zones = count()


def a_zone(made):
    """Another zone that can be warned, for each test its own."""
    warned = [zone.name for zone in made.site.zones if zone.warn]
    return warned[next(zones) % len(warned)]


@BOTH
def test_acknowledge(quiet, pages, by):
    page, zone = pages(quiet), a_zone(quiet)
    quiet.alarm(zone)
    expect(at(page, "act")).to_contain_text(f"Take shelter in {zone}")
    if by == "keyboard":
        page.keyboard.press("a")
    else:
        button(card(page, zone), "Acknowledge").click()
    expect(card(page, zone)).to_contain_text(f"seen by {USER}")
    assert quiet.told("acknowledge")[1:4] == ("acknowledge", zone, USER)
    expect(at(page, "act")).to_contain_text("Stay in shelter")


def test_what_to_do_follows_the_stage_of_each_zone(quiet, pages):
    page, under, over = pages(quiet), a_zone(quiet), a_zone(quiet)
    index = {zone.name: i for i, zone in enumerate(quiet.site.zones)}
    quiet.play.stages[index[over]] = IMPACTS_OVER
    try:
        quiet.alarm(over)
        expect(at(page, "act")).to_have_text(
            f"➤ Impacts over in {over}: stay in shelter until the all-clear. Then acknowledge: A")
        quiet.alarm(under)
        expect(at(page, "act")).to_have_text(f"➤ Take shelter in {under}. Impacts over in {over}: stay in shelter"
            " until the all-clear. Then acknowledge: A")
        page.keyboard.press("A")
        expect(at(page, "act")).to_have_text(f"➤ Stay in shelter in {under}. Impacts over in {over}: stay in shelter"
            " until the all-clear.")
        quiet.play.stages[index[under]] = STAY
        expect(card(page, under)).to_contain_text("STAY IN COVER")
        expect(at(page, "act")).to_contain_text(f"Stay in shelter in {under}.")
    finally:
        quiet.play.stages.clear()


@BOTH
def test_acknowledge_takes_the_one_on_top_then_all(quiet, pages, by):
    page, three = pages(quiet), {a_zone(quiet) for _ in range(3)}
    for zone in three:
        quiet.alarm(zone)
    expect(page.locator(".card.open")).to_have_count(3)
    first = page.evaluate("document.querySelector('[data-test=warning]').dataset.zone")
    if by == "keyboard":
        page.keyboard.press("a")
    else:
        button(at(page, "warning").first, "Acknowledge").click()
    expect(page.locator(".card.open")).to_have_count(2)
    assert quiet.told("acknowledge").subject == first
    expect(at(page, "warning").last).to_contain_text("seen by")     # what is not acknowledged stays on top
    if by == "keyboard":
        page.keyboard.press("A")
    else:
        button(page, "Acknowledge all").click()
    expect(page.locator(".card.open")).to_have_count(0)
    assert {c.subject for c in quiet.commands if c.kind == "acknowledge"} == three


@BOTH
def test_shelve_and_bring_back(quiet, pages, by):
    page, zone = pages(quiet), a_zone(quiet)
    quiet.alarm(zone)
    expect(card(page, zone)).to_be_visible()
    if by == "keyboard":
        page.keyboard.press("s")
    else:
        button(card(page, zone), "Put aside").click()
    answer(page, by, why="known exercise")
    expect(at(page, "shelved")).to_contain_text(f"1 put aside: {zone}")
    expect(card(page, zone)).to_have_count(0)
    told = quiet.told("shelve")
    assert (told.subject, told.why) == (f"60 {zone}", "known exercise")
    if by == "keyboard":
        page.keyboard.press("b")
    else:
        button(at(page, "shelved"), "Shelf").click()
    expect(at(page, "on-shelf")).to_contain_text(f"by {USER}: known exercise")
    if by == "keyboard":
        tab_to(page, "Bring back")
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
    else:
        button(page, "Bring back").click()
        button(page, "Close").click()
    expect(card(page, zone)).to_be_visible()
    assert quiet.told("shelve").subject == f"0 {zone}"


@BOTH
def test_shelve_all_and_each_comes_back_when_its_time_is_up(quiet, pages, by):
    page, two = pages(quiet), (a_zone(quiet), a_zone(quiet))
    for zone in two:
        quiet.alarm(zone)
    expect(at(page, "warning")).to_have_count(2)
    if by == "keyboard":
        page.keyboard.press("S")
    else:
        button(page, "All aside").click()
    answer(page, by, choice="30", why="siren test", named="ArrowUp")
    expect(at(page, "warning")).to_have_count(0)
    expect(at(page, "shelved")).to_contain_text("2 put aside")
    assert {c.subject for c in quiet.commands if c.kind == "shelve"} == {f"30 {zone}" for zone in two}
    quiet.clock.pace(16.0)
    expect(at(page, "warning")).to_have_count(2)
    expect(card(page, two[0])).to_contain_text("back: its time was up")
    quiet.clock.pace(1.0)


@BOTH
def test_manual_alarm_and_cancel(quiet, pages, by):
    page, zone = pages(quiet), a_zone(quiet)
    if by == "keyboard":
        page.keyboard.press("m")
    else:
        button(page, "Manual alarm").click()
    answer(page, by, choice=zone, why="smoke seen")
    expect(card(page, zone)).to_contain_text(f"by {USER}: smoke seen")
    assert quiet.told("alarm")[1:5] == ("alarm", zone, USER, "smoke seen")
    if by == "keyboard":
        page.keyboard.press("c")
    else:
        button(page, "Cancel alarm").click()
    answer(page, by, why="fire is out")
    assert quiet.told("cancel").why == "fire is out"


@BOTH
def test_a_wrong_warning_is_corrected_in_one_act(quiet, pages, by):
    page, zone = pages(quiet), a_zone(quiet)
    quiet.alarm(zone)
    expect(card(page, zone)).to_be_visible()
    if by == "keyboard":
        page.keyboard.press("C")
    else:
        button(page, "Wrong: correct it").click()
    expect(page.get_by_role("dialog")).to_contain_text("said to have been wrong")
    answer(page, by, why="wrong zone")
    assert quiet.told("correct")[1:5] == ("correct", zone, USER, "wrong zone")


@BOTH
def test_reclassify_and_take_it_back(quiet, pages, by):
    page = pages(quiet)
    row = at(page, "track").filter(has_text="950")
    expect(row).to_contain_text("other")
    if by == "keyboard":
        soon(lambda: page.keyboard.press("j") or "Track 950" in at(page, "facts").inner_text())
        page.keyboard.press("r")
    else:
        row.click()
        button(at(page, "facts"), "Reclassify").click()
    expect(page.get_by_role("dialog")).to_contain_text("Reclassify a track 950")
    answer(page, by, choice="aircraft", why="balloon seen")
    assert quiet.told("reclassify")[1:5] == ("reclassify", "950 aircraft", USER, "balloon seen")
    expect(row).to_contain_text("aircraft")
    expect(row).to_contain_text("✎")
    expect(at(page, "facts")).to_contain_text(f"{USER} says so since")
    if by == "keyboard":
        page.keyboard.press("r")
    else:
        button(at(page, "facts"), "Reclassify").click()
    answer(page, by, choice="none", why="it was a bird", named="what the radar")
    expect(row).to_contain_text("other")
    expect(row).not_to_contain_text("✎")
    page.keyboard.press("Escape")


def test_reclassifying_a_round_says_what_it_does_to_the_warnings(raid, pages):
    page = pages(raid)
    page.keyboard.press("j")
    page.keyboard.press("r")
    box = page.get_by_role("dialog")
    expect(box).not_to_contain_text("leaves the warnings")
    page.keyboard.type("aircraft")
    expect(box).to_contain_text("leaves the warnings")
    page.keyboard.press("Escape")


@BOTH
def test_consent(raid, pages, by):
    page = pages(raid)
    page.keyboard.press("2")
    first = at(page, "awaiting").first
    expect(first).to_be_visible()
    expect(first).to_contain_text("last safe moment in")
    expect(page.locator("[data-test=evidence]")).to_contain_text("people at stake")
    expect(page.locator("[data-test=evidence]")).to_contain_text("Chance of touching an aircraft at most 1e-7")

    def agreed():
        """Agrees to the one on top, and whether its order followed: its last moment may pass before
        the word arrives.
        """
        expect(first).to_be_visible(timeout=60_000)         # between two raids there is nothing to consent to
        raid.commands.clear()
        if by == "keyboard":
            page.keyboard.press("y")
        else:
            try:
                button(first, "Consent").click(timeout=2000)
            except playwright.TimeoutError:                 # the last one has just gone
                return False
        soon(lambda: raid.commands or not first.count())
        if not raid.commands:
            return False
        track = raid.told("consent").subject
        ordered = page.locator(".rehearsal .plain li").filter(has_text=re.compile(rf"^track {track} by .* · T\+"))
        soon(lambda: ordered.count() or not page.locator(f'[data-test="awaiting"][data-track="{track}"]').count(), 60.0)
        # the picture that takes it from the waiting ones brings its order
        return ordered.count() > 0

    soon(agreed, 120.0)


@BOTH
def test_hold_and_release(raid, pages, by):
    page = pages(raid)
    page.keyboard.press("2")
    if by == "keyboard":
        page.keyboard.press("h")
    else:
        button(page, "Hold all").click()
    expect(page.get_by_role("dialog")).to_contain_text("Everything is held. Why?")
    assert raid.told("hold")[1:5] == ("hold", "all", USER, "")       # it counts at once; the reason comes after it
    answer(page, by, why="a medevac flight comes in")
    expect(at(page, "held")).to_contain_text(
        re.compile(rf"HELD: all — by {USER} since T\+\S+: a medevac flight comes in"))
    if by == "keyboard":
        page.keyboard.press("h")
    else:
        button(page, "Release hold").click()
    answer(page, by, why="it has landed")
    expect(at(page, "held")).to_have_count(0)
    assert raid.told("release")[2:5] == ("all", USER, "it has landed")


def test_a_hold_without_a_reason_says_so_until_somebody_gives_one(raid, pages):
    page = pages(raid)
    page.keyboard.press("2")
    page.keyboard.press("h")
    expect(page.get_by_role("dialog")).to_contain_text("Why?")
    page.keyboard.press("Escape")
    button(at(page, "held"), "Say why").click()
    answer(page, "pointer", why="radio failure")
    expect(at(page, "held")).to_contain_text("radio failure")
    expect(button(at(page, "held"), "Say why")).to_have_count(0)
    page.keyboard.press("h")
    answer(page, "pointer", why="mended")
    expect(at(page, "held")).to_have_count(0)


@BOTH
def test_weapon_control_status(raid, pages, by):
    page = pages(raid)
    page.keyboard.press("2")
    if by == "keyboard":
        page.keyboard.press("w")
    else:
        button(page, "Change").click()
    answer(page, by, choice="free", why="exercise step 3", named="F")
    expect(at(page, "status")).to_have_text("FREE")
    assert raid.told("weapons")[1:5] == ("weapons", "free", USER, "exercise step 3")


@BOTH
def test_scrub_and_go_live_while_the_run_goes_on(quiet, pages, by):
    page, zone = pages(quiet), a_zone(quiet)
    soon(lambda: quiet.t > 102.0)
    if by == "keyboard":
        page.keyboard.press("ArrowLeft")
    else:
        page.mouse.click(*middle_of(at(page, "scrub")))
    expect(at(page, "mode")).to_contain_text("REPLAY of SIMULATION")
    expect(at(page, "back")).to_contain_text("looking back")
    before = quiet.t
    quiet.alarm(zone)
    expect(at(page, "back")).to_contain_text("1 under warning in the live picture")
    soon(lambda: quiet.t > before)
    if by == "keyboard":
        page.keyboard.press("g")
    else:
        at(page, "live").click()
    expect(at(page, "back")).to_have_count(0)
    expect(at(page, "mode")).not_to_contain_text("REPLAY")
    expect(card(page, zone)).to_be_visible()


@BOTH
def test_speed_of_looking_back(quiet, pages, by):
    page = pages(quiet)
    soon(lambda: quiet.t > 102.0)
    page.keyboard.press("ArrowLeft")
    if by == "keyboard":
        page.keyboard.press("[")
    else:
        at(page, "speed").select_option("0.5")
    expect(at(page, "speed")).to_have_value("0.5")
    if by == "keyboard":
        for faster in ("1", "2"):
            page.keyboard.press("]")
            expect(at(page, "speed")).to_have_value(faster)
    else:
        at(page, "speed").select_option("16")
        expect(at(page, "back")).to_have_count(0)   # it has caught up
    assert quiet.clock.speed == 1.0                 # the run has not heard of it
    assert not quiet.commands


@BOTH
def test_pause_and_play_the_view(quiet, pages, by):
    page = pages(quiet)

    def act():
        if by == "keyboard":
            page.keyboard.press(" ")
        else:
            at(page, "pause").click()

    act()
    expect(at(page, "pause")).to_contain_text("Play")
    stood, went = at(page, "clock").inner_text(), quiet.t
    time.sleep(0.4)
    assert at(page, "clock").inner_text() == stood
    assert quiet.t > went
    act()
    expect(at(page, "clock")).not_to_have_text(stood)


@BOTH
def test_speed_and_pause_of_the_run_itself(quiet, pages, by):
    page, zone = pages(quiet), a_zone(quiet)
    if by == "keyboard":
        page.keyboard.press(">")
        expect(at(page, "pace")).to_have_value("2")
        page.keyboard.press(">")
    else:
        at(page, "pace").select_option("4")
    expect(at(page, "pace")).to_have_value("4")
    expect(at(page, "paced")).to_have_text(" 4×")
    began, from_t = time.monotonic(), quiet.t
    soon(lambda: quiet.t > from_t + 4.0)
    # of the wall, for four of the run; a busy machine stutters and catches up
    assert time.monotonic() - began < 3.0
    if by == "keyboard":
        page.keyboard.press("p")
    else:
        at(page, "pause-run").click()
    expect(at(page, "still")).to_contain_text(f"paused by {USER}")
    expect(at(page, "paced")).to_contain_text("PAUSED")
    stood = quiet.t
    quiet.alarm(zone)
    time.sleep(1.8)                                 # longer than a silent feed is suffered
    assert quiet.t == stood
    expect(at(page, "stale")).to_have_count(0)
    if by == "keyboard":
        page.keyboard.press("p")
    else:
        at(page, "pause-run").click()
    expect(at(page, "still")).to_have_count(0)
    expect(card(page, zone)).to_be_visible()
    assert [c.subject for c in quiet.commands if c.kind == "pace"][-2:] == ["0", "4"]
    assert {c.who for c in quiet.commands if c.kind == "pace"} == {USER}


@BOTH
def test_link_to_a_moment(quiet, pages, visit, by):
    page = pages(quiet)
    page.keyboard.press(" ")
    expect(at(page, "pause")).to_contain_text("Play")
    stood = re.search(r"T\+\S+", at(page, "clock").inner_text()).group()
    if by == "keyboard":
        page.keyboard.press("l")
    else:
        at(page, "link").click()
    expect(at(page, "toast")).to_contain_text("ink")
    link = page.evaluate("navigator.clipboard.readText()")
    other = visit(link)
    expect(at(other, "clock")).to_contain_text(stood)
    expect(at(other, "mode")).to_contain_text("REPLAY of SIMULATION")


@BOTH
def test_reload_in_the_middle(quiet, pages, by):
    page, zone = pages(quiet), a_zone(quiet)
    quiet.alarm(zone)
    expect(card(page, zone)).to_be_visible()
    page.reload()
    expect(card(page, zone)).to_contain_text("not acknowledged")
    if by == "keyboard":
        page.keyboard.press("a")
    else:
        button(card(page, zone), "Acknowledge").click()
    expect(card(page, zone)).to_contain_text(f"seen by {USER}")
    page.reload()
    expect(card(page, zone)).to_contain_text(f"seen by {USER}")
    page.keyboard.press("4")
    expect(at(page, "event").filter(has_text="seen").first).to_be_visible()


@BOTH
def test_server_killed_and_restarted(visit, tmp_path, by):
    """Nothing is done by hand after the kill: who is logged in and what is warned come back by themselves."""
    users = tmp_path / "users.toml"
    accounts.add_user(users, "mira", "operator", PASSWORD)
    made = Run(rounds=0, start=5.0, users=users, journal=tmp_path / "standing.json")
    zone, port = a_zone(made), made.console.port
    try:
        page = visit(made.url)
        # the browser itself logs every refused request and every failed connection as an error
        page.quiet = True
        log_in(page, "mira", by)
        ready(page)
        if by == "keyboard":
            page.keyboard.press("m")
        else:
            button(page, "Manual alarm").click()
        answer(page, by, choice=zone, why="smoke seen")
        expect(card(page, zone)).to_be_visible()
    finally:
        made.close()
    expect(at(page, "stale")).to_be_visible(timeout=2500)
    expect(card(page, zone)).to_be_visible()
    made = Run(rounds=0, start=30.0, port=port, users=users, journal=tmp_path / "standing.json")
    try:
        expect(at(page, "stale")).to_have_count(0)
        expect(at(page, "user")).to_have_text("mira · operator")
        expect(card(page, zone)).to_contain_text("by restart: stood when the server stopped")
        if by == "keyboard":
            page.keyboard.press("a")
        else:
            button(card(page, zone), "Acknowledge").click()
        expect(card(page, zone)).to_contain_text("seen by mira")
    finally:
        made.close()


@pytest.fixture(scope="module")
def manned(chromium, tmp_path_factory):
    """One run with named users, and two needed for a consent."""
    users = tmp_path_factory.mktemp("users") / "users.toml"
    for name, role in (("mira", "operator"), ("tom", "operator"), ("otto", "observer"), ("ines", "instructor")):
        accounts.add_user(users, name, role, PASSWORD)
    made = Run(rounds=14, start=58.0, again=40.0, users=users, consent="two")
    made.users = users
    yield made
    made.close()


@BOTH
def test_log_in_and_log_out(manned, visit, by):
    page = visit(manned.url)
    page.quiet = True
    log_in(page, "mira", by, "wrong password")
    expect(at(page, "refused")).to_contain_text("Name or password is wrong")
    field = page.get_by_label("Password")
    expect(field).to_have_value("")
    expect(field).to_be_focused()
    # its word stands right under it
    assert 0 < at(page, "refused").bounding_box()["y"] - field.bounding_box()["y"] < 60
    expect(at(page, "toast")).to_be_hidden()
    page.keyboard.type("c")
    expect(at(page, "refused")).to_have_text("")        # and goes with the next key
    field.fill("")
    page.keyboard.press("Shift+Tab")
    log_in(page, "mira", by)
    ready(page)
    expect(at(page, "user")).to_have_text("mira · operator")
    if by == "keyboard":
        page.keyboard.press("i")
        tab_to(page, "Log out", exactly=True)
        page.keyboard.press("Enter")
    else:
        button(page, "Log out").click()
    expect(page.get_by_role("dialog")).to_contain_text("Log in")
    expect(at(page, "user")).to_have_count(0)
    log_in(page, "otto", by)
    expect(at(page, "user")).to_have_text("otto · observer")


@BOTH
def test_role_refused(manned, visit, by):
    page = visit(manned.url)
    page.quiet = True
    if by == "keyboard":
        log_in(page, "otto", by)
        ready(page)
        expect(at(page, "warning").first).to_be_visible()
        expect(button(page, "Acknowledge")).to_have_count(0)
        acts = {"m": "manual alarm", "a": "acknowledge", "s": "put aside", "h": "hold", "y": "consent",
            "u": "audit log", "w": "weapon control status"}
        for key, act in acts.items():
            page.keyboard.press(key)
            expect(at(page, "toast")).to_contain_text(f"Your role, observer, has no leave for: {act}.")
            expect(page.get_by_role("dialog")).to_have_count(0)
        page.keyboard.press("p")
        expect(at(page, "toast")).to_contain_text("changed by supervisors and instructors")
        refused = page.evaluate("""async () => { const answer = await fetch('api/command', {method: 'POST',
            headers: {'content-type': 'application/json'},
          body: JSON.stringify({kind: 'alarm', subject: 'tower', why: 'let me'})}); return answer.status }""")
        assert refused == 403                           # the page's word is for people: the server decides
    else:
        log_in(page, "tom", by)
        ready(page)
        expect(button(page, "Acknowledge").first).to_be_visible()
        text = manned.users.read_text()
        try:                                            # somebody takes his rights away while his page is open
            before, _, after = text.partition("[users.tom]\n")
            manned.users.write_text(before + "[users.tom]\n" + after.replace('"operator"', '"observer"', 1))
            # the page is let in anew with what is left to him; what the server answers to a click that comes before is
            # in tests/stages/test_console.py
            expect(button(page, "Acknowledge")).to_have_count(0, timeout=20_000)
            expect(at(page, "user")).to_have_text("tom · observer")
            page.keyboard.press("a")
            expect(at(page, "toast")).to_contain_text("Your role, observer, has no leave for: acknowledge.")
        finally:
            manned.users.write_text(text)
            time.sleep(sessions.LOOK_S + 0.2)
    assert not [c for c in manned.commands if c.kind in ("alarm", "acknowledge")]


@BOTH
def test_two_person_consent_in_two_browsers(manned, visit, by):
    two = {name: visit(manned.url) for name in ("mira", "tom")}
    for name, page in two.items():
        page.quiet = True
        log_in(page, name, by)
        ready(page)
        page.keyboard.press("2") if by == "keyboard" else page.get_by_role("tab", name="Rehearsal").click()
    manned.commands.clear()

    def mira_agrees():
        # between two raids there is nothing to consent to
        expect(at(two["mira"], "awaiting").first).to_be_visible(timeout=60_000)
        manned.clock.pace(0.2)      # a last moment passes by the run's time: a slow machine has five times as long
        if by == "keyboard":
            two["mira"].keyboard.press("y")
        else:
            button(at(two["mira"], "awaiting").last, "Consent").click()
        time.sleep(0.3)
        return any(c.kind == "consent" for c in manned.commands)

    def both_agree():
        """Both agree to one track; where its last moment passes meanwhile, to another."""
        manned.commands.clear()
        soon(mira_agrees, 60.0)
        track = manned.told("consent").subject
        theirs = two["tom"].locator(f'[data-test="awaiting"][data-track="{track}"]')
        if not any("1 of 2 consented: mira" in text for text in theirs.all_inner_texts()):
            manned.clock.pace(1.0)
            return False
        if by == "keyboard":
            two["tom"].keyboard.press("y")
        else:
            button(theirs, "Consent").click()
        time.sleep(1.0)
        said = [c.who for c in manned.commands if c.kind == "consent" and c.subject == track]
        manned.clock.pace(1.0)
        return said == ["mira", "tom"] and re.search(rf"track {track} by .* · T\+",
            two["mira"].locator(".rehearsal").inner_text())

    soon(both_agree, 120.0)


def test_an_instructor_leads_the_time_and_leaves_the_decisions_to_others(manned, visit):
    page = visit(manned.url)
    page.quiet = True
    log_in(page, "ines")
    ready(page)
    expect(at(page, "warning").first).to_be_visible()
    expect(button(page, "Acknowledge")).to_have_count(0)
    expect(at(page, "act")).not_to_contain_text("acknowledge")
    page.keyboard.press("p")
    expect(at(page, "still")).to_contain_text("paused by ines")
    page.keyboard.press("p")
    expect(at(page, "still")).to_have_count(0)
    page.keyboard.press("i")
    expect(page.get_by_role("dialog")).to_contain_text("You are ines, instructor.")
    expect(at(page, "may").filter(has_text="pace of the run")).to_contain_text("——✓ yes✓ yes")
