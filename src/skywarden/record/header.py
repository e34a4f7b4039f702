"""What a record says about itself before its first frame."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

import msgspec

APPLICATION = 0x534B5957        # "SKYW", in SQLite's own field for telling whose file it is
FORMAT = 6                      # raised whenever older and newer readers would not understand one another
OLDEST = 3                      # oldest format that is still read
# format from which nouns have qualified names and the chain holds pictures, drills and truth
QUALIFIED = 5
COMMITTED = 6                   # format from which a header may commit to its seed, and say what it goes on from
KINDS = ("simulation", "live")
DIGEST_BYTES = 16


@dataclass(frozen=True)
class Header:
    """Where, what and with which declarations a run was; enough to run it again.

    kind               "simulation" or "live"
    epoch_ns           UTC of t = 0 [ns since 1970]
    site               its name; `site_sources` the files it was read from
    scenario           its name, None on live data; `scenario_sources` likewise
    seed, duration     as run, None where they have no meaning
    feeds              the URLs given, in order
    commitment         to a seed that is revealed when the run has ended, see `record.secret`;
                       `seed` is None meanwhile
    continues          link of the last row of the record that this one was flown again from, hex
    follows            what this record goes on from: `chained` of the one before it; None: of none.
                       Not part of its own digest, so that two watchers of one hour write the same
    """

    kind: str
    epoch_ns: int
    site: str
    site_sources: Mapping[str, bytes]
    scenario: str | None = None
    scenario_sources: Mapping[str, bytes] = field(default_factory=dict)
    seed: int | None = None
    duration: float | None = None
    feeds: tuple[str, ...] = ()
    commitment: str = ""
    continues: str = ""
    follows: bytes | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a record's kind is one of {', '.join(KINDS)}; got {self.kind!r}")
        if (self.kind == "simulation") != (self.scenario is not None):
            raise ValueError("a simulation names its scenario and a live record has none")
        if self.commitment and self.seed is not None:
            raise ValueError("a header that commits to its seed does not say it")

    def digest(self, form: int = FORMAT) -> bytes:
        """The value the chain of frame digests starts from, in a record of format `form`."""
        said = [
            form, self.kind, self.epoch_ns, self.site, sorted(self.site_sources.items()), self.scenario,
            sorted(self.scenario_sources.items()),
            self.seed, self.duration, list(self.feeds),
        ]
        said += [self.commitment, self.continues] if form >= COMMITTED else []
        return digest(msgspec.msgpack.encode(said))


class Gap(NamedTuple):
    """Frames that were not recorded, said by the record itself."""

    n: int          # number of the frame right after them
    frames: int     # how many
    why: str

    def digest(self, before: bytes) -> bytes:
        """What the chain of frame digests goes on from, `before` being the digest before the gap."""
        return digest(before, b"gap", msgspec.msgpack.encode(list(self)))

    def __str__(self) -> str:
        last = self.n - 1
        which = f"frame {last} was" if self.frames == 1 else f"frames {last - self.frames + 1} to {last} were"
        return f"{which} not recorded: {self.why}"


def digest(*parts: bytes | None) -> bytes:
    """A fingerprint of byte strings in their order; None is told apart from an empty string."""
    made = blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        made.update(b"-" if part is None else len(part).to_bytes(8, "little"))
        if part is not None:
            made.update(part)
    return made.digest()


def link(mark: bytes, picture: bytes, drill: bytes | None, truth: bytes | None, form: int = FORMAT) -> bytes:
    """What the next frame's digest is chained to: this frame's (`mark`) and, from format 5 on,
    those of its picture, drill and truth.

    form  version of the record's format
    """
    return digest(mark, picture, drill, truth) if form >= QUALIFIED else mark


def chained(header: Header, last: bytes, form: int = FORMAT) -> bytes:
    """What a record that goes on from another one says of it: its header, the link of its last row,
    and what that one followed itself.

    form  version of the record's format
    """
    return digest(header.digest(form), last, header.follows)


def machine() -> dict[str, str]:
    """What pictures may depend on in their last bits: processor, platform and the versions that
    compute.
    """
    said = {"processor": _processor(), "platform": platform.platform(), "python": platform.python_version()}
    for package in ("skywarden", "numpy", "numba", "scipy"):
        try:
            said[package] = version(package)
        except PackageNotFoundError:
            said[package] = "unknown"
    return said


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
