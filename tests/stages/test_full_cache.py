"""A disk that takes no compiled kernel costs the next start its time, and this one nothing."""

from __future__ import annotations

import subprocess
import sys

CHILD = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from skywarden.pipeline.compiled import survive_full_disk
survive_full_disk()
survive_full_disk()
import made
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
assert made.twice(21) == 42
"""


def test_a_kernel_is_used_although_no_copy_of_it_can_be_kept(tmp_path):
    (tmp_path / "made.py").write_text("from numba import njit\n\n@njit(cache=True)\ndef twice(x):\n    return 2 * x\n")
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False,
        env={"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr
