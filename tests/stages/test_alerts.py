"""What a zone is told, on its way out: ids, changes, the outbox, retry and expiry, kinds that never
mix, secrets that never show.
"""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import fields

import pytest
from alert_builders import KEY, Receiver, a_channel, a_told_moment, a_told_site, cleared, wait_for, warned
from builders import a_site, a_zone
from standardwebhooks import Webhook

from skywarden.alerts.alert import (
    Alert,
    ChannelTest,
    ExerciseAlert,
    LiveAlert,
    SimulationAlert,
    from_bytes,
    slug,
    to_bytes,
)
from skywarden.alerts.courier import Courier
from skywarden.alerts.live import open_live
from skywarden.alerts.opening import open_alerts
from skywarden.alerts.outbox import Outbox, Parcel, ask_service, history, state_name
from skywarden.alerts.secret import Secret
from skywarden.alerts.sink import Alerts
from skywarden.alerts.teller import Teller
from skywarden.alerts.words import LANGUAGES, STEPS, WORDS, headline, say
from skywarden.errors import UsageError
from skywarden.messages.commands import ALARM, CORRECT, Command
from skywarden.messages.picture import ALL_CLEAR, STAY, TAKE_COVER
from skywarden.messages.receipts import DELIVERED, EXPIRED, FAILING, REFUSED, WORKING

EPOCH = 1_630_000_000 * 10**9


@pytest.fixture
def opened(tmp_path):
    """Opens sinks of alerts with a key at hand, and closes them."""
    made = []
    (tmp_path / "key.txt").write_bytes(KEY)

    def open_them(*channels, kind=LiveAlert, epoch=None, **site):
        epoch = time.time_ns() if epoch is None else epoch
        told = a_told_site(*channels, **site)
        alerts = open_alerts(told, epoch, kind, state=tmp_path, folder=tmp_path, wall=kind is LiveAlert)
        made.append(alerts)
        return alerts

    yield open_them
    for alerts in made:
        alerts.close()


@pytest.fixture
def receiver():
    server = Receiver()
    yield server
    server.close()


def a_teller(made=LiveAlert, **changes):
    return Teller(a_told_site(**changes), EPOCH, made, True, now=lambda: 1_630_000_100.0)


def an_alert(made=LiveAlert, **changes):
    alert, = a_teller(made).tell(a_told_moment(100.0, warned(100.0, (1, 100.0), due=112.0)))
    return made(**{**{field.name: getattr(alert, field.name) for field in fields(alert)}, **changes})


def test_an_id_comes_from_the_zones_name_and_the_utc_onset_and_from_nothing_else():
    first, = a_teller().tell(a_told_moment(100.0, warned(100.0, (2, 99.75))))
    other, = Teller(a_told_site(zones=5), EPOCH - 50 * 10**9, LiveAlert, True).tell(a_told_moment(150.0,
        warned(150.0, (2, 149.75))))
    assert first.id == other.id == "test.zone-2.20210826T174819.750Z"


def test_names_in_any_script_give_topics_that_stay_apart():
    assert slug("Apron 2") == "apron-2"
    assert slug("سنگر ۱") != slug("سنگر ۲")
    assert all(c.isascii() and c not in "/+# " for name in ("Æther", "a/b", "#", "סיוון", "  ") for c in slug(name))
    alike = a_site(zones=(a_zone("apron 2"), a_zone("apron-2", 500.0)))
    with pytest.raises(UsageError, match="give one another name"):
        Teller(alike, EPOCH, LiveAlert, True)


def test_a_zone_is_told_of_changes_only_and_what_was_said_before_is_named():
    teller = a_teller()
    cover, = teller.tell(a_told_moment(100.0, warned(100.0, (1, 100.0))))
    assert teller.tell(a_told_moment(100.25, warned(100.25, (1, 100.0)))) == []
    stay, = teller.tell(a_told_moment(121.0, warned(121.0, (1, 100.0), stage=STAY)))
    clear, = teller.tell(a_told_moment(151.0, cleared(151.0, (1, 100.0))))
    assert [a.stage for a in (cover, stay, clear)] == [TAKE_COVER, STAY, ALL_CLEAR]
    assert cover.id == stay.id == clear.id
    assert [m for m, _ in clear.before] == [cover.message, stay.message]
    assert not teller.standing


def test_a_clear_frame_that_was_lost_on_the_way_is_an_all_clear_all_the_same():
    teller = a_teller()
    teller.tell(a_told_moment(100.0, warned(100.0, (1, 100.0))))
    clear, = teller.tell(a_told_moment(160.0))
    assert clear.stage == ALL_CLEAR


def test_an_impact_that_comes_sooner_is_said_anew_at_once():
    teller = a_teller()
    teller.tell(a_told_moment(100.0, warned(100.0, (1, 100.0), due=125.0)))
    assert teller.tell(a_told_moment(100.25, warned(100.25, (1, 100.0), due=124.5))) == []
    sooner, = teller.tell(a_told_moment(100.5, warned(100.5, (1, 100.0), due=115.0)))
    assert sooner.due == pytest.approx(EPOCH * 1e-9 + 115.0)


def test_correcting_is_one_command_and_says_that_it_was_wrong():
    teller = a_teller()
    teller.tell(a_told_moment(100.0, warned(100.0, (1, 100.0), manual=True), Command(100.0, ALARM, "zone 1", "amina",
        "drill")))
    told, = teller.tell(a_told_moment(104.0, cleared(104.0, (1, 100.0)), Command(104.0, CORRECT, "zone 1", "amina",
        "wrong menu")))
    assert told.wrong
    assert "amina" in told.reason
    assert "wrong menu" in told.reason
    assert "wrong" in headline(told, "en")
    assert told.expires > told.sent + 600.0


def test_alerts_survive_the_outbox_bit_for_bit():
    for made in (LiveAlert, ExerciseAlert, SimulationAlert, ChannelTest):
        alert = an_alert(made)
        assert from_bytes(to_bytes(alert)) == alert
        assert type(from_bytes(to_bytes(alert))) is made
    with pytest.raises(ValueError, match="no alert"):
        from_bytes(b"{}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_every_step_and_whether_it_is_meant(language):
    assert set(WORDS[language]) == {*STEPS, "test", "exercise", "simulation", "seconds"}
    live, drill, simulated, test = (say(an_alert(made), language) for made in (LiveAlert, ExerciseAlert,
        SimulationAlert, ChannelTest))
    assert len({live, drill, simulated, test}) == 4
    assert WORDS[language]["exercise"].upper() in drill
    assert WORDS[language]["simulation"].upper() in simulated
    assert "12" in live
    assert "12" not in test
    assert WORDS[language]["take-cover"] not in test


def test_a_site_may_say_it_in_its_own_words():
    assert "Gå i skydd" in say(an_alert(), "sv", {"sv": {"take-cover": "Gå i skydd nu."}})


def test_a_webhook_is_signed_as_standard_webhooks_has_it_and_delivered(opened, receiver, tmp_path):
    alerts = opened(a_channel(f"webhook+{receiver.url}", languages=("en", "fa")))
    alerts.take(a_told_moment(0.0, warned(0.0, (1, 0.0))))
    _, headers, body = wait_for(lambda: receiver.got and receiver.got[0])
    told = Webhook(KEY).verify(body, headers)
    assert (told["zone"], told["stage"], told["kind"]) == ("zone 1", "take-cover", "live")
    assert headers["webhook-id"] == told["message"]
    assert set(told["say"]) == {"en", "fa"}
    wait_for(lambda: alerts.couriers[0].report().delivered == 1)
    channels, receipts = alerts.receipts()
    assert channels.name.tolist() == [b"out"]
    assert channels.state.tolist() == [WORKING]
    assert receipts.outcome.tolist()[-1] == DELIVERED
    assert 0.0 < channels.latency[0] < 10.0
    assert receipts.message[-1].decode() == told["message"]
    assert receipts.zone.tolist()[-1] == 1


def test_what_fails_is_tried_again_and_shown_meanwhile(opened):
    answers = [503, 503, 200]
    server = Receiver(lambda body, headers: (answers.pop(0) if len(answers) > 1 else answers[0], b""))
    alerts = opened(a_channel(f"webhook+{server.url}"))
    alerts.take(a_told_moment(0.0, warned(0.0, (0, 0.0))))
    wait_for(lambda: alerts.couriers[0].report().state == FAILING, what="the failure is shown")
    wait_for(lambda: alerts.couriers[0].report().delivered == 1)
    assert alerts.couriers[0].report().state == WORKING
    assert len({body for _, _, body in server.got}) == 1, "the same message each time"
    server.close()


def test_what_a_receiver_will_never_take_is_not_tried_again(opened):
    server = Receiver(lambda body, headers: (410, b""))
    alerts = opened(a_channel(f"webhook+{server.url}"))
    alerts.take(a_told_moment(0.0, warned(0.0, (0, 0.0))))
    wait_for(lambda: REFUSED in [event.outcome for event in alerts.couriers[0].events()])
    assert len(server.got) == 1
    server.close()


def test_a_message_nobody_may_act_on_any_more_is_given_up(opened):
    alerts = opened(a_channel("webhook+http://127.0.0.1:9/"))
    courier = alerts.couriers[0]
    courier.offer(Parcel("out", an_alert(expires=time.time() + 0.3), time.monotonic(), time.time()))
    wait_for(lambda: courier.report().expired == 1)
    assert [event.outcome for event in courier.events()] == [EXPIRED]


def test_a_process_that_was_killed_leaves_its_messages_to_the_next_one(tmp_path):
    outbox = Outbox(tmp_path / "a.outbox")
    kept = an_alert(expires=time.time() + 60.0)
    gone = an_alert(message="old", expires=time.time() - 1.0)
    outbox.put([Parcel("out", kept, 0.0, time.time()), Parcel("out", gone, 0.0, time.time()), Parcel("out", kept, 0.0,
        time.time())])
    outbox.standing(kept)
    outbox.flush()
    later = Outbox(tmp_path / "a.outbox")     # the first is never closed
    assert [parcel.alert for parcel in later.left_waiting("out")] == [kept]
    assert later.left_standing() == {"zone 1": kept}
    later.settle("out", kept.message, DELIVERED, "north")
    later.flush()
    assert later.left_waiting("out") == []
    assert {(line.message, state_name(line.state), line.who) for line in history(tmp_path / "a.outbox")} == {
        (kept.message, "delivered", "north"), ("old", "expired", "")}


def test_a_warning_keeps_its_id_over_a_restart():
    before = an_alert(until=time.time() + 60.0)
    teller = Teller(a_told_site(), time.time_ns(), LiveAlert, True, {"zone 1": before})
    command, = teller.left_standing()
    assert (command.kind, command.subject, command.who) == (ALARM, "zone 1", "restart")
    assert teller.tell(a_told_moment(0.0, warned(0.0, (1, 0.0), manual=True), command)) == [], "it was said already"
    assert teller.standing["zone 1"].id == before.id


def test_a_full_disk_costs_the_memory_of_a_message_and_never_the_message(opened, receiver, monkeypatch):
    alerts = opened(a_channel(f"webhook+{receiver.url}"))
    wait_for(lambda: alerts.couriers[0].report().state == WORKING)
    alerts.outbox.flush()

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("skywarden.alerts.outbox._connect", full)
    alerts.outbox._order("SELECT no such thing")        # breaks the connection it holds
    wait_for(lambda: "full" in alerts.fault)
    begun = time.monotonic()
    alerts.take(a_told_moment(0.0, warned(0.0, (1, 0.0))))
    wait_for(lambda: receiver.got)
    assert receiver.got[0][0] - begun < 5.0     # on a loaded machine; alone it is some milliseconds


@pytest.mark.parametrize("made", [SimulationAlert, ExerciseAlert, Alert])
def test_nothing_but_a_live_alert_has_a_way_onto_a_live_channel(opened, receiver, made):
    alerts = opened(a_channel(f"webhook+{receiver.url}"))
    breach = an_alert(LiveAlert) if made is Alert else an_alert(made)
    if made is Alert:
        breach = Alert(**{field.name: getattr(breach, field.name) for field in fields(breach)})
    courier = alerts.couriers[0]
    with pytest.raises(TypeError, match="has no way onto it"):
        courier.parcel(breach, 0.0)
    with pytest.raises(TypeError, match="has no way onto it"):
        courier.offer(Parcel("out", breach, 0.0, time.time()))


def test_a_planted_message_of_a_simulation_in_a_live_outbox_is_not_sent(opened, receiver, tmp_path):
    planted = Outbox(tmp_path / "alerts-test-live.outbox")
    planted.put([Parcel("out", an_alert(SimulationAlert, expires=time.time() + 60.0), 0.0, time.time())])
    planted.close()
    alerts = opened(a_channel(f"webhook+{receiver.url}"))
    alerts.take(a_told_moment(0.0, warned(0.0, (2, 0.0))))
    wait_for(lambda: alerts.couriers[0].report().delivered == 1)
    assert [json.loads(body)["kind"] for _, _, body in receiver.got] == ["live"]


def test_a_moment_of_a_simulation_is_refused_by_a_live_sink(opened, receiver):
    from builders import a_moment

    alerts = opened(a_channel(f"webhook+{receiver.url}"))
    with pytest.raises(TypeError, match="of a simulation"):
        alerts.take(a_moment(1.0))
    simulated = a_told_moment(1.0, warned(1.0, (0, 1.0)))._replace(truth=a_moment(1.0).truth)
    with pytest.raises(TypeError, match="of a simulation"):
        alerts.take(simulated)
    assert receiver.got == []


def test_channels_of_another_kind_are_not_even_opened(opened, tmp_path):
    live = a_channel("webhook+http://127.0.0.1:9/", "siren", secret="file:not-there.txt")
    site = a_told_site(live)
    assert open_alerts(site, 0, SimulationAlert, state=tmp_path, folder=tmp_path) is None, "the live key is not read"
    with pytest.raises(UsageError, match=r"not-there\.txt"):
        open_live(site, 0, tmp_path, tmp_path)
    sink, teller = opened(a_channel("webhook+http://127.0.0.1:9/")), Teller(site, 0, SimulationAlert, False)
    with pytest.raises(TypeError, match="this session makes"):
        Alerts(teller, sink.couriers, sink.outbox, SimulationAlert)


def test_keys_of_live_exercise_simulation_and_test_differ():
    secret = Secret(KEY)
    signatures = {secret.derive(f"skywarden siren 1 {kind}").sign(b"x") for kind in ("live", "exercise", "simulation",
        "test")}
    assert len(signatures) == 4


def test_a_secret_shows_itself_in_no_way_of_writing_it(tmp_path):
    import pickle

    secret = Secret(KEY)
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", f"{secret}", str([secret]),
            str({"key": secret})):
        assert KEY.decode() not in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)


def test_a_test_a_word_and_a_correction_go_through_the_running_service(opened, receiver, tmp_path):
    path = tmp_path / "alerts-test-live.outbox"
    with pytest.raises(UsageError, match="no service has kept"):
        ask_service(path, "test", "{}", "amina")
    alerts = opened(a_channel(f"webhook+{receiver.url}"))
    wait_for(lambda: _alive(path))
    ask_service(path, "test", '{"channel": "out"}', "amina")
    wait_for(lambda: [json.loads(b)["kind"] for _, _, b in receiver.got] == ["test"])
    ask_service(path, "say", '{"zones": ["zone 2"], "text": "Water at gate 4."}', "amina")
    wait_for(lambda: len(receiver.got) == 2)
    told = json.loads(receiver.got[1][2])
    assert "Water at gate 4." in told["say"]["en"]
    assert told["stage"] == "none"
    assert told["zone"] == "zone 2"
    alerts.take(a_told_moment(0.0, warned(0.0, (1, 0.0))))
    ask_service(path, "correct", '{"why": "wrong menu"}', "amina")
    command, = wait_for(alerts.commands)
    assert (command.kind, command.subject, command.why) == (CORRECT, "zone 1", "wrong menu")
    wait_for(lambda: {line.kind for line in history(path)} == {"test", "live"})


def _alive(path):
    with sqlite3.connect(path) as base:
        return base.execute("SELECT value FROM service WHERE key='alive'").fetchone()


def test_a_hung_receiver_is_felt_by_no_other_channel(opened, receiver):
    def hangs(body, headers):
        time.sleep(3.0)
        return 204, b""

    stuck = Receiver(hangs)
    alerts = opened(a_channel(f"webhook+{stuck.url}", "stuck"), a_channel(f"webhook+{receiver.url}", "good",
        secret="file:key.txt"))
    wait_for(lambda: all(courier.report().state == WORKING for courier in alerts.couriers))
    begun = time.monotonic()
    for k in range(20):
        alerts.take(a_told_moment(float(k), warned(float(k), (k % 3, float(k)))))
    assert time.monotonic() - begun < 2.0, "taking waits for nobody"
    wait_for(lambda: alerts.couriers[1].report().delivered >= 20)
    stuck.close()


def test_a_courier_carries_one_kind_only(tmp_path):
    outbox = Outbox(tmp_path / "a.outbox")
    for made in (Alert, ChannelTest):
        with pytest.raises(TypeError, match="one kind"):
            Courier("x", made, frozenset(), None, outbox)
    outbox.close()
