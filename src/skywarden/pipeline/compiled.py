"""Where compiled kernels are kept between starts. Runs before anything imports numba, and imports
nothing of ours.

Numba recompiles a kernel when its own file changes, but not when a kernel that it calls does. So
each state of the sources gets a cache of its own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:         # a system without it compiles side by side
    fcntl = None            # type: ignore[assignment]

PACKAGE = Path(__file__).resolve().parents[1]      # folder of the whole package, whose sources name the cache
KEPT = 3        # caches of other states of the sources that are left in place; older ones are removed


def keep_compiled() -> None:
    """Point numba's cache to a folder named after the sources, unless the user has already said
    where it is.
    """
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    home = _home()
    if home is None:
        return      # numba then falls back to what it would do by itself
    os.environ["NUMBA_CACHE_DIR"] = str(home / _state())
    _forget(home)


def are_kept(kind: str) -> bool:
    """Whether all kernels for a run of this kind have been compiled from these sources and kept."""
    try:
        return _note(kind).read_text() == _state()
    except OSError:
        return False


def survive_full_disk() -> None:
    """Let a kernel be used although the disk takes no copy of it; numba would raise, and end the
    run.
    """
    from numba.core import caching

    cache: Any = caching.Cache
    save = cache.save_overload
    if getattr(save, "survives", False):
        return

    def tried(self: Any, signature: Any, data: Any) -> None:
        with contextlib.suppress(OSError):
            save(self, signature, data)

    tried.survives = True       # type: ignore[attr-defined]
    cache.save_overload = tried


def note_kept(kind: str) -> None:
    """Remember that they have.

    kind  kind of run: "live" or "simulation"
    """
    with contextlib.suppress(OSError):      # where nothing can be kept, nothing is remembered
        _note(kind).write_text(_state())


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Held by one process of this machine at a time: two that compile the same kernels only slow
    each other.
    """
    folder = os.environ.get("NUMBA_CACHE_DIR")
    if folder is None or fcntl is None:
        yield
        return
    Path(folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    with (Path(folder) / "compiling").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)        # released with the file, however the process ends
        yield


def _note(kind: str) -> Path:
    return Path(os.environ.get("NUMBA_CACHE_DIR", os.devnull)) / f"complete-{kind}"


def _state() -> str:
    """A name for the sources as they are: every file's path, size and time of change."""
    made = blake2b(digest_size=8)
    for path in sorted(PACKAGE.rglob("*.py")):
        seen = path.stat()
        made.update(f"{path.relative_to(PACKAGE)} {seen.st_size} {seen.st_mtime_ns}\n".encode())
    return made.hexdigest()


def _home() -> Path | None:
    """A folder that can be written: beside the sources, in the user's cache, or a temporary one.

    Compiled code is run when it is read back: a folder that others could write, or that is somebody
    else's, is none.
    """
    for folder in _folders():
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if os.access(folder, os.W_OK) and _ours(folder):
                return folder
        except OSError:
            continue
    return None


def _folders() -> Iterator[Path]:
    """Where kernels may be kept, the best place first; a user without a home has one fewer."""
    yield PACKAGE / "__pycache__" / "kernels"
    cache = os.environ.get("XDG_CACHE_HOME")
    with contextlib.suppress(RuntimeError):
        yield (Path(cache) if cache else Path.home() / ".cache") / "skywarden" / "kernels"
    with contextlib.suppress(OSError):          # a full disk has no temporary folder either
        yield Path(tempfile.gettempdir()) / f"skywarden-kernels-{os.getuid() if hasattr(os, 'getuid') else 0}"


def _ours(folder: Path) -> bool:
    """Whether nobody else can put anything into a folder: it is a real one, ours, and not writable
    by others.
    """
    if not hasattr(os, "getuid"):
        return True
    about = folder.lstat()
    return stat.S_ISDIR(about.st_mode) and about.st_uid in (os.getuid(), 0) and not about.st_mode & 0o022


def _forget(home: Path) -> None:
    try:
        old = sorted((f for f in home.iterdir() if f.is_dir()), key=lambda f: f.stat().st_mtime,
            reverse=True)[KEPT + 1 :]
    except OSError:
        return
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
