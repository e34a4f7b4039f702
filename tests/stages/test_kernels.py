"""Compiled kernels are kept for the very sources they were compiled from."""

from __future__ import annotations

from skywarden import kernels


def test_a_change_of_any_source_changes_where_kernels_are_kept(tmp_path, monkeypatch):
    package = tmp_path / "skywarden"
    package.mkdir()
    (package / "kernels.py").write_text("")
    (package / "air.py").write_text("one = 1\n")
    monkeypatch.setattr(kernels, "__file__", str(package / "kernels.py"))
    before = kernels._state()
    assert kernels._state() == before
    (package / "air.py").write_text("one = 11\n")
    assert kernels._state() != before


def test_the_users_own_choice_is_left_alone(monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "elsewhere")
    monkeypatch.setattr(kernels, "_home", lambda: (_ for _ in ()).throw(AssertionError("looked for a folder")))
    kernels.keep_compiled()


def test_a_package_nobody_may_write_to_keeps_its_kernels_with_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kernels, "__file__", "/proc/skywarden/kernels.py")
    assert kernels._home() == tmp_path / "cache" / "skywarden" / "kernels"
