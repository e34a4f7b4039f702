"""What is installed is what was locked: every package by one version and the hashes of its files, no registry named."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = re.compile(r"[a-z0-9][a-z0-9._-]*(\[[a-z,-]+\])?==[A-Za-z0-9.+!]+( ; .*[^ \\])?")


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock", "requirements-bench.lock"])
def test_every_python_package_is_locked_by_version_and_by_the_hash_of_each_of_its_files(name):
    text = (ROOT / name).read_text("ascii")
    entries = text.replace(" \\\n    --hash", " --hash").splitlines()
    assert len(entries) > 50
    for entry in entries:
        package, *hashes = entry.split(" --hash=sha256:")
        assert PACKAGE.fullmatch(package), entry[:100]
        assert hashes, package
        assert all(re.fullmatch("[0-9a-f]{64}", each) for each in hashes), package
    assert "://" not in text
    assert "@ " not in text


def test_every_package_of_the_page_is_locked_by_its_hash():
    locked = json.loads((ROOT / "web/package-lock.json").read_text("utf-8"))["packages"]
    assert len(locked) > 20
    assert [name for name, package in locked.items() if name and "sha512-" not in package.get("integrity", "")] == []
