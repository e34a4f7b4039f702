"""A temporary folder that takes no more: the pages go on, say so, and look back again when there is room."""

from __future__ import annotations

import resource

from scenes.test_sinks import Child, page_of


def faults(message):
    return " ".join(str(channel.get("fault") or "") for channel in message.get("channels", ()))


def test_a_full_temporary_folder_is_named_pages_go_on_and_all_is_well_when_there_is_room():
    child = Child("mixed-salvo-50")
    with child, page_of(child.url()) as heard:
        heard(lambda m: m["type"] == "frame", "a picture")
        resource.prlimit(child.process.pid, resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))
        heard(lambda m: "temporary folder takes no more" in faults(m), "the full folder is named")
        at = heard(lambda m: m["type"] == "frame", "a picture although it is full")["t"]
        heard(lambda m: m["type"] == "frame" and m["t"] > at + 1.0, "a second later")
        resource.prlimit(child.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        heard(lambda m: m.get("channels") and "temporary folder" not in faults(m), "it is well again")
        summary = child.end()
    assert child.process.returncode == 0, child.said
    assert summary["frames"] > 0
