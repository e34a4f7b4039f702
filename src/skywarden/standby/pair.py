"""One of two hot watchers: a Feed of the frames to be worked on, and a Sink that is told how that
went. No election.

    rank 0   own frame --enter--> step --left (digest)-->                    frames for both
    rank 1         enter ... left, then the same frame --> step --> digest compared
             silence for half a second --> frames for itself, without a frame that was entered and never left
             heard again               --> whoever has run longer without a break goes on; the other takes its state

Both speak all the time: receivers merge what they say. Everything is decided on the loop's thread,
between two frames.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, NamedTuple

from skywarden.errors import RecordError
from skywarden.messages.commands import Command
from skywarden.messages.frame import Frame
from skywarden.messages.moment import Moment
from skywarden.messages.receipts import Channels, Receipts
from skywarden.record.codec import decode, encode
from skywarden.run.ports import Feed
from skywarden.standby.bridging import bridge
from skywarden.standby.digests import Likeness, digest_of, standing
from skywarden.standby.link import Link
from skywarden.standby.memory import Memory
from skywarden.standby.place import Place, Status
from skywarden.standby.pool import Pool
from skywarden.standby.receipts import both, named
from skywarden.standby.waking import Waking
from skywarden.standby.words import COMMAND, ENTER, HERE, JOINING, LEFT, RECEIPTS, SAID, SNAPSHOT, Word

STARTING, JOINING_ROLE, FOLLOWING, LEADING = "starting", "joining", "following", "leading"
LOOK_S = 0.02  # seconds between two looks while nothing comes
KEPT_S = 5.0  # seconds of own frames, and of the other's, that are kept for a take-over
ASK_S = 0.5  # seconds between two requests for the other's state
GAP_S = 0.5  # seconds that a lost word is waited for before the whole state is asked for
LATE_S = 2.0  # seconds after which a moment is not said any more where the other speaks
HEARD_S = 3.0  # seconds without a word after which the other is said to be lost
SHOWN_S = 60.0  # seconds for which something that is over is still told
DOUBT_S = 0.15  # seconds after a sleep for which words that wait are read before one's own frame is given
MOST_IDS = 10_000  # messages of which it is remembered that the other said them

_log = logging.getLogger("skywarden.pair")


class _Entered(NamedTuple):
    """A frame of the other's."""

    n: int
    frame: Frame
    commands: tuple[str, ...]
    since: float


class Pair:
    """See the module.

    own        Feed of this host's own frames; iterated on a thread of its own
    memory     holds the state
    link       Link to the other
    place      Place
    epoch_ns   of all frames [ns since 1970]; one of another epoch is not followed
    commands   () -> what people commanded here since the last call
    receipts   () -> what became of this replica's own messages since the last call
    """

    live = True

    def __init__(
        self,
        own: Feed,
        memory: Memory,
        link: Link,
        place: Place,
        epoch_ns: int,
        *,
        commands: Callable[[], tuple[Command, ...]] = tuple,
        receipts: Callable[[], tuple[Channels, Receipts]] = lambda: (Channels.none(), Receipts.none()),
        now: Callable[[], float] = time.monotonic,
        waking: Waking | None = None,
    ) -> None:
        self._own, self._memory, self._link, self.place, self.epoch_ns = own, memory, link, place, epoch_ns
        self.commands, self.receipts, self._now = commands, receipts, now
        self.waking = waking or Waking()
        self.turned: Callable[[], None] = lambda: None  # called each time that the loop looks for its next frame
        self.role = STARTING
        self.n = 0
        self._turn = threading.Condition()
        self._inbox: deque[Word] = deque()
        self._frames: deque[Frame] = deque()
        self._kept: deque[Frame] = deque(maxlen=256)  # own frames, given or not, for a take-over
        self._own_ended = self._closed = False
        self._own_fault: BaseException | None = None
        self._begun = self._pass = now()
        self._unbroken = time.time()  # since when this replica has held the picture without a break
        self._doubt_until = -math.inf
        self._peer_heard = self._leader_heard = -math.inf
        self._peer, self._peer_since = "", math.inf
        self._entered: dict[int, _Entered] = {}
        self._left: dict[int, tuple[bytes, tuple[int, ...]]] = {}
        self._seen: deque[Frame] = deque(maxlen=64)  # frames of the other's that were worked on here
        self._gap_since = math.inf
        self._asked = -math.inf
        self._wanted: set[str] = set()
        self._pool = Pool(f"{place.replica}-{link.boot}", link.say)
        self._their_receipts: tuple[Channels, Receipts] = (Channels.none(), Receipts.none())
        self._their_channels_at = -math.inf
        self._said: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._working: tuple[int, bool] | None = None
        self._likeness = Likeness()
        self._events: deque[tuple[float, str]] = deque(maxlen=8)
        self._takeovers = self._joins = self._left_out = 0
        self._puller = threading.Thread(target=self._pull, name="skywarden-own-frames", daemon=True)

    # the Feed

    def __iter__(self) -> Any:
        """Frames to be worked on, this host's own or the other's."""
        self._begun = self._pass = self._now()
        self._puller.start()
        self._link.listen(self._told)
        while (frame := self._next()) is not None:
            yield frame, None

    def close(self) -> None:
        """Stop, and close this host's own inputs."""
        with self._turn:
            self._closed = True
            self._turn.notify_all()
        self._own.close()
        self.waking.close()
        self._link.close()

    # the Sink: told of each moment right after it was worked out

    def take(self, moment: Moment) -> None:
        """Tell the other that the frame was survived, or compare its picture with the other's.

        moment  frame, picture, and what else a sink of this kind may see
        """
        if self._working is None:
            return
        (n, leads), self._working = self._working, None
        self.n = n
        mark = digest_of(moment.picture)
        if leads:
            self._link.say(LEFT, {"n": n, "digest": mark, "standing": list(standing(moment.picture))})
        else:
            self._compare(n, mark, standing(moment.picture))

    # asked from any thread

    def timely(self, moment: Moment) -> bool:
        """Whether a moment may still be told to people: a late one is left to the other, where that
        speaks.
        """
        late = time.time() - self.epoch_ns * 1e-9 - moment.frame.t
        if late <= LATE_S:
            return True
        slept = self.waking.stale(time.monotonic() - late) or time.monotonic() - self.waking.woke < HEARD_S
        return not (slept or self._now() - self._peer_heard < HEARD_S)

    def stale(self, since: float) -> bool:
        """Whether a message that rests on a frame of `since` [s, monotonic] is from before a sleep
        of this process.
        """
        return self.waking.stale(since)

    def said(self, channel: str, message: str) -> bool:
        """Whether the other has told a channel that message."""
        return (channel, message) in self._said

    def tell_said(self, channel: str, message: str) -> None:
        """Tell the other that a channel was told a message."""
        self._link.say(SAID, {"channel": channel, "message": message})

    def wait_of(self, made: float) -> float:
        """Seconds from `made` [s since 1970] that this rank still waits before it tells a channel
        that cannot merge.
        """
        alive = self._now() - self._peer_heard < HEARD_S
        return max(0.0, 0.3 * self.place.rank - (time.time() - made)) if alive else 0.0

    @property
    def fault(self) -> str:
        """What is wrong with the pair, a sentence; empty where nothing is."""
        now = self._now()
        found = list(self._link.faults())
        if differs := self._likeness.fault(now):
            found.insert(0, differs)
        if now - self._peer_heard > HEARD_S and now - self._begun > HEARD_S:
            age = "never heard" if math.isinf(self._peer_heard) else f"not heard for {now - self._peer_heard:.0f} s"
            found.insert(0, f"the other watcher is lost ({age})")
        found += [f"{now - when:.0f} s ago: {what}" for when, what in self._events if now - when < SHOWN_S]
        return "; ".join(found)

    def status(self) -> Status:
        """How the pair fares."""
        heard = None if math.isinf(self._peer_heard) else self._now() - self._peer_heard
        return Status(
            self.role,
            self.n,
            heard,
            self._likeness.compared,
            self._likeness.different,
            self._takeovers,
            self._joins,
            self._left_out,
            self.fault,
        )

    # the own frames' thread, and the link's

    def _pull(self) -> None:
        try:
            for frame, _ in self._own:
                with self._turn:
                    if self._closed:
                        return
                    self._frames.append(frame)
                    self._kept.append(frame)
                    if self.role in (FOLLOWING, JOINING_ROLE):
                        while self._frames and frame.t - self._frames[0].t > KEPT_S:
                            self._frames.popleft()
                    self._turn.notify_all()
        except BaseException as error:  # told on the loop's thread
            self._own_fault = error
        finally:
            with self._turn:
                self._own_ended = True
                self._turn.notify_all()

    def _told(self, word: Word) -> None:
        with self._turn:
            self._inbox.append(word)
            self._turn.notify_all()

    # the loop's thread

    def _next(self) -> Frame | None:
        """The next frame to be worked on; None at the end."""
        acts = {STARTING: self._start, JOINING_ROLE: self._join, FOLLOWING: self._follow, LEADING: self._lead}
        while True:
            with self._turn:
                if self._closed:
                    return None
            self.turned()
            self._read()
            self._notice_sleep()
            frame = acts[self.role]()
            if frame is not None:
                return frame
            if self._own_ended and not self._frames:
                if self._own_fault is not None:
                    raise self._own_fault
                if self.role in (LEADING, STARTING):
                    return None
            with self._turn:
                if not self._inbox and not (self.role == LEADING and self._frames):
                    self._turn.wait(LOOK_S)

    def _notice_sleep(self) -> None:
        now = self._now()
        gap, self._pass = now - self._pass, now
        if gap > max(self.place.silence, 0.4):
            self._unbroken = time.time()
            self._leader_heard = max(self._leader_heard, now - 0.5 * self.place.silence)
            self._doubt_until = now + DOUBT_S
            self._note(f"this watcher stood still for {gap:.1f} s")

    def _start(self) -> Frame | None:
        """Listen whether somebody frames already."""
        now = self._now()
        if self._leads_now(now):
            self._to(JOINING_ROLE)
        elif now - self._begun >= self.place.listen * (1 + self.place.rank):
            self._to(LEADING)
        return None

    def _join(self) -> Frame | None:
        """Ask for the other's state until it comes; go on alone where there is nobody to give it."""
        now = self._now()
        if not self._leads_now(now):
            self._note("the other fell silent before it gave its state")
            self._to(LEADING)
        elif now - self._asked >= ASK_S:
            self._asked = now
            self._link.say(JOINING, {})
        return None

    def _follow(self) -> Frame | None:
        """The other's next frame, once it is known to have survived it."""
        now = self._now()
        self._pool.offer(now, self._pool.add(self.commands()))
        n = self.n + 1
        if n in self._entered and n in self._left:
            entered = self._entered.pop(n)
            self._gap_since = math.inf
            self._pool.done(entered.commands)
            self._seen.append(entered.frame)
            self._working = n, False
            self._say_receipts()
            return entered.frame
        if not self._leads_now(now):
            self._take_over()
        elif any(each > n for each in self._left):
            self._gap_since = min(self._gap_since, now)
            if now - self._gap_since > GAP_S:
                self._note(f"frame {n} was lost on its way")
                self._to(JOINING_ROLE)
        return None

    def _lead(self) -> Frame | None:
        """Our own next frame, said before it is worked on."""
        now = self._now()
        if self._leads_now(now) and (self._peer_since, self._peer) < (self._unbroken, self.place.replica):
            self._note(f"{self._peer} has the longer unbroken picture and is followed")
            self._to(JOINING_ROLE)
            return None
        if now < self._doubt_until:
            return None
        for who in sorted(self._wanted):
            self._link.say(SNAPSHOT, {"n": self.n, "state": self._memory.keep(), "to": who, "epoch": self.epoch_ns})
        self._wanted.clear()
        with self._turn:
            frame = self._frames.popleft() if self._frames else None
        if frame is None:
            return None
        self._pool.add(self.commands())
        told = self._pool.take()
        commands = (*frame.commands, *(command._replace(t=frame.t) for _, command in told))
        channels, receipts = self._all_receipts()
        frame = frame._replace(commands=commands, channels=channels, receipts=receipts)
        n = self.n + 1
        self._link.say(
            ENTER,
            {
                "n": n,
                "frame": encode(frame),
                "since": self._unbroken,
                "epoch": self.epoch_ns,
                "commands": [number for number, _ in told],
            },
        )
        self._working = n, True
        return frame

    def _take_over(self) -> None:
        """The other is silent: go on with our own frames, without what it began and did not
        survive.
        """
        suspects = [each for n, each in sorted(self._entered.items()) if n > self.n]
        with self._turn:
            own = [frame for frame in self._kept if self._seen]
            ours = (
                bridge(list(self._seen), own, [each.frame for each in suspects]) if self._seen else list(self._frames)
            )
            self._frames.clear()
            self._frames.extend(ours)
        if suspects:
            self._left_out += len(suspects)
            self.n = max(each.n for each in suspects)
            lost = [command for each in suspects for command in each.frame.commands]
            for each in suspects:
                self._pool.done(each.commands)
            said = "".join(f"; {c.kind} {c.subject} by {c.who} was in it: give it again" for c in lost)
            self._note(f"a frame that {self._peer} began and did not finish is left out{said}")
        self._takeovers += 1
        self._note(f"{self._peer or 'the other'} fell silent: this watcher frames for itself")
        self._entered.clear()
        self._left.clear()
        self._to(LEADING)

    def _to(self, role: str) -> None:
        if role == JOINING_ROLE:
            self._asked = -math.inf
            self._gap_since = math.inf
        if role == LEADING and self.role in (JOINING_ROLE, STARTING):
            self._unbroken = time.time()
        _log.info("%s: %s -> %s at frame %d", self.place.replica, self.role, role, self.n)
        self.role = role

    def _leads_now(self, now: float) -> bool:
        return now - self._leader_heard <= self.place.silence * max(1, self.place.rank)

    # words

    def _read(self) -> None:
        """Everything that has been heard."""
        while True:
            with self._turn:
                if not self._inbox:
                    return
                word = self._inbox.popleft()
            self._peer_heard = self._now()
            self._peer = word.replica
            try:
                self._heed(word)
            except (RecordError, KeyError, TypeError, ValueError) as error:
                self._note(f"a word of {word.replica} cannot be used: {str(error)[:160]}")

    def _heed(self, word: Word) -> None:
        content = word.content
        if word.kind == ENTER:
            self._heed_enter(content)
        elif word.kind == LEFT:
            self._leader_heard = self._now()
            self._left[int(content["n"])] = bytes(content["digest"]), tuple(content["standing"])
            _trim(self._left, 200)
        elif word.kind == JOINING:
            if self.role == LEADING:
                self._wanted.add(word.replica)
        elif word.kind == SNAPSHOT:
            if self.role == JOINING_ROLE and content["to"] == self.place.replica:
                self._take_state(content)
        elif word.kind == COMMAND:
            self._pool.heard(str(content["id"]), decode(content["command"], Command))
        elif word.kind == RECEIPTS:
            channels, receipts = decode(content["channels"], Channels), decode(content["receipts"], Receipts)
            self._their_receipts = channels, both(self._their_receipts[1], receipts, 0)
            self._their_channels_at = self._now()
        elif word.kind == SAID:
            self._said[str(content["channel"]), str(content["message"])] = None
            _trim(self._said, MOST_IDS)

    def _heed_enter(self, content: dict[str, Any]) -> None:
        if content["epoch"] != self.epoch_ns:
            self._note("the other counts its time from another moment: start this watcher anew")
            return
        self._leader_heard = self._now()
        self._peer_since = float(content["since"])
        n = int(content["n"])
        if self.role != LEADING or self._peer_since < self._unbroken:
            self._entered[n] = _Entered(
                n, decode(content["frame"], Frame), tuple(map(str, content["commands"])), self._peer_since
            )
            _trim(self._entered, 200)

    def _take_state(self, content: dict[str, Any]) -> None:
        """Go on from the other's state."""
        n = int(content["n"])
        try:
            self._memory.put_back(bytes(content["state"]))
        except RecordError as error:
            self._note(f"the other's state cannot be read, this watcher begins with none: {str(error)[:120]}")
        self.n = n
        self._unbroken = time.time()
        self._seen.clear()
        self._entered = {k: v for k, v in self._entered.items() if k > n}
        self._left = {k: v for k, v in self._left.items() if k > n}
        self._joins += 1
        self._likeness.anew()
        self._to(FOLLOWING)

    def _compare(self, n: int, mark: bytes, zones: tuple[int, ...]) -> None:
        theirs = self._left.pop(n, None)
        if theirs is not None and self._likeness.compare(n, (mark, zones), theirs, self._peer, self._now()):
            self._to(JOINING_ROLE)

    # receipts

    def _say_receipts(self) -> None:
        channels, receipts = self.receipts()
        if channels.name.size:
            self._link.say(
                RECEIPTS, {"channels": encode(named(channels, self.place.replica)), "receipts": encode(receipts)}
            )
        else:
            self._link.say(HERE, {"n": self.n, "role": self.role})

    def _all_receipts(self) -> tuple[Channels, Receipts]:
        """Our own receipts and the other's, each channel under the name of its replica."""
        channels, receipts = self.receipts()
        ours = named(channels, self.place.replica)
        theirs, told = self._their_receipts
        self._their_receipts = theirs, Receipts.none()
        if self._now() - self._their_channels_at > HEARD_S:
            theirs = Channels.none()
        return Channels(*both(ours, theirs)), both(receipts, told, ours.name.size)

    def _note(self, what: str) -> None:
        _log.warning("%s: %s", self.place.replica, what)
        self._events.append((self._now(), what))


def _trim(table: dict[Any, Any], most: int) -> None:
    while len(table) > most:
        del table[next(iter(table))]
