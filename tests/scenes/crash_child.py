"""Records moments as fast as it can until it is killed, saying after each how many it has written.
Run by test_crash.py.
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from builders import a_moment

from skywarden.record.writer import Header, Recorder

recorder = Recorder(sys.argv[1], Header("simulation", 0, "test", {"site.toml": b""}, "test", {"test.toml": b""},
    int(sys.argv[2]), None))
for i in count():
    recorder.take(a_moment(0.25 * i, 30, int(sys.argv[2])))
    print(i + 1, flush=True)
