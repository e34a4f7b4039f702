"""`skywarden region`: the bases of region.toml in one page. It reaches neither defence nor
simulator.
"""

from __future__ import annotations

import logging
from pathlib import Path

from skywarden.alerts.secret import read_key, read_secret
from skywarden.errors import Fault, InputError
from skywarden.files.text import read_bytes
from skywarden.files.toml import Document
from skywarden.region.hub import Region
from skywarden.session.ending import stopping
from skywarden.session.service import logs
from skywarden.standby.brokers import broker_of

PORT = 8090


def run_region(path: Path) -> None:
    """Show the bases until told to stop. Raises InputError for a file that is wrong, UsageError for
    what cannot be.

    path  file of the region
    """
    faults: list[Fault] = []
    content = read_bytes(path, faults)
    document = Document(str(path), content, faults) if content is not None else None
    if document is None or document.data is None:
        raise InputError(*faults)
    root = document.root()
    urls, secret = root.texts("brokers"), root.text("secret")
    user, password = root.text("user", ""), root.text("password", "")
    host, port = root.text("host", "127.0.0.1"), root.integer("port", PORT, 0, 65535)
    if not urls:
        root.fault("brokers", "no broker is named", 'Write brokers = ["mqtt://HOST:1883"].')
    for name, value in (("secret", secret), ("password", password)):
        if value and not value.startswith("file:"):
            root.fault(name, f'"{name}" names no file', f'Write the secret into a file and {name} = "file:NAME".')
    root.finish()
    if faults:
        raise InputError(*faults)
    logs.begin()
    log = logging.getLogger("skywarden.region")
    key = read_key(secret, path.parent, "region").reveal()
    hidden = read_secret(password, path.parent, "broker").reveal().decode() if password else ""
    region = Region(key, [broker_of(url, user, hidden) for url in urls])
    try:
        log.info("region: %s", region.show(host, port))
        with stopping() as stop:
            stop.wait()
    finally:
        region.close()
