"""The system's Chromium, for tests of pages.

    pytestmark = needs_chromium          # skipped where there is none; with DSTILL_REQUIRE_LIVE=1 that is a failure
    with chromium() as browser:          # playwright's
        with visits(browser) as visit:   # checks at its end that nothing was fetched from elsewhere or went wrong
            page = visit("http://127.0.0.1:8000", "#main")
            assert findings(page) == []  # of axe-core, an accessibility checker

`CHROMIUM_PATH` names another executable than the first that is found.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import pytest

__all__ = ["CHROMIUM", "PATIENCE", "chromium", "findings", "needs_chromium", "too_wide", "visits"]

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("CHROMIUM_PATH") or next((path for name in NAMES if (path := shutil.which(name))), None)
PATIENCE = 60_000  # milliseconds: a busy machine is slow
REQUIRED = os.environ.get("DSTILL_REQUIRE_LIVE") == "1"
needs_chromium = pytest.mark.skipif(CHROMIUM is None and not REQUIRED, reason="needs chromium")


@contextlib.contextmanager
def chromium(**how: Any) -> Iterator[Any]:
    """A headless browser; `how` is for playwright's ``launch``."""
    if CHROMIUM is None:
        pytest.fail("DSTILL_REQUIRE_LIVE=1, and there is no chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"], **how)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def visits(browser: Any) -> Iterator[Callable[..., Any]]:
    """Gives a function that opens an address in a new context and waits until the selector `shown` appears.

    Any message on the browser's console is a failure, except where `excused(message)`.
    """
    contexts, hosts, wrong = [], set[str](), list[str]()

    def visit(address: str, shown: str, *, excused: Callable[[Any], bool] = lambda message: False, **how: Any) -> Any:
        def on_console(message: Any) -> None:
            if not excused(message):
                wrong.append(f"{message.type}: {message.text}")

        context = browser.new_context(**how)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: hosts.add(urllib.parse.urlsplit(request.url).netloc))
        page.on("console", on_console)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(f"dialog {dialog.message}"))
        page.goto(address)
        page.locator(shown).wait_for()
        return page

    yield visit
    for context in contexts:
        context.close()
    assert {host.partition(":")[0] for host in hosts} <= {"127.0.0.1"}
    assert wrong == []


def findings(page: Any) -> list[str]:
    """What axe-core finds in a page as it is shown now, with the first element of each."""
    from axe_playwright_python.sync_playwright import Axe

    targets = {"rules": {"target-size": {"enabled": True}}}  # at least 24 pixels
    found = Axe().run(page, options={"resultTypes": ["violations"], **targets}).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


def too_wide(page: Any) -> list[str]:
    """What is wider than its place: the page itself, or a part that has to be scrolled to the side, except `nav`."""
    found: list[str] = page.evaluate(WIDE)
    return found


WIDE = """() => [document.documentElement, ...document.querySelectorAll("body :not(nav)")].filter((one) => {
  const clips = one === document.documentElement || getComputedStyle(one).overflowX !== "visible";
  return clips && one.clientWidth && one.scrollWidth > one.clientWidth + 1;
}).map((one) => `${one.tagName} ${one.id} ${one.className}: ${one.textContent.trim().slice(0, 80)}`)"""
