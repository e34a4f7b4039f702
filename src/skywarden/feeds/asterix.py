"""ASTERIX, the language of surveillance radars, from files and sockets: plots, system tracks, ADS-B
reports and the radars' signs of life.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from skywarden.errors import FeedError
from skywarden.feeds.live import Live
from skywarden.feeds.places import report
from skywarden.feeds.sockets import Datagrams, Peer, Piece
from skywarden.feeds.source import Batch, Item, Look, Plot, Report, Sender, both
from skywarden.feeds.timeline import NEAR, Timeline
from skywarden.formats.asterix import ClaimRecord, LookRecord, Read, Refused, read
from skywarden.formats.blocks import BlockReader
from skywarden.formats.capture import blocks, payloads
from skywarden.formats.layout import Record, layouts
from skywarden.formats.network import Payload
from skywarden.formats.plots import LOOK, PLOT, READABLE, REFUSED, PlotColumns, read_many
from skywarden.messages.frame import CATEGORY, MARKED, NO_ADDRESS, NO_TIME, UNKNOWN_SENDER, WRONG_TIME, Detections
from skywarden.messages.tables import Array, take
from skywarden.site.model import Site

# s for which an address stays with the radar that sees it, where several share one place in the site
SAME_RADAR = 30.0
MOST_SENDERS = 1_024        # told apart; junk invents them without end
MOST_ADDRESSES = 65_536     # likewise


class _Speaker:
    """One of the senders that share an input: its clock, and how that stands to the first sender's,
    in a recording.
    """

    def __init__(self) -> None:
        self.timeline: Timeline[Read] = Timeline()
        self.correction = math.nan


class Decoder:
    """Payloads in, batches out. Remembers the editions that fit, the clock of each sender, and
    which radar is which.

    recorded   whether the clocks of several senders are laid over one another here; of a live input
               that is done with the arrivals
    """

    def __init__(self, site: Site, recorded: bool = False, simulated: bool = False) -> None:
        self._site, self._recorded, self._simulated = site, recorded, simulated
        self._blocks = BlockReader()
        self._speakers: dict[Sender, _Speaker] = {}
        self._first: _Speaker | None = None         # in a recording, the one whose clock is everybody's
        # (sensor, address): who reported it, when
        self._plotting: dict[tuple[int, int], int] = {}     # which sensor each sender's plots are of
        self._owner: dict[tuple[int, int], tuple[tuple[int, int], float]] = {}

    def decode(
        self, payload: Payload, arrived: float = math.nan, peer: str = "",
        aside: list[tuple[int, Record, int]] | None = None, number: int = 0,
    ) -> list[Batch]:
        """One payload's worth: a batch of each sender in it, the first with what counts for all.
        Nothing in it can raise.

        arrived   when it came in, by the monotonic clock [s]; nan in a file
        peer      address it came from
        aside     takes what can be read many at once, with its category and `number`
        """
        received, undecodable, unread = 0, payload.junk, 0
        released: dict[Sender, list[tuple[float, Read]]] = {}
        heard: dict[Sender, _Speaker] = {}      # those of this payload, of which none may be given up meanwhile
        untimed = 0
        kinds: dict[str, int] = {}
        for category, data in blocks(payload.data):
            found, lost, whole = self._blocks.read(category, data)
            received += len(found) + whole
            undecodable += lost
            unread += whole
            if found or whole:
                kind = f"CAT{category:03d}"
                kinds[kind] = kinds.get(kind, 0) + len(found) + whole
            if aside is not None and category in READABLE:
                aside += [(category, record, number) for record in found]
                continue
            for record in found:
                what = read(category, record, self._simulated)
                if what is None:
                    continue
                sender = (*what.identity, peer)
                speaker = heard[sender] = heard.get(sender) or self._speaker(sender)
                admitted, lacks = self._admit(speaker, what, payload.stamp)
                untimed += lacks
                if not lacks:
                    released.setdefault(sender, []).extend(admitted)
        refused = {cause: count for cause, count in ((CATEGORY, unread), (NO_TIME, untimed)) if count}
        batches = [self._batch(sender, heard[sender], several, payload.stamp, arrived) for sender,
            several in released.items()]
        if not batches:
            return [Batch(self._now(), (), received, undecodable, refused, arrived, kinds=kinds)]
        first = batches[0]
        return [first._replace(received=received, undecodable=undecodable, rejected=both(refused, first.rejected),
            kinds=kinds),
            *batches[1:]]

    def decode_many(self, pieces: Sequence[Piece], to_utc: float) -> list[Batch]:
        """The worth of datagrams that have waited, in their order: plots as columns, the rest as
        `decode` gives it.

        to_utc   added to the monotonic clock gives UTC [s]
        pieces   datagrams with their times of arrival
        """
        held: list[tuple[int, Record, int]] = []        # category, record and piece of each plot
        batches: list[Batch] = []
        for k, piece in enumerate(pieces):
            payload = Payload(piece.data, piece.arrived + to_utc)
            peer = piece.peer[0] if piece.peer else ""
            batches += self.decode(payload, piece.arrived, peer, aside=held, number=k)
        if held:
            plots = read_many([(category, record) for category, record, _ in held], self._simulated)
            of = np.array([k for *_, k in held])
            arrived = np.array([piece.arrived for piece in pieces])[of]
            peers = [piece.peer[0] if piece.peer else "" for piece in pieces]
            for sender, rows in _senders(plots, of, peers):
                batches += self._columns(sender, plots, rows, arrived, to_utc)
        return batches

    def _columns(
        self, sender: Sender, plots: PlotColumns, rows: Array, arrived: Array, to_utc: float
    ) -> list[Batch]:
        """One sender's plots as a batch; record by record where one of them must be doubted."""
        speaker = self._speaker(sender)
        stamps = arrived[rows] + to_utc
        out = None if math.isnan(speaker.correction) else speaker.timeline.admit_all(plots.t[rows], stamps)
        if out is None:
            batches = []
            for k, stamp in zip(rows.tolist(), stamps.tolist(), strict=True):
                released, untimed = self._admit(speaker, plots.row(k), stamp)
                batch = self._batch(sender, speaker, released, stamp, float(arrived[k]))
                batches.append(batch if not untimed else batch._replace(rejected=both(batch.rejected, {NO_TIME: 1})))
            return batches
        return [self._table(sender, speaker, plots.taken(rows), out + speaker.correction, arrived[rows])]

    def _table(self, sender: Sender, speaker: _Speaker, plots: PlotColumns, t: Array, arrived: Array) -> Batch:
        """Plots that are believed, in terms of the site."""
        identity = int(plots.sac[0]), int(plots.sic[0])
        blind = np.isnan(plots.elevation)
        alone, high = self._sensor(identity, cooperative=True), self._sensor(identity, cooperative=False)
        sensor = np.where(blind, alone, high)
        address = np.where((plots.address > 0) & (plots.address < 0xFFFFFF), plots.address, NO_ADDRESS)
        good = (plots.sort == PLOT) & (sensor >= 0)
        for k in np.flatnonzero(good & (address != NO_ADDRESS)).tolist():
            good[k] = self._owns(int(sensor[k]), int(address[k]), identity, float(t[k]))
        refused = {
            MARKED: int((plots.sort == REFUSED).sum()), UNKNOWN_SENDER: int(((plots.sort == PLOT) & ~good).sum())}
        d = Detections(
            t, sensor.astype(np.int32), plots.range, plots.azimuth, plots.elevation, plots.range_rate, plots.snr,
            plots.pressure_altitude, address)
        d = take(d, good)
        if good.any():
            self._plots_of(identity, int(d.sensor[-1]))
            alone = self._plotting[identity]
        looks: dict[int, Look] = {}         # of each radar the newest alone
        if alone >= 0 and (plots.sort == LOOK).any():
            looks[alone] = Look(float(t[plots.sort == LOOK].max()), alone)
        for k in {int(s): k for k, s in enumerate(d.sensor.tolist())}.values():
            plot = Plot(*(column[k].item() for column in d))
            look = self._look(plot)
            if look is not None and (look.sensor not in looks or look.t >= looks[look.sensor].t):
                looks[look.sensor] = look
        return Batch(
            speaker.timeline.now + speaker.correction, tuple(looks.values()), 0, 0,
            {cause: count for cause, count in refused.items() if count}, float(arrived[-1]), sender, plots=d,
            arrivals=arrived[good])

    def flush(self) -> list[Batch]:
        """What was still held back when the input ended."""
        return [self._batch(sender, speaker, speaker.timeline.flush(), math.nan, math.nan) for sender,
            speaker in self._speakers.items()]

    def _speaker(self, sender: Sender) -> _Speaker:
        speaker = self._speakers.get(sender)
        if speaker is None:
            if len(self._speakers) >= MOST_SENDERS:
                self._speakers = {who: kept for who, kept in self._speakers.items() if math.isfinite(kept.timeline.now)}
                if len(self._speakers) >= MOST_SENDERS:
                    self._speakers.clear()
            speaker = self._speakers[sender] = _Speaker()
        return speaker

    def _admit(self, speaker: _Speaker, what: Read, stamp: float) -> tuple[list[tuple[float, Read]], bool]:
        """What may go on now that a message has come, each with its time; and whether it has no
        time at all.
        """
        t = speaker.timeline.unroll(what.t, self._near(speaker, stamp)) if math.isfinite(
            what.t) else self._reckoned(speaker, stamp)
        return ([], True) if math.isnan(t) else (speaker.timeline.admit(t, what, stamp), False)

    def _near(self, speaker: _Speaker, stamp: float) -> float:
        """What a time of day is near to; nan where its sender's own clock says it best."""
        if math.isfinite(stamp) or math.isfinite(speaker.timeline.now) or self._first is None:
            return stamp
        return self._first.timeline.now

    def _reckoned(self, speaker: _Speaker, stamp: float) -> float:
        """The time of a message that tells none, by its sender's clock, else by its arrival, else
        by the first sender's clock.
        """
        t = speaker.timeline.reckoned(stamp)
        return t if math.isfinite(t) or self._first is None else self._first.timeline.now

    def _now(self) -> float:
        return math.nan if self._first is None else self._first.timeline.now

    def _align(self, speaker: _Speaker, released: list[tuple[float, Read]], stamp: float) -> None:
        """Lay a sender's clock over the first one's, where the two are further apart than messages
        are under way.
        """
        if self._first is None or not self._recorded:
            self._first = self._first or speaker
            speaker.correction = 0.0
            return
        now = self._first.timeline.reckoned(stamp)
        behind = min((now - t for t, _ in released), default=0.0)
        speaker.correction = behind if abs(behind) > NEAR else 0.0

    def _batch(
        self, sender: Sender, speaker: _Speaker, released: list[tuple[float, Read]], stamp: float, arrived: float
    ) -> Batch:
        """What a sender's messages say, in terms of the site."""
        timeline = speaker.timeline
        refused: dict[int, int] = {}
        if timeline.rejected:
            refused[WRONG_TIME], timeline.rejected = timeline.rejected, 0
        steps, timeline.steps = tuple(timeline.steps), []
        if released and math.isnan(speaker.correction):
            self._align(speaker, released, stamp)
        items: list[Item] = []
        looks: dict[int, Look] = {}         # of a live radar the newest alone
        for when, what in released:
            item = self._item(what, when + speaker.correction)
            if isinstance(item, int):
                refused[item] = refused.get(item, 0) + 1
                continue
            if isinstance(item, Plot | Report):
                items.append(item)
            look = self._look(item)
            if look is not None and self._recorded:
                items.append(look)
            elif look is not None and (look.sensor not in looks or look.t >= looks[look.sensor].t):
                looks[look.sensor] = look
        items += looks.values()
        return Batch(timeline.now + speaker.correction, tuple(items), 0, 0, refused, arrived, sender, steps)

    def _look(self, item: Item | None) -> Look | None:
        """The sign of life that a message is of its radar."""
        if isinstance(item, Plot):
            return Look(item.t, item.sensor, item.azimuth if self._site.radars[item.sensor].kind == "rotating"
                else math.nan)
        return item if isinstance(item, Look) else None

    def _item(self, what: Read, t: float) -> Item | int | None:
        """The message in terms of the site; the cause where it is refused, None where it concerns
        no radar of ours.
        """
        if isinstance(what, Refused):
            return MARKED
        if isinstance(what, ClaimRecord):
            return report(what.claim._replace(t=t), self._site)
        if isinstance(what, LookRecord):
            sensor = self._plotting.get(what.identity, self._sensor(what.identity, cooperative=True))
            return None if sensor < 0 else Look(t, sensor, what.azimuth)
        sensor = self._sensor(what.identity, cooperative=math.isnan(what.elevation))
        address = what.address if 0 < what.address < 0xFFFFFF else NO_ADDRESS
        if sensor < 0 or not self._owns(sensor, address, what.identity, t):
            return UNKNOWN_SENDER
        self._plots_of(what.identity, sensor)
        return Plot(t, sensor, what.range, what.azimuth, what.elevation, what.range_rate, what.snr,
            what.pressure_altitude, address)

    def _sensor(self, identity: tuple[int, int], cooperative: bool) -> int:
        """The site's radar that a sender is: the one of its identity, else the first that answers
        to any and is of its kind; -1 none.
        """
        radars = self._site.radars
        for k, radar in enumerate(radars):
            if radar.sac_sic == identity:
                return k
        free = [k for k, radar in enumerate(radars) if radar.sac_sic == (-1, -1)]
        alike = [k for k in free if radars[k].mode_s == cooperative]
        return (alike or free or [-1])[0]

    def _plots_of(self, identity: tuple[int, int], sensor: int) -> None:
        """Remember whose plots a sensor's are: its service messages, which say nothing of its
        kind, are the same sensor's.
        """
        if len(self._plotting) >= MOST_SENDERS and identity not in self._plotting:
            self._plotting.clear()
        self._plotting[identity] = sensor

    def _owns(self, sensor: int, address: int, identity: tuple[int, int], t: float) -> bool:
        """Whether this sender may place this address: two radars put at one place would tear an
        aircraft in two.
        """
        if address == NO_ADDRESS:
            return True
        owner, since = self._owner.get((sensor, address), (identity, t))
        if owner != identity and t - since <= SAME_RADAR:
            return False
        if len(self._owner) > MOST_ADDRESSES:
            self._owner.clear()
        self._owner[sensor, address] = (identity, t)
        return True


def _senders(plots: PlotColumns, of: Array, peers: list[str]) -> Iterator[tuple[Sender, Array]]:
    """Each sender with the rows of its plots.

    of      (n,) the piece that each plot came in
    peers   address that each piece came from
    """
    names = {peer: k for k, peer in enumerate(dict.fromkeys(peers))}
    number = np.array([names[peer] for peer in peers])[of]
    code = (number << 16) | ((plots.sac & 0xFF) << 8) | (plots.sic & 0xFF)
    called = list(names)
    for each in np.unique(code).tolist() if (code != code[0]).any() else [int(code[0])]:
        rows = np.flatnonzero(code == each)
        yield (int(plots.sac[rows[0]]), int(plots.sic[rows[0]]), called[each >> 16]), rows


class AsterixFile:
    """A recording, read to its end. pcap carries a date; raw and framed files only times of day."""

    live, relative, simulated = False, False, False

    def __init__(self, path: Path, site: Site) -> None:
        self.name = f"asterix {path.name}"
        self.dated = False
        self._path, self._decoder = path, Decoder(site, recorded=True)

    def __iter__(self) -> Iterator[Batch]:
        try:
            for payload in payloads(self._path):
                self.dated = self.dated or math.isfinite(payload.stamp)
                yield from self._decoder.decode(payload)
        except OSError as error:
            raise FeedError(f"{self._path} cannot be read on: {error}; check the disk, or copy the file") from error
        yield from self._decoder.flush()

    def poll(self) -> list[Batch]:
        """Nothing: a file is iterated, not polled."""
        return []

    def close(self) -> None:
        """The file is open only while it is read."""


class AsterixUdp(Live):
    """Datagrams from a radar's network, unicast or multicast.

    interface, source   as of `Datagrams`
    simulated           whether targets that are marked as simulated are used
    """

    def __init__(
        self, host: str, port: int, site: Site, interface: str = "", source: str = "", simulated: bool = False
    ) -> None:
        layouts()           # before the first datagram: it takes a second
        self.simulated = simulated
        decoder = Decoder(site, simulated=simulated)

        def decode(data: bytes, arrived: float, wall: float, peer: Peer) -> Iterator[Batch]:
            return iter(decoder.decode(Payload(data, wall), arrived, peer[0] if peer else ""))

        super().__init__(f"asterix udp {host}:{port}", Datagrams(host, port, interface, source), decode,
            site.policy.frame_s, decoder.decode_many)
