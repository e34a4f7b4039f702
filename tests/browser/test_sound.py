"""What is heard at the console: the clip of each stage, once somebody has touched the page."""

from __future__ import annotations


def test_cover_is_said_as_the_relays_say_it_once_the_page_was_touched(run, visit):
    page = visit(run(start=6.0).url)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/clips/" in request.url else None)
    page.locator("[data-test=clock]").click()
    page.wait_for_selector("[data-test=unarmed]", state="detached")
    for _ in range(100):
        if any(".take-cover." in url for url in asked):
            break
        page.wait_for_timeout(100)
    assert any(".take-cover." in url for url in asked), asked
