"""Live sockets on the loopback: datagrams, a multicast group, a TCP peer that goes away and comes back."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from feed_builders import a_surveillance_site, a_turn, block, plot_048

from skywarden.errors import FeedError
from skywarden.feeds import open_source, sockets
from skywarden.feeds.merge import Merged
from skywarden.feeds.source import Batch, Source

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
                out.sendto(block(48, plot_048(seconds_of_day(), 20.0, 10.0, k + 1)) + (b"\xff\xff" if k == 3 else b""), ("127.0.0.1", port))
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
                    peer.sendall(f"MSG,3,1,1,3C6444,1,{stamp},{stamp},,10000,,,48.1,11.{second:02d},,,,,,0\r\nhalf".encode()[: None if second % 2 else -4])
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


def test_a_full_inbox_loses_the_oldest_and_counts_it(monkeypatch):
    monkeypatch.setattr(sockets, "ROOM", 10)
    port = free_port(socket.SOCK_DGRAM)
    inbox = sockets.Datagrams("127.0.0.1", port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for k in range(25):
            sender.sendto(bytes([k]) * 4, ("127.0.0.1", port))
    gone, end = 0, time.monotonic() + 5.0
    while gone < 60 and time.monotonic() < end:
        gone += inbox.lost()
        time.sleep(0.01)
    assert gone == 60
    assert inbox.lost() == 0
    assert [data[0] for _, data in inbox.take()] == list(range(15, 25))
    inbox.close()
