"""A record from anywhere is worked on within limits of memory and processor time on the command line too."""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import numpy as np
import pytest

from skywarden.errors import RecordError
from skywarden.record.writer import Header, Recorder
from skywarden.session.verbs import limits
from skywarden.site.load import load


def test_what_asks_for_too_much_memory_gets_a_sentence_and_the_limit_is_taken_off_again(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MEMORY", 200 << 20)
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(RecordError, match="GiB of memory"), limits.limited(tmp_path / "night.rec"):
        np.ones(1 << 28)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    assert np.ones(1 << 20).sum() == 1 << 20


def test_what_never_ends_gets_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "SECONDS", 0.2)
    begun = time.monotonic()

    def never():
        with limits.limited(tmp_path / "night.rec"):
            while time.monotonic() < begun + 60.0:
                pass

    with pytest.raises(RecordError, match="of processor time"):
        never()
    with limits.limited(tmp_path / "night.rec", timed=False):  # somebody watches, and may end it
        end = time.process_time() + 0.4
        while time.process_time() < end:
            pass


def test_a_record_whose_terrain_is_none_is_refused_before_anything_large_is_loaded(tmp_path):
    record = tmp_path / "night.rec"
    recorder = Recorder(record, Header("live", 5, "range", {**load("range").sources, "terrain.npz": b"PK\3\4"}))
    recorder.close()
    asked = (
        "import sys, pathlib\n"
        "from skywarden.errors import RecordError\n"
        "from skywarden.session.verbs.limits import glance\n"
        "try: glance(pathlib.Path(sys.argv[1]))\n"
        "except RecordError as error: print(error)\n"
        "peak = next(x for x in open('/proc/self/status') if x.startswith('VmHWM'))\n"
        "print(int(peak.split()[1]) >> 10, 'numba' in sys.modules)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", asked, record], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert "terrain.npz is no terrain that a site was read with" in said
    mebibytes, numba = said.splitlines()[-1].split()
    assert int(mebibytes) < 128
    assert numba == "False"


def test_a_larger_record_may_take_longer(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "SECONDS", 0.0)
    monkeypatch.setattr(limits, "SECONDS_A_BYTE", 1e-3)
    (tmp_path / "night.rec").write_bytes(bytes(2_000))
    with limits.limited(tmp_path / "night.rec"):
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass
