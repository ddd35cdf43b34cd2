"""The system's Chromium, for tests of pages.

    pytestmark = needs_chromium          # skipped where there is none; with DSTILL_REQUIRE_LIVE=1 that is a failure
    with chromium() as browser:          # of playwright
        page = browser.new_page()

`CHROMIUM_PATH` names another executable than the first that is found.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import Any, Iterator

import pytest

__all__ = ["CHROMIUM", "chromium", "needs_chromium"]

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("CHROMIUM_PATH") or next((path for name in NAMES if (path := shutil.which(name))), None)
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
