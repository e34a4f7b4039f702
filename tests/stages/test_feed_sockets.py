"""Live sockets on the loopback: datagrams, a multicast group, a TCP peer that goes away and comes back."""

from __future__ import annotations

import math
import resource
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from feed_builders import a_surveillance_site, a_turn, block, plot_048

from skywarden.errors import FeedError, UsageError
from skywarden.feeds import live, sockets
from skywarden.feeds.asterix import Decoder
from skywarden.feeds.live import Live
from skywarden.feeds.merge import Merged
from skywarden.feeds.opening import open_source
from skywarden.feeds.sockets import Datagrams, Lines, Piece
from skywarden.feeds.source import Batch, Plot, Source
from skywarden.formats.network import Payload
from skywarden.messages.frame import SHED, TWICE

SITE = a_surveillance_site(48.0, 11.0)


def free_port(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def polled(source: Source, enough: int, limit: float = 8.0) -> list[Batch]:
    """Batches until `enough` messages have come, or the time is up."""
    found: list[Batch] = []
    end = time.monotonic() + limit
    while sum(b.received for b in found) < enough and time.monotonic() < end:
        found += source.poll()
        time.sleep(0.01)
    return found


def seconds_of_day() -> float:
    return time.time() % 86_400


def test_datagrams_become_frames_while_they_come():
    port = free_port(socket.SOCK_DGRAM)
    merged = Merged([open_source(f"asterix+udp://127.0.0.1:{port}", SITE)], SITE, duration=1.5)
    assert merged.live

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for k in range(20):
                out.sendto(block(48, plot_048(seconds_of_day(), 20.0, 10.0, k + 1)) + (b"\xff\xff" if k == 3 else b""),
                    ("127.0.0.1", port))
                time.sleep(0.05)

    sender = threading.Thread(target=send)
    sender.start()
    frames = [frame for frame, _ in merged]
    sender.join()
    merged.close()
    assert sum(len(f.detections.t) for f in frames) == 20
    assert frames[-1].inputs.received[0] == 20
    assert frames[-1].inputs.undecodable[0] == 2
    assert sum(1 for f in frames if len(f.detections.t)) >= 3
    assert all((abs(f.detections.t - f.t) < 1.0).all() for f in frames)


def test_a_multicast_group_is_joined():
    port = free_port(socket.SOCK_DGRAM)
    try:
        source = open_source(f"asterix+udp://239.255.7.8:{port}", SITE)
    except FeedError as error:
        pytest.skip(f"no multicast here: {error}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
        try:
            out.sendto(a_turn(seconds_of_day()), ("239.255.7.8", port))
        except OSError as error:
            source.close()
            pytest.skip(f"no multicast here: {error}")
    found = polled(source, 10)
    source.close()
    assert sum(b.received for b in found) == 10


def test_a_port_in_use_gets_a_sentence_that_helps():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(FeedError, match="another program"):
            open_source(f"asterix+udp://127.0.0.1:{taken.getsockname()[1]}", SITE)


def test_a_tcp_peer_that_goes_away_is_found_again(monkeypatch):
    monkeypatch.setattr(sockets, "FIRST_PAUSE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = open_source(f"sbs+tcp://127.0.0.1:{server.getsockname()[1]}", SITE)
        second = 0
        for _ in range(2):
            peer, _ = server.accept()
            with peer:
                for _ in range(6):
                    stamp = f"2026/11/23,12:00:{second:02d}.000"
                    line = f"MSG,3,1,1,3C6444,1,{stamp},{stamp},,10000,,,48.1,11.{second:02d},,,,,,0\r\nhalf"
                    peer.sendall(line.encode()[: None if second % 2 else -4])
                    second += 1
        found = polled(source, 8)
        source.close()
    assert sum(b.received for b in found) == 8          # of each connection's six lines two were run into by half a one
    assert sum(len(b.items) for b in found) == 8
    assert sum(b.undecodable for b in found) > 100


def test_nobody_there_is_no_error_and_closes_at_once():
    source = open_source(f"sbs+tcp://127.0.0.1:{free_port(socket.SOCK_STREAM)}", SITE)
    time.sleep(0.1)
    begin = time.monotonic()
    source.close()
    assert source.poll() == []
    assert time.monotonic() - begin < 2.5


def test_one_who_floods_costs_itself_and_the_newest_are_read():
    """Two senders on one port: of the one that sends far more than can be decoded the oldest are
    shed and counted, the other loses nothing.
    """
    read: dict[str, list[int]] = {"calm": [], "flood": []}
    given = [Piece(0.0, ("flood",), bytes([k % 256])) for k in range(5_000)]
    given[100:100] = [Piece(0.0, ("calm",), bytes([k])) for k in range(20)]

    class Given:
        def gather(self, wait: float) -> list[Piece]:
            now, given[:] = list(given), []
            return now

        def lost(self) -> tuple[int, int]:
            return 0, 0

        def close(self) -> None:
            pass

    def slowly(data: bytes, arrived: float, wall: float, peer: tuple[str, ...]) -> Iterator[Batch]:
        time.sleep(0.0005)
        read[peer[0]].append(data[0])
        return iter((Batch(math.nan, received=1),))

    source = Live("made", Given(), slowly, 0.25)
    found, end = [], time.monotonic() + 20.0
    while sum(b.received + b.rejected.get(SHED, 0) for b in found) < 5_020 and time.monotonic() < end:
        found += source.poll()
        time.sleep(0.01)
    source.close()
    shed = sum(b.rejected.get(SHED, 0) for b in found)
    assert read["calm"] == list(range(20))
    assert shed > 1_000
    assert len(read["flood"]) + shed == 5_000
    assert read["flood"][-1] == 4_999 % 256


def test_what_no_frame_takes_is_bounded(monkeypatch):
    monkeypatch.setattr(live, "MOST_ITEMS", 100)
    plot = Plot(0.0, 0, 1.0, 1.0)
    port = free_port(socket.SOCK_DGRAM)
    source = Live("made", Datagrams("127.0.0.1", port), lambda data, arrived, wall,
        peer: iter((Batch(0.0, (plot,) * 10, received=10),)), 0.25)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(50):
            sender.sendto(b"any", ("127.0.0.1", port))
            time.sleep(0.002)
    found = polled(source, 500)
    source.close()
    assert sum(b.received for b in found) == 500


@pytest.mark.parametrize(("url", "says"), [
    ("asterix+udp://239.1.2.3:{}?interface=nothere", "there is no interface"),
    ("asterix+udp://127.0.0.1:{}?interface=lo", "no multicast group"),
    ("asterix+udp://239.1.2.3:{}?interface=lo&source=somebody", "is no address"),
    ("asterix+udp://192.0.2.1:{}", "not one of this machine"),
])
def test_what_cannot_be_listened_on_is_told_by_its_cause(url, says):
    with pytest.raises(FeedError, match=says):
        open_source(url.format(free_port(socket.SOCK_DGRAM)), SITE)


@pytest.mark.parametrize("url", ["asterix+udp://239.1.2.3:8600?iface=eth0", "asterix+udp://239.1.2.3:8600?interface=",
    "sbs+tcp://localhost:30003?source=1.2.3.4"])
def test_an_option_that_is_none_is_refused(url):
    with pytest.raises(UsageError, match="is no option of it"):
        open_source(url, SITE)


def joined(url: str) -> Source:
    try:
        return open_source(url, SITE)
    except FeedError as error:
        pytest.skip(f"no multicast here: {error}")


@pytest.mark.parametrize(("group", "family", "source", "heard"), [
    ("239.255.7.9", socket.AF_INET, "", True), ("239.255.7.9", socket.AF_INET, "&source=127.0.0.1", True),
    ("239.255.7.9", socket.AF_INET, "&source=127.0.0.9", False),
    ("[ff15::7:9]", socket.AF_INET6, "", True)])
def test_a_group_is_joined_on_the_interface_that_is_named_and_from_the_source_that_is(group, family, source, heard):
    port = free_port(socket.SOCK_DGRAM)
    feed = joined(f"asterix+udp://{group}:{port}?interface=lo{source}")
    with socket.socket(family, socket.SOCK_DGRAM) as out:
        if family == socket.AF_INET:
            out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        else:
            out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("lo"))
        try:
            out.sendto(a_turn(seconds_of_day()), (group.strip("[]"), port))
        except OSError as error:
            feed.close()
            pytest.skip(f"no multicast here: {error}")
    found = polled(feed, 10 if heard else 1, 8.0 if heard else 0.5)
    feed.close()
    assert sum(b.received for b in found) == (10 if heard else 0)


def test_a_stream_that_falls_silent_is_asked_and_connected_anew(monkeypatch):
    """The peer's machine is asked within seconds; a peer that answers and says nothing more is left
    and connected again.
    """
    monkeypatch.setattr(sockets, "SILENCE", 0.3)
    line = b"MSG,3,1,1,3C6444,1,,,,,,10000,,,48.1,11.1,,,,,,0\n"
    with socket.create_server(("127.0.0.1", 0)) as server:
        lines = Lines("127.0.0.1", server.getsockname()[1])
        feed = Live("made", lines, lambda data, arrived, wall, peer: iter((Batch(math.nan, received=1),)), 0.25)
        first, _ = server.accept()
        first.sendall(line)
        second, _ = server.accept()         # nothing was closed: the silence alone did it
        second.sendall(line)
        found = polled(feed, 2)
        feed.close()
        first.close()
        second.close()
    assert sum(b.received for b in found) == 2


def test_one_datagram_with_a_broken_end_costs_next_to_nothing():
    """64 kB of good records and half a one: at 7b395b5 every edition was tried on all of it, for seconds."""
    records = [plot_048(1000.0 + k / 128, 20.0, 10.0, k + 1) for k in range(3_600)]
    data = block(48, *records, records[0][:9])
    assert len(data) > 60_000
    decoder = Decoder(SITE)
    decoder.decode(Payload(block(48, *records[:10])))
    begun = time.thread_time()
    batches = decoder.decode(Payload(data))
    took = time.thread_time() - begun
    assert sum(b.received for b in batches) == 3_600
    assert sum(b.undecodable for b in batches) == 9
    assert took < 1.5


def test_a_peers_machine_is_asked_within_seconds_of_silence():
    """A half-open connection, whose peer's machine is gone without a word, is given up after 5 s
    and not after two hours.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        lines = Lines("127.0.0.1", server.getsockname()[1])
        assert lines.gather(0.0) == []
        assert lines.connected
        assert lines._stream is not None
        asked = [lines._stream.getsockopt(socket.IPPROTO_TCP, option) for option in (socket.TCP_KEEPIDLE,
            socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)]
        assert lines._stream.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        lines.close()
    assert asked[0] + asked[1] * asked[2] <= 5


def test_a_decoder_that_fails_costs_its_piece_and_not_the_input():
    port = free_port(socket.SOCK_DGRAM)

    def decode(data: bytes, arrived: float, wall: float, peer: tuple[str, ...]) -> Iterator[Batch]:
        if data == b"bad":
            raise RuntimeError("made to fail")
        return iter((Batch(math.nan, received=1),))

    feed = Live("made", Datagrams("127.0.0.1", port), decode, 0.25)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for data in (b"good", b"bad", b"good"):
            sender.sendto(data, ("127.0.0.1", port))
    found = polled(feed, 2)
    feed.close()
    assert (sum(b.received for b in found), sum(b.undecodable for b in found)) == (2, 3)


def test_two_groups_on_one_port_are_networks_a_and_b_of_one_radar_and_each_message_counts_once():
    port = free_port(socket.SOCK_DGRAM)
    feeds = [joined(f"asterix+udp://239.255.7.{k}:{port}?interface=lo") for k in (20, 21)]
    merged, stop = Merged(feeds, SITE, duration=3.0), threading.Event()
    sent: list[int] = []

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            while not stop.wait(0.05) and len(sent) < 40:
                data = block(48, plot_048(seconds_of_day(), 20.0, 10.0, len(sent) + 1))
                for group in ("239.255.7.20", "239.255.7.21")[: 1 if len(sent) == 30 else 2]:
                    out.sendto(data, (group, port))
                sent.append(len(sent) + 1)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        frames = [frame for frame, _ in merged]
    except OSError as error:
        pytest.skip(f"no multicast here: {error}")
    finally:
        stop.set()
        sender.join()
        merged.close()
    found = [a for frame in frames for a in frame.detections.address.tolist()]
    assert len(found) == len(set(found))
    assert set(found) <= set(sent)
    assert len(found) >= min(len(sent), 40) - 3
    received = frames[-1].inputs.received
    assert received.min() > 0
    assert frames[-1].inputs.causes[:, TWICE].sum() == received.sum() - len(found)


def test_a_group_that_falls_silent_is_joined_anew(monkeypatch):
    monkeypatch.setattr(sockets, "REJOIN", 0.05)
    try:
        feed = Datagrams("239.255.7.22", free_port(socket.SOCK_DGRAM), "lo")
    except FeedError as error:
        pytest.skip(f"no multicast here: {error}")
    joins: list[int] = []
    real = feed._join
    monkeypatch.setattr(feed, "_join", lambda: (joins.append(1), real())[1])
    end = time.monotonic() + 10.0
    while len(joins) < 2 and time.monotonic() < end:
        feed.gather(0.02)
    feed.close()
    assert len(joins) >= 2


def test_datagrams_of_ipv6_are_heard():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError as error:
            pytest.skip(f"no IPv6 here: {error}")
        port = probe.getsockname()[1]
    feed = open_source(f"asterix+udp://[::1]:{port}", SITE)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as out:
        out.sendto(a_turn(seconds_of_day()), ("::1", port))
    found = polled(feed, 10)
    feed.close()
    assert sum(b.received for b in found) == 10


class Broken:
    """A way in that raises what nobody foresaw, or hangs, until it is mended."""

    note = ""

    def __init__(self, how):
        self.how, self.go = how, threading.Event()

    def gather(self, wait):
        if self.how == "raises":
            raise RuntimeError("made to fail")
        if self.how == "hangs":
            self.go.wait(30.0)
        return [Piece(time.monotonic(), (), b"x")]

    def lost(self):
        return 0, 0

    def close(self):
        pass


def hold_until(true, patience=30.0):
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(("how", "told"), [("raises", "RuntimeError: made to fail"), ("hangs", "at one message for")])
def test_an_input_that_raises_or_hangs_is_named_and_read_again_once_it_can_be(how, told):
    broken = Broken(how)
    source = Live("radar", broken, lambda data, *_: iter([Batch(0.0, received=1)]), 0.25)
    try:
        hold_until(lambda: told in source.fault)
        assert source.poll() == []
        broken.how = "works"
        broken.go.set()
        hold_until(source.poll)
    finally:
        broken.go.set()
        source.close()


class Raises:
    """A source whose every method raises, beside others."""

    name, live, dated, relative, simulated = "spoilt", True, False, False, False

    def poll(self):
        raise ZeroDivisionError("made to fail")

    def close(self):
        pass


def test_a_source_that_raises_costs_no_frame_and_is_said_once_and_shown():
    said: list[str] = []
    feed = Merged([Raises()], SITE, duration=2.0 * SITE.policy.frame_s, say=said.append)
    frames = list(feed)
    assert len(frames) >= 1
    assert said == ["spoilt: cannot be read: made to fail; it is asked again with each frame"]
    assert [(state.name, state.fault) for state in feed.states()] == [
        ("feed spoilt", "cannot be read: made to fail; it is asked again with each frame")]


def test_a_line_without_an_end_costs_neither_memory_nor_the_lines_after_it():
    """Sixteen megabytes without a line feed: counted as undecodable, never held whole."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with socket.create_server(("127.0.0.1", 0)) as server:
        lines, found = Lines("127.0.0.1", server.getsockname()[1]), []
        found += lines.gather(1.0)
        peer, _ = server.accept()

        def send() -> None:
            with peer:
                for _ in range(256):
                    peer.sendall(b"x" * 65_536)
                peer.sendall(b"\nMSG,1\n")

        sender = threading.Thread(target=send)
        sender.start()
        lost = 0
        end = time.monotonic() + 30.0
        while not any(piece.data == b"MSG,1" for piece in found) and time.monotonic() < end:
            found += lines.gather(0.05)
            lost += lines.lost()[0]
        sender.join()
        lines.close()
    assert [piece.data for piece in found][-1] == b"MSG,1"
    assert lost + sum(len(piece.data) for piece in found[:-1]) == 256 * 65_536
    assert max(len(piece.data) for piece in found) <= sockets.LONGEST_LINE + 65_536
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10
