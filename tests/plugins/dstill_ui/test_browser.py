"""The pages in a real browser, as a team uses them: no barriers, no overflow, nothing from elsewhere, no errors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from support.browser import findings, needs_chromium, too_wide, visits

pytestmark = [needs_chromium, pytest.mark.slow]

TOKEN = "a-token-of-the-tests-0123456789"
HOSTILE = "<img src=x onerror=alert(1)>&'\"#?%2F..\u202egpj"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_team_uses_every_page(browser: Any, start: Any, runs: Path, scheme: str, width: int) -> None:
    (runs / "damaged").mkdir()
    (runs / "damaged" / "run.json").write_text("{")
    shutil.copytree(runs / "tea", runs / HOSTILE)
    address = start(token=TOKEN).address
    how = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    with visits(browser) as visit:
        page = visit(address, ".login", **how)
        is_clean(page)
        log_in(page, "ada")
        use_list(page)
        use_comparison(page)
        use_report(page)
        use_playground(page)
        page.get_by_role("link", name="Review of milk").click()
        judge(page)
        # the browser itself logs a reply with an error
        other = visit(f"{address}/runs/milk/review/", ".login", excused=lambda message: "409" in message.text, **how)
        log_in(other, "bob")
        other.locator(".bad", has_text="ada reviews 'milk'").wait_for()
        is_clean(other)
        page.locator("#finish").click()
        page.get_by_role("button", name="Log out").click()
        page.locator(".login").wait_for()
    (decision,) = [json.loads(line) for line in (runs / "milk" / "review.jsonl").read_text().splitlines()]
    assert (decision["decision"], decision["who"]) == ("accept", "ada")


def is_clean(page: Any) -> None:
    assert findings(page) == []
    assert too_wide(page) == []


def log_in(page: Any, name: str) -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    page.locator(".login").wait_for(state="detached")


def use_list(page: Any) -> None:
    page.locator("#choose").wait_for()
    assert page.evaluate("document.cookie") == ""
    assert page.locator(".person").inner_text().startswith("ada")
    assert page.locator(".runs img").count() == 0
    assert page.locator("#compare").is_disabled()
    is_clean(page)


def use_comparison(page: Any) -> None:
    for box in page.get_by_role("checkbox").all():
        box.check()
    assert page.locator("#compare").inner_text() == "Compare 2 runs"
    page.locator("#compare").click()
    page.locator(".sentences", has_text="No item tells them apart").wait_for()
    is_clean(page)
    page.get_by_role("link", name="All runs").click()


def use_report(page: Any) -> None:
    page.get_by_role("link", name="Report of <img").click()
    page.locator("#verdict").wait_for()
    assert page.locator("#count").inner_text() == "1 of 1 shown"  # its script runs
    assert page.evaluate("self.origin") == "null"  # … in a sandbox
    is_clean(page)
    page.go_back()


def use_playground(page: Any) -> None:
    page.get_by_role("link", name="Playground of tea").click()
    page.locator("#state", has_text="model ready").wait_for()
    page.locator("#question").fill("what is tea?")
    page.keyboard.press("Enter")
    page.locator("#asked", has_text="what is tea?").wait_for()
    is_clean(page)
    page.get_by_role("link", name="All runs").click()


def judge(page: Any) -> None:
    page.locator("#row").wait_for()
    expect(page.locator("#result")).not_to_have_text("…")
    page.keyboard.press("a")
    page.locator("#judged", has_text="1 of ").wait_for()
    is_clean(page)
