"""Takes the pictures of docs/review.md: the page of `dstill review` in a real Chromium, over the demo's own questions.

    python docs/make_screenshots.py       # `make screenshots`: needs chromium and the extra [dev]

A dataset of the demo's index is made in a temporary folder; nothing of the machine is in the pictures.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterator

ROOT = Path(__file__).parent.parent
PICTURES = Path(__file__).parent / "pictures"
WIDE, NARROW = {"width": 1100, "height": 700}, {"width": 390, "height": 760}
WRONG = '{"query":{"term":{"http.response.status":404}}}'

sys.path.insert(0, str(ROOT / "tests"))  # for support/browser.py


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "dstill"]
        made = ["generate", "--task", "querydsl", "--set", "task.querydsl.rows=300", "--out", "weblogs"]
        subprocess.run([*command, *made], cwd=place, check=True)
        page = subprocess.Popen([*command, "review", "weblogs"], cwd=place, stderr=subprocess.PIPE, text=True)
        try:
            assert page.stderr is not None
            _take(next(line.split()[1] for line in page.stderr if line.startswith("open ")))
        finally:
            page.terminate()
            page.communicate()


def _take(address: str) -> None:
    from support.browser import chromium

    with chromium() as browser:
        page = browser.new_page(viewport=WIDE, color_scheme="light")
        page.goto(address)
        for count, key in enumerate("aaraaaaa", 1):
            page.locator("#question").wait_for()
            page.keyboard.press(key)
            page.locator("#judged", has_text=f"{count} of ").wait_for()
        page.locator("#result", has_text="hits").wait_for()
        for name, prepare in _views(page):
            prepare()
            file = PICTURES / f"review-{name}.png"
            page.screenshot(path=file, animations="disabled")
            _shrink(file)


def _shrink(file: Path) -> None:
    """A page has few colours: a palette of them takes a third of the bytes."""
    from PIL import Image

    with Image.open(file) as picture:
        small = picture.convert("RGB").quantize(64)
    small.save(file, optimize=True)


def _views(page: Any) -> Iterator[tuple[str, Any]]:
    yield "light", lambda: None
    yield "dark", lambda: page.emulate_media(color_scheme="dark")
    page.emulate_media(color_scheme="light")
    yield "edit", lambda: _edit(page)
    page.keyboard.press("Escape")
    yield "narrow", lambda: page.set_viewport_size(NARROW)


def _edit(page: Any) -> None:
    page.keyboard.press("e")
    page.locator("#new-answer").fill(WRONG)
    page.keyboard.press("Control+Enter")
    page.locator("#errors li").first.wait_for()


if __name__ == "__main__":
    main()
