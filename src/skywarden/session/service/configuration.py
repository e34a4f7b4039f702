"""service.toml: which site is watched with which feeds, beside whom, what is kept; faults with
their file and line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from skywarden.errors import Fault, InputError
from skywarden.feeds.registry import find as scheme_of
from skywarden.files.text import read_bytes
from skywarden.files.toml import Document, Table
from skywarden.record.segments import Keep
from skywarden.site.load import load as load_site
from skywarden.site.model import Site

GIB = 1024**3


@dataclass(frozen=True)
class Console:
    """The page; port None for no page."""

    host: str
    port: int | None
    users: Path | None
    audit: Path | None
    tls: tuple[Path, Path] | None
    public_url: str | None


@dataclass(frozen=True)
class Brokers:
    """Brokers by their URLs, an account there, and the key that words are signed with."""

    urls: tuple[str, ...]
    secret: str
    user: str
    password: str


@dataclass(frozen=True)
class Beside:
    """The other watcher of the same site."""

    replica: str
    rank: int
    brokers: Brokers
    silence_s: float


@dataclass(frozen=True)
class Configuration:
    """One service.

    path     of the file; names in it are relative to its folder
    faults   of the site's files, too, are told before anything is started
    """

    path: Path
    site: Site
    site_name: str
    feeds: tuple[str, ...]
    state: Path | None
    console: Console
    health: tuple[str, int] | None
    records: Path | None
    keep: Keep
    pair: Beside | None
    region: Brokers | None
    watch_clock: bool
    sources: dict[str, bytes] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Of the file."""
        return self.path.parent


def read(path: Path) -> Configuration:
    """The service that a file describes. Raises InputError with every fault found, each with file
    and line.

    path  file of the service
    """
    faults: list[Fault] = []
    content = read_bytes(path, faults)
    document = Document(str(path), content, faults) if content is not None else None
    if document is None or document.data is None:
        raise InputError(*faults)
    root = document.root()
    site_name, site = _site(root, path.parent)
    feeds = tuple(root.texts("feeds"))
    if not feeds:
        root.fault("feeds", "no feed is named", 'Write feeds = ["asterix+udp://0.0.0.0:8600"].')
    for feed in feeds:
        if scheme_of(feed.partition(":")[0]) is None:
            root.fault("feeds", f'"{feed[:80]}" is no feed that is known here', "See skywarden run --help.")
    state = root.text("state", "")
    pair = root.table("pair")
    beside = _beside(pair) if root.has("pair") else None
    region = root.table("region")
    above = _brokers(region, True) if root.has("region") else None
    region.finish()
    found = Configuration(
        path,
        site,
        site_name,
        feeds,
        path.parent / state if state else None,
        _console(root.table("console"), path.parent),
        _health(root.table("health")),
        *_records(root.table("records"), path.parent),
        beside,
        above,
        _clock(root.table("clock")),
        {path.name: content or b""},
    )
    root.finish()
    if faults:
        raise InputError(*faults)
    return found


def _site(root: Table, folder: Path) -> tuple[str, Site]:
    name = root.text("site")
    beside = folder / name
    where = str(beside) if name and (beside / "site.toml").is_file() else name
    if not where:
        return "", None  # type: ignore[return-value]
    try:
        return where, load_site(where)
    except InputError as error:
        root.document.faults.extend(error.faults)
    except Exception as error:
        root.fault("site", str(error), "Name a shipped site, or a folder with a site.toml in it.")
    return where, None  # type: ignore[return-value]


def _console(table: Table, folder: Path) -> Console:
    port = table.integer("port", 8080, -1, 65535)
    certificate, key = table.text("tls_certificate", ""), table.text("tls_key", "")
    if bool(certificate) != bool(key):
        table.fault("tls_key" if key else "tls_certificate", "a certificate and its key belong together", "Give both.")
    users, audit = table.text("users", ""), table.text("audit", "")
    made = Console(
        table.text("host", "127.0.0.1"),
        None if port < 0 else port,
        folder / users if users else None,
        folder / audit if audit else None,
        (folder / certificate, folder / key) if certificate and key else None,
        table.text("public_url", "") or None,
    )
    if users and not (folder / users).is_file():
        table.fault("users", f"{folder / users} is not there", "Make it: skywarden user users.toml NAME operator.")
    table.finish()
    return made


def _health(table: Table) -> tuple[str, int] | None:
    port = table.integer("port", 9273, -1, 65535)
    host = table.text("host", "127.0.0.1")
    table.finish()
    return None if port < 0 else (host, port)


def _records(table: Table, folder: Path) -> tuple[Path | None, Keep]:
    where = table.text("folder", "records")
    off = not table.flag("on", True)
    days = table.number("keep_days", 30.0, 0.01, 36_500.0)
    size = table.number("keep_gib", 100.0, 0.01, 1e6)
    length = table.number("segment_minutes", 60.0, 0.05, 1440.0)
    packed = table.flag("pack", True)
    table.finish()
    return None if off else folder / where, Keep(60.0 * length, days, int(size * GIB), packed)


def _beside(table: Table) -> Beside:
    made = Beside(
        table.text("replica"),
        table.integer("rank", 0, 0, 9),
        _brokers(table, True),
        table.number("silence_s", 0.5, 0.1, 30.0),
    )
    if not made.replica.replace("-", "").isalnum():
        table.fault("replica", f'"replica" is {made.replica[:40]!r}', 'Write a short name, such as "a".')
    table.finish()
    return made


def _brokers(table: Table, keyed: bool) -> Brokers:
    urls = tuple(table.texts("brokers"))
    if not urls or not all(url.startswith(("mqtt://", "mqtts://")) for url in urls):
        table.fault("brokers", f'"brokers" is {list(urls)}', 'Write ["mqtt://HOST:1883"], one for each host.')
    secret, password = table.text("secret", ""), table.text("password", "")
    for key, value in (("secret", secret), ("password", password)):
        if value and not value.startswith("file:"):
            table.fault(key, f'"{key}" names no file', f'Write the secret into a file and {key} = "file:NAME".')
    if keyed and not secret:
        table.fault("secret", '"secret" is missing', 'Add secret = "file:pair.key": openssl rand -hex 32 > pair.key.')
    return Brokers(urls, secret, table.text("user", ""), password)


def _clock(table: Table) -> bool:
    watched = table.flag("watch", True)
    table.finish()
    return watched
