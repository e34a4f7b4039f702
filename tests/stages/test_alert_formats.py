"""What other systems are sent, held against their own schemas and messages: CAP 1.2, Cursor on Target, SAPIENT."""

from __future__ import annotations

import itertools
import json
import random
import socket
import socketserver
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from alert_builders import KEY, a_channel, a_told_moment, a_told_site, cleared, free_port, wait_for, warned
from builders import some_impacts, some_threats, some_tracks
from lxml import etree

from skywarden.alerts import cap as cap_channel
from skywarden.alerts.alert import ChannelTest, ExerciseAlert, LiveAlert, SimulationAlert, areas
from skywarden.alerts.cot import events, track_events
from skywarden.alerts.opening import open_alerts
from skywarden.alerts.sapient import alert_message, detection, node_id, registration, status, ulid
from skywarden.alerts.setting import Setting
from skywarden.alerts.teller import Teller
from skywarden.alerts.tracks import tracks_of
from skywarden.formats import cap, cot, sapient
from skywarden.messages.commands import CORRECT, Command
from skywarden.messages.picture import STAY

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
MADE = (LiveAlert, ExerciseAlert, SimulationAlert, ChannelTest)


def a_setting(url="cot+tcp://127.0.0.1:8087", made=LiveAlert, **changes):
    site = a_told_site(a_channel(url, **{"kind": made.kind if made is not ChannelTest else "live", "secret": "",
        "languages": ("en", "fa", "uk"), **changes}))
    return Setting(site.channels[0], site, made if made is not ChannelTest else LiveAlert, areas(site))


def told(made=LiveAlert):
    """A warning's whole life: cover, stay, all-clear, and one that is corrected; with a hazard."""
    teller = Teller(a_told_site(), time.time_ns(), made, True)
    threats, impacts = some_threats((1, 1, 0.9, 12.0)), some_impacts((0.99, 12.0, 400.0, 30.0), sigma=40.0)
    said = teller.tell(a_told_moment(0.0, warned(0.0, (1, 0.0), due=12.0), threats=threats, impacts=impacts))
    said += teller.tell(a_told_moment(13.0, warned(13.0, (1, 0.0), stage=STAY)))
    said += teller.tell(a_told_moment(50.0, cleared(50.0, (1, 0.0))))
    said += teller.tell(a_told_moment(60.0, warned(60.0, (2, 60.0), manual=True)))
    said += teller.tell(a_told_moment(61.0, cleared(61.0, (2, 60.0)), Command(61.0, CORRECT, "zone 2", "amina",
        "wrong <menu> & zone")))
    assert len(said) == 5
    return [a if type(a) is made else made(**{k: getattr(a, k) for k in a.__dataclass_fields__ if k != "kind"})
        for a in said]


def xsd():
    file = SHARED / "cap" / "CAP-v1.2-schema.xsd"
    if not file.is_file():
        pytest.skip("the OASIS schema is not beside this project (../shared/data/cap): CAP is checked by our own rules "
            "only")
    return etree.XMLSchema(etree.parse(str(file)))


@pytest.mark.parametrize("made", MADE)
def test_every_alert_is_valid_cap_by_our_rules_and_says_whether_it_is_meant(made):
    setting = a_setting("cap+file:/x", made)
    for alert in told(made):
        document = cap_channel.document(setting, alert)
        assert cap.faults_of(document) == []
        root = etree.fromstring(document)
        text = lambda name, root=root: root.findtext(f"{{{cap.NAMESPACE}}}{name}")     # noqa: E731
        assert text("status") == {"live": "Actual", "exercise": "Exercise"}.get(made.kind, "Test")
        assert text("msgType") == ("Cancel" if alert.wrong else "Update" if alert.before else "Alert")
        assert len(root.findall(f"{{{cap.NAMESPACE}}}info")) == 3, "English and the channel's languages"
        assert (text("references") or "").count(",") == 2 * len(alert.before)


@pytest.mark.parametrize("made", MADE)
def test_every_alert_is_valid_by_the_oasis_schema(made):
    schema, setting = xsd(), a_setting("cap+file:/x", made)
    for alert in told(made):
        assert schema.validate(etree.fromstring(cap_channel.document(setting, alert))), schema.error_log


def test_an_update_and_a_cancel_refer_to_what_was_really_sent_before():
    setting = a_setting("cap+file:/x")
    sent: set[str] = set()
    for alert in told():
        root = etree.fromstring(cap_channel.document(setting, alert))
        name = lambda tag, root=root: root.findtext(f"{{{cap.NAMESPACE}}}{tag}")       # noqa: E731
        assert set((name("references") or "").split()) <= sent
        sent.add(f"{name('sender')},{name('identifier')},{name('sent')}")
    assert len(sent) == 5


def mutations(document: bytes, rng: random.Random):
    """A valid document with one thing changed: an element gone, doubled, swapped, renamed, its text
    or an attribute changed.
    """
    root = etree.fromstring(document)
    spots = [e for e in root.iter() if e is not root]
    spot = rng.choice(spots)
    parent, way = spot.getparent(), rng.randrange(7)
    if way == 0:
        parent.remove(spot)
    elif way == 1:
        parent.insert(rng.randrange(len(parent) + 1), etree.fromstring(etree.tostring(spot)))
    elif way == 2:
        other = rng.choice(list(parent))
        a, b = parent.index(spot), parent.index(other)
        parent[a], parent[b] = etree.fromstring(etree.tostring(other)), etree.fromstring(etree.tostring(spot))
    elif way == 3:
        spot.tag = rng.choice(["{urn:oasis:names:tc:emergency:cap:1.2}note", "{urn:x}note", "note"])
    elif way == 4:
        spot.text = rng.choice(["", " Actual", "Alert ", "2021-11-23T02:14:03Z", "2021-13-23T02:14:03+00:00",
            "2021-11-23T02:14:03+00:00", "x y", "1.5", "-3"])
    elif way == 5:
        spot.set(rng.choice(["a", "{http://www.w3.org/2001/XMLSchema-instance}nil"]), "1")
    else:
        etree.SubElement(root, rng.choice(["{http://www.w3.org/2000/09/xmldsig#}Signature", "{urn:x}thing"]))
    return etree.tostring(root)


def test_what_the_oasis_schema_refuses_we_refuse_over_a_thousand_broken_alerts():
    schema, rng = xsd(), random.Random(12)
    documents = [cap_channel.document(a_setting("cap+file:/x", made), alert) for made in MADE for alert in told(made)]
    refused = 0
    for _ in range(1000):
        document = mutations(rng.choice(documents), rng)
        if not schema.validate(etree.fromstring(document)):
            refused += 1
            assert cap.faults_of(document), (str(schema.error_log), document.decode())
    assert refused > 400


def test_public_alerts_are_judged_as_they_should_be():
    folder = SHARED / "cap"
    if not folder.is_dir():
        pytest.skip("the public alerts are not beside this project (../shared/data/cap)")
    said = {file.name: cap.faults_of(file.read_bytes()) for file in folder.glob("*.cap")}
    assert said["australia.cap"] == []
    assert said["canada.cap"] == []
    assert "cap:1.1" in str(said["earthquake.cap"][0])
    assert "scope" in str(said["invalid.cap"][0])


SECRET_LINE = "root:x:0:0:planted"


def test_hostile_alerts_never_crash_never_leak_a_file_and_never_hang(tmp_path):
    (tmp_path / "secret.txt").write_text(SECRET_LINE)
    document = cap_channel.document(a_setting("cap+file:/x"), told()[0]).decode()
    body = document.split("?>", 1)[1]
    bomb = "".join(f'<!ENTITY {b} "{"&" + a + ";" * 1}{("&" + a + ";") * 9}">' for a,
        b in itertools.pairwise("abcdefghij"))
    hostile = [
        f'<!DOCTYPE alert [<!ENTITY x SYSTEM "file://{tmp_path}/secret.txt">]>{body.replace("zone 1", "&x;", 1)}',
        f'<!DOCTYPE alert [<!ENTITY % x SYSTEM "file://{tmp_path}/secret.txt"> %x;]>{body}',
        f'<!DOCTYPE alert SYSTEM "http://127.0.0.1:9/x.dtd">{body}',
        f'<!DOCTYPE alert [<!ENTITY a "aaaaaaaaaa">{bomb}]>{body.replace("zone 1", "&j;", 1)}',
        f'<alert xmlns="{cap.NAMESPACE}" xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include '
        f'href="file://{tmp_path}/secret.txt" parse="text"/></alert>',
        "<a>" * 5000, f'<alert xmlns="{cap.NAMESPACE}">' + "<info>" * 300, "\x00" * 100, "", " ", "<",
        "<?xml version='1.0' encoding='no-such'?><a/>",
        body.replace("zone 1", "z" * (2**20)), "<alert/>", "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.1'/>",
    ]
    begun = time.monotonic()
    for text in hostile:
        faults = cap.faults_of(text.encode("utf-8", "surrogatepass"))
        assert faults
        assert SECRET_LINE not in " ".join(map(str, faults))
    rng = random.Random(5)
    for _ in range(500):
        broken = bytearray(document.encode())
        for _ in range(rng.randrange(1, 8)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        cap.faults_of(bytes(broken))
        cap.faults_of(bytes(broken[: rng.randrange(len(broken))]))
    assert time.monotonic() - begun < 60.0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "iso-8859-1", "utf-8-sig"])
def test_odd_encodings_that_xml_allows_are_read(encoding):
    text = cap_channel.document(a_setting("cap+file:/x", languages=("en",)), told()[0]).decode()
    body = text.split("?>", 1)[1].replace("—", "-")
    declared = "utf-16" if encoding.startswith("utf-16") else encoding.removesuffix("-sig")
    content = f'<?xml version="1.0" encoding="{declared}"?>{body}'.encode(encoding, "xmlcharrefreplace")
    assert cap.faults_of(content) == []


def test_a_signed_alert_is_read_and_its_signature_let_stand():
    root = etree.fromstring(cap_channel.document(a_setting("cap+file:/x"), told()[0]))
    etree.SubElement(root, f"{{{cap.SIGNATURE}}}Signature", Id="s").text = "signed"
    assert cap.faults_of(etree.tostring(root)) == []


@pytest.mark.parametrize(("change", "said"), [
    (("<polygon>", "<polygon>10.0,20.0 "), "not closed"), (("<msgType>Alert", "<msgType>Update"),
        "refers to no message"),
    (("<scope>Public", "<scope>Restricted"), "says to whom"), (("<scope>Public", "<scope>Private"), "no <addresses>"),
    (("<identifier>", "<identifier>a b,"), "neither blanks"), (("+00:00</sent>", "Z</sent>"), "Z is not allowed"),
    (("<polygon>", "<polygon>110.0,20.0 "), "on the earth")])
def test_rules_beyond_the_schema_name_what_no_receiver_can_use(change, said):
    document = cap_channel.document(a_setting("cap+file:/x"), told()[0]).decode()
    assert change[0] in document
    assert any(said in str(fault) for fault in cap.faults_of(document.replace(*change).encode()))


def test_cap_goes_into_a_folder_a_file_a_message(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    alerts = open_alerts(a_told_site(a_channel(f"cap+file:{out}", secret="")), time.time_ns(), LiveAlert,
        state=tmp_path, wall=True)
    alerts.take(a_told_moment(0.0, warned(0.0, (1, 0.0))))
    wait_for(lambda: alerts.couriers[0].report().accepted == 1)
    file, = out.iterdir()
    assert cap.faults_of(file.read_bytes()) == []
    alerts.close()


@pytest.mark.parametrize("made", MADE)
def test_cursor_on_target_draws_zone_and_ellipse_and_takes_them_away(made):
    setting = a_setting(made=made)
    drawn = [[cot.from_xml(event) for event in events(setting, alert, 1_700_000_000.0)] for alert in told(made)]
    assert all(isinstance(event, cot.Event) for row in drawn for event in row)
    zone, hazard = drawn[0]
    assert (zone.type, hazard.type) == ("u-d-f", "u-d-c-e")
    points = [element.get("point") for element in zone.detail if element.tag == "link"]
    assert points[0] == points[-1]
    assert len(points) == 5
    ellipse = next(element for element in hazard.detail if element.tag == "shape")[0]
    assert float(ellipse.get("major")) == pytest.approx(2 * 40.0 + 40.0, abs=1.0)
    assert zone.opex[0] == {"live": "o", "exercise": "e", "simulation": "s", "test": "e"}[made.kind]
    assert made is LiveAlert or made.kind.upper() in cot.to_xml(zone).decode().upper()
    if made is not ChannelTest:
        gone = {event.uid for event in drawn[2] if event.type == "t-x-d-d"}
        assert gone == {zone.uid, hazard.uid}


def test_the_hazard_ellipse_turns_as_the_impact_is_uncertain():
    teller = Teller(a_told_site(), time.time_ns(), LiveAlert, True)
    impacts = some_impacts((0.99, 12.0, 400.0, 30.0))
    along = np.array([np.sin(np.radians(60.0)), np.cos(np.radians(60.0))])      # bearing 60°, east and north
    covariance = impacts.covariance.copy()
    covariance[0, :2, :2] = 100.0**2 * np.outer(along, along) + 10.0**2 * (np.eye(2) - np.outer(along, along))
    alert, = teller.tell(a_told_moment(0.0, warned(0.0, (1, 0.0)), threats=some_threats((1, 1, 0.9, 12.0)),
        impacts=impacts._replace(covariance=covariance)))
    assert alert.hazard.turn == pytest.approx(60.0, abs=0.2)
    assert (alert.hazard.major, alert.hazard.minor) == (pytest.approx(240.0, abs=0.2), pytest.approx(60.0, abs=0.2))


class Listening(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


def test_a_map_behind_tcp_sees_zone_and_ellipse_and_they_are_said_again(tmp_path):
    got = bytearray()

    class Map(socketserver.BaseRequestHandler):
        def handle(self):
            while data := self.request.recv(65536):
                got.extend(data)

    with Listening(("127.0.0.1", 0), Map) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site = a_told_site(a_channel(f"cot+tcp://127.0.0.1:{server.server_address[1]}", secret=""))
        alerts = open_alerts(site, time.time_ns(), LiveAlert, state=tmp_path, wall=True)

        def twice():
            alerts.take(a_told_moment(0.0, warned(0.0, (1, 0.0)), threats=some_threats((1, 1, 0.9, 12.0)),
                impacts=some_impacts((0.9, 12.0, 400.0, 0.0))))
            return got.count(b"u-d-f") >= 2 and got.count(b"u-d-c-e") >= 2

        wait_for(twice)
        alerts.close()
        server.shutdown()


def test_cursor_on_target_over_udp_is_an_event_a_datagram(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.bind(("127.0.0.1", 0))
        heard.settimeout(15.0)
        alerts = open_alerts(
            a_told_site(a_channel(f"cot+udp://127.0.0.1:{heard.getsockname()[1]}", secret="")), time.time_ns(),
            LiveAlert, state=tmp_path, wall=True)
        alerts.take(a_told_moment(0.0, warned(0.0, (1, 0.0))))
        event = cot.from_xml(heard.recv(65536))
        assert isinstance(event, cot.Event)
        assert event.type == "u-d-f"
        alerts.close()


def test_hostile_events_are_answered_with_a_sentence():
    for text in (b"", b"<", b"<event/>", b"<!DOCTYPE event><event><point/></event>", b"\xff" * 50,
            b"<event uid='a' type='b'><point lat='x'/></event>",
                 b"<event uid='a' type='b' time='now' stale='x'><point lat='1' lon='1' hae='1' ce='1'/></event>",
                 b"<a>" * 9999):
        assert isinstance(cot.from_xml(text), str)


@pytest.mark.parametrize("made", [LiveAlert, ExerciseAlert])
def test_tracks_leave_a_simulation_only(made, tmp_path):
    for url in ("cot+tcp://127.0.0.1:9", "sapient+tcp://127.0.0.1:9"):
        with pytest.raises(TypeError, match="simulation only"):
            open_alerts(a_told_site(a_channel(url, kind=made.kind, secret="", tracks=True)), 0, made, state=tmp_path,
                wall=True)


def a_simulated_picture():
    from builders import a_picture

    return a_picture(5.0, tracks=some_tracks((100.0, 200.0, 900.0, -50.0, 80.0, -20.0)),
        impacts=some_impacts((0.99, 17.0, 10.0, 20.0)))


def test_a_simulations_tracks_carry_their_impact_and_never_a_place_of_origin():
    setting = a_setting(made=SimulationAlert)
    rows = tracks_of(setting.site, a_simulated_picture(), 1_700_000_000.0)
    event, = [cot.from_xml(xml) for xml in track_events(setting, rows, 1_700_000_005.0)]
    assert event.how == "m-s"
    assert "SIMULATION" in cot.to_xml(event).decode()
    message = detection(setting, rows[0], 1_700_000_005.0)
    assert list(sapient.faults_of(message)) == []
    predicted = message.detection_report.prediction_location
    assert predicted.predicted_timestamp.seconds == 1_700_000_017
    assert predicted.location.x == pytest.approx(np.degrees(1.2), abs=1e-3), "x is the longitude"


@pytest.mark.parametrize("made", MADE)
def test_every_sapient_message_of_ours_is_valid(made):
    setting = a_setting("sapient+tcp://127.0.0.1:5020", made)
    messages = [alert_message(setting, alert, time.time()) for alert in told(made)]
    messages += [registration(setting, time.time()), status(setting, time.time(), first=True),
        status(setting, time.time(), leaving=True)]
    for message in messages:
        assert list(sapient.faults_of(message)) == []
        again, faults = sapient.from_bytes(sapient.framed(message)[4:])
        assert faults == []
        assert again == message
    assert messages[0].alert.alert_id == messages[2].alert.alert_id, "one warning, one alert"
    assert messages[2].alert.status == 5        # ALERT_STATUS_CLEAR


def test_node_ids_of_live_exercise_and_simulation_differ_and_ulids_repeat():
    assert len({node_id(a_setting(made=made)) for made in (LiveAlert, ExerciseAlert, SimulationAlert)}) == 3
    assert ulid("a", 1.7e9) == ulid("a", 1.7e9) != ulid("b", 1.7e9)
    assert ulid("b", 1.7e9) < ulid("a", 1.7e9 + 1.0)


@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_the_standards_own_messages_are_accepted_or_refused_as_they_should_be(kind):
    folder = SHARED / "sapient" / kind
    if not folder.is_dir():
        pytest.skip("the standard's own messages are not beside this project (../shared/data/sapient)")
    wrong = [file.name for file in sorted(folder.glob("*.json"))
        if bool(sapient.from_json(file.read_bytes())[1]) != (kind == "invalid")]
    assert wrong == []


def test_hostile_sapient_messages_are_answered_with_a_sentence():
    for text in (b"", b"{", b"[]", b"null", b'{"alert": {}}', b"\xff\xfe", b"[" * 5000,
            json.dumps({"nodeId": "x" * 100000}).encode()):
        assert sapient.from_json(text)[1]
    rng = random.Random(3)
    good = sapient.framed(alert_message(a_setting("sapient+tcp://127.0.0.1:5020"), told()[0], 1_700_000_000.0))[4:]
    for _ in range(500):
        broken = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        sapient.from_bytes(bytes(broken))


def test_a_fusion_node_registers_us_and_its_acknowledgement_is_delivery(tmp_path):
    got = []

    class Fusion(socketserver.StreamRequestHandler):
        def handle(self):
            fusion = "a8654cdf-4328-47de-81fa-c495589e30c8"
            while head := self.rfile.read(4):
                message, faults = sapient.from_bytes(self.rfile.read(sapient.HEAD.unpack(head)[0]))
                got.append((message.WhichOneof("content"), faults))
                answer = None
                if message.HasField("registration"):
                    answer = {"registrationAck": {"acceptance": True}}
                elif message.HasField("alert"):
                    answer = {"alertAck": {"alertId": message.alert.alert_id,
                        "alertAckStatus": "ALERT_ACK_STATUS_ACCEPTED"}}
                if answer:
                    self.wfile.write(sapient.framed(sapient.from_dict({
                        "timestamp": "2023-07-07T12:44:17.027Z", "nodeId": fusion, "destinationId": message.node_id,
                        **answer})))

    with Listening(("127.0.0.1", 0), Fusion) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site = a_told_site(a_channel(f"sapient+tcp://127.0.0.1:{server.server_address[1]}", secret="",
            relays=("a8654cdf",)))
        alerts = open_alerts(site, time.time_ns(), LiveAlert, state=tmp_path, wall=True)
        alerts.take(a_told_moment(0.0, warned(0.0, (1, 0.0))))
        wait_for(lambda: alerts.couriers[0].report().delivered == 1)
        alerts.close()
        wait_for(lambda: [kind for kind, _ in got].count("status_report") >= 2)
        assert [kind for kind, _ in got[:2]] == ["registration", "status_report"]
        assert all(faults == [] for _, faults in got)
        server.shutdown()


def test_a_channels_port_that_nobody_listens_on_is_a_fault_and_no_more(tmp_path):
    port = free_port()
    channels = [a_channel(f"{scheme}://127.0.0.1:{port}", scheme, secret="") for scheme in ("cot+tcp", "sapient+tcp",
        "mqtt")]
    alerts = open_alerts(a_told_site(*channels), time.time_ns(), LiveAlert, state=tmp_path, wall=True)
    alerts.take(a_told_moment(0.0, warned(0.0, (1, 0.0))))
    wait_for(lambda: all(courier.report().fault for courier in alerts.couriers))
    assert all(KEY.decode() not in courier.report().fault for courier in alerts.couriers)
    alerts.close()


def test_languages_and_own_words_reach_every_format():
    site = a_told_site(a_channel("cap+file:/x", secret="", languages=("sv",)),
        wording={"sv": {"take-cover": "Gå i skydd nu."}})
    setting = Setting(site.channels[0], site, LiveAlert, areas(site))
    assert "Gå i skydd nu." in cap_channel.document(setting, told()[0]).decode()
    assert "Gå i skydd nu." in events(replace(setting), told()[0], 0.0)[0].decode()
