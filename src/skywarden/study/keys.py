"""What a run's row is found by: everything that its figures follow from, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
# What a run follows from, of the package: other rooms' changes leave rows as good as they were
ROOMS = (
    "kernels",
    "messages",
    "site",
    "files",
    "simulator",
    "defence",
    "rehearsal",
    "pipeline",
    "run",
    "measures",
    "feeds/simulated.py",
    "session/once.py",
)

Files = Iterable[tuple[str, bytes]]


@lru_cache(maxsize=1)
def code() -> str:
    """A name for the sources that a run follows from: the text of each, so that every machine with
    the same release agrees.
    """
    made = blake2b(digest_size=16)
    for room in ROOMS:
        place = PACKAGE / room
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")) + sorted(place.rglob("*.toml")):
            made.update(f"{path.relative_to(PACKAGE).as_posix()}\n".encode() + path.read_bytes())
    return made.hexdigest()


def of_files(files: Files) -> str:
    """A name for some files' names and bytes."""
    made = blake2b(digest_size=16)
    for name, content in sorted(files):
        made.update(f"{name} {len(content)}\n".encode() + content)
    return made.hexdigest()


def key(site: str, scenario: str, seed: int, duration: float | None, state: str) -> str:
    """The key of a run: of its site's and scenario's files by `of_files`, seed, duration and
    `code`.

    state  digest of the package's sources
    """
    return blake2b(f"{site} {scenario} {seed} {duration} {state}".encode(), digest_size=16).hexdigest()
