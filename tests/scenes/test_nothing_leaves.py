"""Nothing a rehearsal orders can leave the process: every file written, socket opened and program
started during a run with orders is listed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from skywarden.record.reader import Record

# what Python's own `platform` and `ctypes.util` ask
ASKED = {"uname", "lscpu", "/sbin/ldconfig", "gcc", "cc", "ld", "objdump"}

WATCHED = """
import json, os, sys
seen = []
def hear(event, args):
    writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT
    if event == "open" and isinstance(args[0], (str, bytes)) and (args[2] or 0) & writes:
        seen.append(["write", os.fsdecode(args[0])])
    elif event in ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"):
        seen.append([event, repr(args[1])])
    elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "ctypes.dlopen"):
        seen.append([event, str(args[0])])
    elif event == "sqlite3.connect":
        seen.append(["sqlite", os.fsdecode(args[0]) if isinstance(args[0], (str, bytes)) else repr(args[0])])
sys.addaudithook(hear)
from skywarden.pipeline import compiled
compiled.keep_compiled()
out = sys.argv.pop()
from skywarden.cli import app
try:
    app(prog_name="skywarden")
except SystemExit as end:
    assert not end.code, end.code
finally:
    with open(out, "w") as file:
        json.dump([seen, os.environ.get("NUMBA_CACHE_DIR", "")], file)
"""


def test_a_run_with_orders_opens_its_record_and_its_own_page_and_nothing_else(tmp_path):
    record, told = tmp_path / "run.rec", tmp_path / "seen.json"
    scratch = tmp_path / "scratch"      # Python tries whether it may write there; nothing may be left in it
    scratch.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, "run", "kabul-2021-08-30", "--speed", "max", "--duration", "45", "--seed", "5",
            "--port", "0", "--record", str(record),
         str(told)],
        capture_output=True, text=True, timeout=400, check=False, cwd=tmp_path, env={**os.environ,
            "TMPDIR": str(scratch)})
    assert done.returncode == 0, done.stderr
    with Record(record) as opened:
        assert any(moment.drill.orders for moment in opened.moments()), "this run was to give a simulated order"
    seen, kernels = json.loads(told.read_text())
    assert not list(scratch.iterdir())
    # raised warnings, for the page to have them again after a restart
    standing = tmp_path / ".standing-kabul.json"
    assert not standing.exists() or "order" not in standing.read_text()
    ours = {str(record), str(told)}
    for what, where in seen:
        if what == "write":
            # beside the record: compiled kernels and byte code, and the null device
            beside = kernels, str(record), str(scratch), str(standing), "/dev/null"
            assert where in ours or where.startswith(beside) or "__pycache__" in where, where
        elif what == "sqlite":
            assert str(record) in where, where
        elif what == "socket.bind":
            assert "127.0.0.1" in where or "''" in where, where
        elif what == "socket.connect":
            assert "127.0.0.1" in where, where
        else:
            # the machine is asked for its name and libraries; nothing is sent, and no program gets an order
            # the one program of ours compiles kernels, and only where none are kept: it is handed one word and answers
            # with none
            assert what == "ctypes.dlopen" or (what == "subprocess.Popen" and where in {*ASKED,
                sys.executable}), (what, where)

