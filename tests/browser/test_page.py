"""The console's page in a real browser: each act once by keyboard alone and once by pointer."""

from __future__ import annotations

import re
import time

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the console's page is not tested")
expect = playwright.expect

ZONE = "apron north"
BOTH = pytest.mark.parametrize("by", ["keyboard", "pointer"])


def at(page, name):
    return page.locator(f'[data-test="{name}"]')


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def ready(page):
    """The first picture is there."""
    expect(at(page, "clock")).to_contain_text(re.compile(r"T\+\d\d:\d\d\.[1-9]|T\+\d\d:(0[1-9]|[1-9]\d)"))
    page.locator(".canvas").wait_for()
    return page


def raise_alarm(run, page, zone=ZONE):
    """A warning of a known zone, without a raid."""
    index = next(i for i, z in enumerate(run.site.zones) if z.name == zone)
    run.play.manual[index] = run.t
    card = at(page, "warning").filter(has_text=zone)
    expect(card).to_have_count(1)
    return card


def test_the_picture_is_there_within_two_seconds(run, visit):
    made = run(start=20.0)
    time.sleep(0.3)
    page = visit(made.url)
    begun = time.monotonic()
    page.reload()
    expect(at(page, "track").first).to_be_visible(timeout=2000)
    expect(at(page, "mode")).to_contain_text("SIMULATION")
    assert time.monotonic() - begun < 2.0


@BOTH
def test_acknowledge(run, visit, by):
    made = run(rounds=0)
    page = ready(visit(made.url))
    card = raise_alarm(made, page)
    expect(at(page, "act")).to_contain_text(f"Take shelter in {ZONE}")
    if by == "keyboard":
        page.keyboard.press("a")
    else:
        button(card, "Acknowledge").click()
    expect(card).to_contain_text("seen by local operator")
    assert made.told("acknowledge")[1:4] == ("acknowledge", ZONE, "local operator")
    expect(at(page, "act")).to_contain_text("Stay in shelter")


@BOTH
def test_put_a_warning_aside(run, visit, by):
    made = run(rounds=0)
    page = ready(visit(made.url))
    card = raise_alarm(made, page)
    if by == "keyboard":
        page.keyboard.press("s")
        page.keyboard.press("Tab")
        page.keyboard.type("known exercise")
        page.keyboard.press("Enter")
    else:
        button(card, "Put aside").click()
        page.get_by_label("Why").fill("known exercise")
        button(page, "Send").click()
    expect(at(page, "shelved")).to_contain_text(f"1 put aside: {ZONE}")
    told = made.told("shelve")
    assert (told.subject, told.why) == (f"60 {ZONE}", "known exercise")
    page.keyboard.press("b")
    expect(at(page, "on-shelf")).to_contain_text("by local operator: known exercise")
    button(page, "Bring back").click()
    page.keyboard.press("Escape")
    expect(card).to_be_visible()


@BOTH
def test_raise_and_cancel_a_manual_alarm(run, visit, by):
    made = run(rounds=0)
    page = ready(visit(made.url))
    if by == "keyboard":
        page.keyboard.press("m")
        page.keyboard.type("hospital")
        page.keyboard.press("Tab")
        page.keyboard.type("smoke seen")
        page.keyboard.press("Enter")
    else:
        button(page, "Manual alarm").click()
        page.get_by_label("Zone").select_option("hospital")
        page.get_by_label("Why").fill("smoke seen")
        button(page, "Send").click()
    card = at(page, "warning").filter(has_text="hospital")
    expect(card).to_contain_text("by local operator: smoke seen")
    assert made.told("alarm")[1:] == ("alarm", "hospital", "local operator", "smoke seen")
    if by == "keyboard":
        page.keyboard.press("c")
        page.keyboard.press("Tab")
        page.keyboard.type("fire is out")
        page.keyboard.press("Enter")
    else:
        button(page, "Cancel alarm").click()
        page.get_by_label("Why").fill("fire is out")
        button(page, "Send").click()
    assert made.told("cancel").why == "fire is out"


def test_an_alarm_without_a_reason_is_not_sent(run, visit):
    made = run(rounds=0)
    page = ready(visit(made.url))
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    button(page, "Send").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert not made.commands


@BOTH
def test_reclassify_a_track(run, visit, by):
    made = run(rounds=0)
    page = ready(visit(made.url))
    row = at(page, "track").filter(has_text="950")
    expect(row).to_be_visible()
    if by == "keyboard":
        for _ in range(8):
            page.keyboard.press("j")
            if "950" in at(page, "facts").inner_text():
                break
        page.keyboard.press("r")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
        page.keyboard.type("balloon seen")
        page.keyboard.press("Enter")
    else:
        row.click()
        button(at(page, "facts"), "Reclassify").click()
        page.get_by_label("What is it").select_option("aircraft")
        page.get_by_label("Why").fill("balloon seen")
        button(page, "Send").click()
    assert made.told("reclassify")[1:] == ("reclassify", "950 aircraft", "local operator", "balloon seen")


@BOTH
def test_consent_to_a_simulated_engagement(run, visit, by):
    made = run(start=18.0)
    page = ready(visit(made.url))
    page.keyboard.press("2")
    first = at(page, "awaiting").first
    expect(first).to_be_visible()
    expect(first).to_contain_text("last safe moment in")
    if by == "keyboard":
        page.keyboard.press("y")
    else:
        button(first, "Consent").click()
    track = made.told("consent").subject
    expect(page.locator(".rehearsal")).to_contain_text(re.compile(rf"track {track} by .* · T\+"))


@BOTH
def test_hold_and_release(run, visit, by):
    made = run(start=18.0)
    page = ready(visit(made.url))
    page.keyboard.press("2")
    if by == "keyboard":
        page.keyboard.press("h")
    else:
        button(page, "Hold all").click()
    expect(at(page, "held")).to_contain_text("HELD: all")
    assert made.told("hold").subject == "all"
    if by == "keyboard":
        page.keyboard.press("h")
    else:
        button(page, "Release hold").click()
    expect(at(page, "held")).to_have_count(0)
    assert made.told("release").subject == "all"


@BOTH
def test_weapon_control_status(run, visit, by):
    made = run(start=18.0)
    page = ready(visit(made.url))
    page.keyboard.press("2")
    if by == "keyboard":
        page.keyboard.press("w")
        page.keyboard.type("F")
        page.keyboard.press("Tab")
        page.keyboard.type("exercise step 3")
        page.keyboard.press("Enter")
    else:
        button(page, "Change").click()
        page.get_by_role("dialog").get_by_role("combobox").select_option("free")
        page.get_by_label("Why").fill("exercise step 3")
        button(page, "Send").click()
    expect(at(page, "status")).to_have_text("FREE")
    assert made.told("weapons")[1:] == ("weapons", "free", "local operator", "exercise step 3")


def test_live_data_has_no_rehearsal(run, visit):
    made = run(mode="LIVE", start=18.0)
    page = ready(visit(made.url))
    expect(at(page, "mode")).to_contain_text("LIVE")
    expect(page.get_by_role("tab")).to_have_count(3)
    page.keyboard.press("2")
    expect(page.get_by_role("tab", name="Tracks")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("h")
    page.keyboard.press("y")
    time.sleep(0.3)
    assert not made.commands


@BOTH
def test_look_back_at_a_speed_and_go_live_while_the_run_goes_on(run, visit, by):
    made = run(rounds=0, start=100.0)
    page = ready(visit(made.url))
    time.sleep(1.2)
    if by == "keyboard":
        page.keyboard.press("ArrowLeft")
    else:
        at(page, "pause").click()
        page.mouse.click(*middle_of(at(page, "scrub")))
    expect(at(page, "mode")).to_contain_text("REPLAY of SIMULATION")
    expect(at(page, "back")).to_contain_text("looking back")
    before = made.t
    raise_alarm_elsewhere = next(i for i, z in enumerate(made.site.zones) if z.name == ZONE)
    made.play.manual[raise_alarm_elsewhere] = made.t
    expect(at(page, "back")).to_contain_text("1 under warning in the live picture")
    assert made.t > before
    if by == "keyboard":
        page.keyboard.press("]")
        expect(at(page, "speed")).to_have_value("2")
        page.keyboard.press("g")
    else:
        at(page, "speed").select_option("0.5")
        expect(at(page, "speed")).to_have_value("0.5")
        at(page, "live").click()
    expect(at(page, "back")).to_have_count(0)
    expect(at(page, "mode")).not_to_contain_text("REPLAY")


def middle_of(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@BOTH
def test_pause_and_play(run, visit, by):
    made = run(rounds=0, start=10.0)
    page = ready(visit(made.url))
    if by == "keyboard":
        page.keyboard.press(" ")
    else:
        at(page, "pause").click()
    expect(at(page, "pause")).to_contain_text("Play")
    stood = at(page, "clock").inner_text()
    time.sleep(0.5)
    assert at(page, "clock").inner_text() == stood
    if by == "keyboard":
        page.keyboard.press(" ")
    else:
        at(page, "pause").click()
    expect(at(page, "clock")).not_to_have_text(stood)


@BOTH
def test_a_link_leads_to_its_moment(run, visit, by):
    made = run(rounds=0, start=50.0)
    page = ready(visit(made.url, permissions=["clipboard-read", "clipboard-write"]))
    time.sleep(1.5)
    page.keyboard.press(" ")
    expect(at(page, "pause")).to_contain_text("Play")
    stood = re.search(r"T\+\S+", at(page, "clock").inner_text()).group()
    if by == "keyboard":
        page.keyboard.press("l")
    else:
        at(page, "link").click()
    expect(at(page, "toast")).to_contain_text("ink")
    link = page.evaluate("navigator.clipboard.readText()")
    assert "#t=5" in link
    other = visit(link)
    expect(at(other, "clock")).to_contain_text(stood)
    expect(at(other, "mode")).to_contain_text("REPLAY of SIMULATION")


def test_silence_is_called_stale_within_two_seconds_and_ends_when_pictures_come_back(run, visit):
    made = run(rounds=0, start=5.0)
    page = ready(visit(made.url))
    card = raise_alarm(made, page)
    made.freeze()
    begun = time.monotonic()
    expect(at(page, "stale")).to_be_visible(timeout=2500)
    assert time.monotonic() - begun < 2.2
    expect(at(page, "mode")).to_contain_text("STALE")
    expect(at(page, "act")).to_contain_text("Do not rely")
    expect(card).to_be_visible()
    made.thaw()
    expect(at(page, "stale")).to_have_count(0)


def test_a_killed_server_is_called_stale_and_the_page_comes_back_with_its_warnings(run, visit):
    made = run(rounds=0, start=5.0)
    page = ready(visit(made.url))
    raise_alarm(made, page)
    port = made.console.port
    page.quiet = True
    made.close()
    expect(at(page, "stale")).to_be_visible(timeout=2500)
    expect(at(page, "warning").filter(has_text=ZONE)).to_be_visible()
    again = run(rounds=0, start=30.0, port=port)
    raise_alarm(again, page)
    expect(at(page, "stale")).to_have_count(0)
    expect(at(page, "mode")).to_contain_text("SIMULATION")
    page.keyboard.press("a")
    again.told("acknowledge")


def test_a_reload_in_the_middle_shows_what_stands(run, visit):
    made = run(rounds=0, start=5.0)
    page = ready(visit(made.url))
    card = raise_alarm(made, page)
    page.keyboard.press("a")
    expect(card).to_contain_text("seen by")
    page.reload()
    expect(at(page, "warning").filter(has_text=ZONE)).to_contain_text("seen by local operator")
    page.keyboard.press("4")
    expect(at(page, "event").filter(has_text="seen")).to_be_visible()


def test_a_raid_of_fifty_is_one_warning_a_zone_most_urgent_first(run, visit):
    made = run(rounds=50, start=24.0)
    page = ready(visit(made.url))
    expect(at(page, "warning").first).to_be_visible()
    zones = at(page, "warning").evaluate_all("cards => cards.map(card => card.dataset.zone)")
    assert len(zones) == len(set(zones)) <= 7
    seconds = [int(re.search(r"(\d+) s", text).group(1)) for text in at(page, "countdown").all_inner_texts() if "in" in text]
    assert seconds == sorted(seconds)
    expect(at(page, "overflow")).to_be_attached()
    spoken = at(page, "spoken")
    expect(spoken).to_have_attribute("aria-live", "assertive")


@BOTH
def test_help_and_filter_and_layers(run, visit, by):
    made = run(rounds=0, start=5.0)
    page = ready(visit(made.url))
    if by == "keyboard":
        page.keyboard.press("?")
    else:
        button(page, "Help").click()
    expect(page.get_by_role("dialog")).to_contain_text("acknowledge the most urgent warning")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    if by == "keyboard":
        page.keyboard.press("/")
        page.keyboard.type("RCH873")
    else:
        page.get_by_placeholder("number, call sign, kind").fill("RCH873")
    expect(at(page, "track")).to_have_count(1)
    expect(at(page, "shown")).to_have_text("1 of 6")


def test_a_track_is_selected_on_the_map_by_pointer(run, visit):
    made = run(rounds=0, aircraft=1, others=0, start=0.0)
    page = ready(visit(made.url))
    made.freeze()
    page.keyboard.press("j")
    expect(at(page, "facts")).to_contain_text("RCH871")
    page.keyboard.press("Escape")
    expect(at(page, "facts")).to_have_count(0)
    box = page.locator(".canvas").bounding_box()
    for step in range(0, int(box["height"] / 2), 12):      # the aircraft starts due north of the site's middle
        page.mouse.click(box["x"] + box["width"] / 2 + 25, box["y"] + 8 + step)
        page.wait_for_timeout(280)
        if at(page, "facts").count():
            break
    page.quiet = True
    expect(at(page, "facts")).to_contain_text("RCH871")


def test_log_in_log_out_and_a_role_refused(run, visit, tmp_path):
    from skywarden.console import auth

    path = tmp_path / "users.toml"
    for name, role in (("mira", "operator"), ("otto", "observer")):
        auth.add_user(path, name, role, "correct horse battery")
    made = run(rounds=0, start=5.0, users=path)
    page = visit(made.url)
    page.quiet = True       # the browser itself logs every 401 and 403 as an error
    page.get_by_label("Name").fill("mira")
    page.get_by_label("Password").fill("wrong")
    button(page, "Log in").click()
    expect(at(page, "toast")).to_contain_text("Name or password is wrong")
    page.get_by_label("Password").fill("correct horse battery")
    page.keyboard.press("Enter")
    ready(page)
    expect(at(page, "user")).to_have_text("mira · operator")
    card = raise_alarm(made, page)
    page.keyboard.press("a")
    expect(card).to_contain_text("seen by mira")
    page.keyboard.press("w")
    expect(page.get_by_role("dialog")).to_have_count(0)
    button(page, "Log out").click()
    expect(page.get_by_role("dialog")).to_contain_text("Log in")
    page.keyboard.type("otto")
    page.keyboard.press("Tab")
    page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")
    expect(at(page, "user")).to_have_text("otto · observer")
    expect(card).to_be_visible()
    expect(button(card, "Acknowledge")).to_have_count(0)
    page.keyboard.press("m")
    page.get_by_label("Why").fill("let me")
    page.keyboard.press("Enter")
    expect(at(page, "toast")).to_contain_text("An observer may not alarm.")
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_supervisor_reads_who_did_what(run, visit):
    made = run(rounds=0, start=5.0)
    page = ready(visit(made.url))
    raise_alarm(made, page)
    page.keyboard.press("a")
    made.told("acknowledge")
    page.keyboard.press("u")
    expect(at(page, "entry").first).to_contain_text(f"acknowledge {ZONE}")
    page.keyboard.press("Escape")


def test_a_run_that_ended_says_so_and_can_be_looked_back_through(run, visit):
    made = run(rounds=0, start=5.0)
    page = ready(visit(made.url))
    time.sleep(1.5)
    made.freeze()
    made.console.over()
    expect(at(page, "over")).to_contain_text("THE RUN HAS ENDED")
    expect(at(page, "stale")).to_have_count(0)
    page.keyboard.press("ArrowLeft")
    expect(at(page, "mode")).to_contain_text("REPLAY")
    page.keyboard.press("g")
    expect(at(page, "over")).to_be_visible()


def test_two_people_consent_in_two_browsers(run, visit, tmp_path):
    from dataclasses import replace

    from skywarden.console import auth

    path = tmp_path / "users.toml"
    for name in ("mira", "tom"):
        auth.add_user(path, name, "operator", "correct horse battery")
    made = run(start=18.0, users=path)
    made.play.needed = 2
    made.console.site = replace(made.site, policy=replace(made.site.policy, consent="two"))
    pages = {}
    for name in ("mira", "tom"):
        page = pages[name] = visit(made.url)
        page.quiet = True
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill("correct horse battery")
        page.keyboard.press("Enter")
        ready(page)
        page.keyboard.press("2")
        expect(at(page, "awaiting").first).to_be_visible()
    pages["mira"].keyboard.press("y")
    track = made.told("consent").subject
    theirs = pages["tom"].locator(f'[data-test="awaiting"][data-track="{track}"]')
    expect(theirs).to_contain_text("consented: mira")
    button(theirs, "Consent").click()
    expect(pages["mira"].locator(".rehearsal")).to_contain_text(re.compile(rf"track {track} by .* · T\+"))
    assert [c.who for c in made.commands if c.kind == "consent" and c.subject == track] == ["mira", "tom"]
