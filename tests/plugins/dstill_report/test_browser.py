"""The page in a real browser: filters, keys, comparison, colour schemes, print, and no network requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from support.browser import chromium, needs_chromium

from dstill.api.records import Level, ResultDiff
from dstill_report.page import write

pytestmark = [needs_chromium, pytest.mark.slow]

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202e\u2066\u200b\x1b[31m'\"&</details></style>"
HIDDEN = "\u202e\u2066\u200b\x1b"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@dataclass
class Observed:
    """Requests and messages of a page, which should be none."""

    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


@pytest.fixture
def observed() -> Observed:
    return Observed()


@pytest.fixture
def show(browser: Any, observed: Observed) -> Iterator[Any]:
    """Open a file; at the end there must be no request and no message in the console."""
    pages = []

    def open_page(file: Path, **context: Any) -> Any:
        page = browser.new_page(**context)
        pages.append(page)
        page.on("request", lambda request: observed.requests.append(request.url))
        page.on("console", lambda message: observed.said.append(message.text))
        page.on("pageerror", lambda error: observed.said.append(str(error)))
        page.on("dialog", lambda dialog: (observed.said.append(dialog.message), dialog.dismiss()))
        page.goto(file.as_uri())
        return page

    yield open_page
    for page in pages:
        page.close()
    assert observed.said == []
    assert [
        url for url in observed.requests if not url.startswith("file:///") or not url.endswith("/report.html")
    ] == []


@pytest.fixture
def report(make_run: Any) -> Path:
    return Path(write(make_run(tests=90))["html"])


def n_visible_failures(page: Any) -> int:
    return int(page.locator(".failure:visible").count())


def test_filters_reduce_the_failures(report: Path, show: Any) -> None:
    page = show(report)
    total, text = n_visible_failures(page), page.content()
    assert page.locator("#count").inner_text() == f"{total} of {total} shown"
    for name, value in (("kind", "invalid"), ("category", "negation"), ("split", "test_unseen_templates")):
        page.get_by_role("combobox").and_(page.locator(f"[name={name}]")).select_option(value)
        assert n_visible_failures(page) == text.count(f'data-{name}="{value}"') > 0
        page.get_by_role("button", name="Reset").click()
        page.locator("#count", has_text=f"{total} of {total} shown").wait_for()
    page.locator("[name=text]").fill("QUARY")  # in the answers, not in the questions
    assert 0 < n_visible_failures(page) == text.count('data-kind="invalid"') < total
    page.locator("[name=kind]").select_option("wrong on a test database")
    assert n_visible_failures(page) == 0


def test_keys_find_and_open_a_failure(report: Path, show: Any) -> None:
    page = show(report)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # "Skip to the failures"
    assert page.evaluate("document.activeElement.id") == "failures"
    page.keyboard.press("/")
    page.keyboard.type("terms", delay=0)
    assert page.locator("[name=text]").input_value() == "terms"
    few = n_visible_failures(page)
    page.keyboard.press("Escape")
    for key in ("j", "j", "ArrowDown", "k"):
        page.keyboard.press(key)
    focused = page.locator(".failure:visible").nth(1)
    assert page.evaluate("document.activeElement.textContent") == focused.locator("summary").text_content()
    page.keyboard.press("Enter")
    assert focused.get_attribute("open") is not None
    assert n_visible_failures(page) == few > 2
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_both_answers_and_results_are_side_by_side(report: Path, show: Any) -> None:
    page = show(report)
    page.locator("[name=kind]").select_option("wrong on a test database")
    failure = page.locator(".failure:visible").first
    failure.locator("summary").click()
    sides = failure.locator(".pair").nth(0).locator("pre")
    assert sides.nth(0).locator("mark").all_inner_texts()[0] == "term"
    assert sides.nth(1).locator("mark").all_inner_texts()[0] == "terms"
    heads = failure.locator(".pair").nth(1).locator("h3").all_inner_texts()
    assert heads == [f"Result of the {side} on test database 'boundaries'" for side in ("gold", "student")]
    found = failure.locator(".pair").nth(1).locator("pre")
    assert found.nth(0).locator("mark").all_inner_texts() == ["3", "w17"]
    assert found.nth(1).locator("mark").all_inner_texts() == ["2"]
    assert failure.locator(".fields").inner_text() == "status long: 500 to 506"
    failure.get_by_role("link").click()
    assert page.locator("#data-0").is_visible()


def test_foreign_text_is_not_interpreted(make_run: Any, judged: Any, record: Any, show: Any) -> None:
    def judge(item: Any, system: str, number: int) -> Any:
        prediction, verdict = judged(item, system, number)
        contrast = ResultDiff(gold=HOSTILE, answer=f"{HOSTILE}2", test_database=HOSTILE)
        wrong = replace(verdict, reached=Level.EXECUTED, reason=HOSTILE, result_diff=contrast)
        return replace(prediction, text=f'{{"{HOSTILE}": 1, "status": 2}}'), wrong

    parts = {"question": HOSTILE, "rationale": HOSTILE, "answer": '{"status": 1}', "category": HOSTILE}
    context = {"index": HOSTILE, "fields": {HOSTILE: HOSTILE}}
    rows = [record(n, "test", id=f"{n}{HOSTILE}", context=context, **parts) for n in range(3)]
    page = show(Path(write(make_run(rows={"test": rows}, judge=judge))["html"]))
    page.locator(".failure summary").first.click()
    body = page.locator(".failure .body").first
    assert body.inner_text().count("<script>alert(1)</script>") >= 6
    assert "\\u202e" in body.inner_text()
    assert page.locator("script").count() == 1
    assert page.locator("img").count() == 0
    assert not set(HIDDEN) & set(page.content())


def test_content_security_policy_blocks_other_scripts(report: Path, browser: Any) -> None:
    bad = report.with_name("bad.html")
    bad.write_text(
        report.read_text().replace(
            "</body>", "<script>document.title = 'changed'</script><img src=x onerror=\"document.title = 'changed'\">"
        )
    )
    page = browser.new_page()
    page.goto(bad.as_uri())
    assert page.title() != "changed"
    page.close()


def luminance(colour: str) -> float:
    """Of ``rgb(17, 20, 26)``, as WCAG 2 has it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_both_schemes_and_on_a_phone(report: Path, show: Any, scheme: str) -> None:
    page = show(report, color_scheme=scheme, viewport={"width": 390, "height": 800})
    page.locator(".failure summary").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    style = "([name, property]) => getComputedStyle(document.querySelector(name))[property]"
    paper = luminance(page.evaluate(style, [".panel", "backgroundColor"]))
    assert (paper < 0.1) == (scheme == "dark")
    for name in ("body", ".muted", ".kind", ".figure", "figure svg text", ".big strong", "td"):
        property = "fill" if "svg" in name else "color"
        low, high = sorted((paper, luminance(page.evaluate(style, [name, property]))))
        assert (high + 0.05) / (low + 0.05) >= 4.5, name
    mark = luminance(page.evaluate(style, ["mark", "backgroundColor"]))
    low, high = sorted((mark, luminance(page.evaluate(style, ["mark", "color"]))))
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_print_hides_controls_and_limits_failures(make_run: Any, show: Any) -> None:
    page = show(Path(write(make_run(tests=600))["html"]), color_scheme="dark")
    assert n_visible_failures(page) > 50
    page.locator("[name=split]").select_option("test_unseen_templates")
    few = n_visible_failures(page)
    page.emulate_media(media="print")
    assert not page.locator("#filters").is_visible()
    assert n_visible_failures(page) == min(few, 50)
    assert "the first 50" in page.locator(".print-only").inner_text()
    assert page.pdf().startswith(b"%PDF")
