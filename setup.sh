#!/usr/bin/env bash
# Sets up .venv with the packages of one lock file and Skywarden itself. Called by the Makefile; safe to call again.
set -euo pipefail
cd "$(dirname "$0")"
lock=$1
python=${PYTHON:-python3}

command -v "$python" >/dev/null || { echo "Skywarden needs Python 3.11 or newer; '$python' was not found. Install python3, or set PYTHON=/path/to/python3.11." >&2; exit 2; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Skywarden needs Python 3.11 or newer; '$python' is $("$python" -V). Set PYTHON=/path/to/python3.11." >&2; exit 2; }
if [ ! -x .venv/bin/python ]; then
    echo "setting up .venv with $("$python" -V) …" >&2
    "$python" -m venv .venv || { rm -rf .venv; echo "Python could not make a virtual environment. On Debian: apt install python3-venv." >&2; exit 2; }
fi
echo "installing the packages of $lock (once; about a minute after downloads) …" >&2
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps -r "$lock"   # it names all, each with its hash
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
