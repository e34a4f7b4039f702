"""Run every benchmark in this folder, one after the other, each in a process of its own; prints
their ratios. `make bench`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    failed = []
    for file in sorted(Path(__file__).parent.glob("*.py")):
        if file.name != Path(__file__).name and not file.name.startswith("_"):
            print(f"\n== {file.stem}", flush=True)
            if subprocess.run([sys.executable, str(file)], check=False).returncode != 0:
                failed.append(file.stem)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
