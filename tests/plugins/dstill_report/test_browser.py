"""The page in a real browser: filters, keys, both answers, accessibility, a phone, print, and no network requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from support.browser import chromium, findings, needs_chromium, too_wide

from dstill.answering.efficiency import Timing
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


def n_shown(page: Any) -> int:
    return int(page.locator(".answer:visible").count())


def choose(page: Any, text: str) -> None:
    """Click a chip."""
    page.locator(".chips label", has_text=re.compile(rf"^{text}( |$)")).click()


def test_filters_reduce_the_answers(make_run: Any, show: Any) -> None:
    page = show(Path(write(make_run())["html"]))
    wrong = page.locator('.answer[data-right=""]').count()
    count = page.locator("#count")
    assert count.inner_text() == f"20 of {wrong} shown"
    page.get_by_role("button", name=f"Show all {wrong}").click()
    assert n_shown(page) == wrong
    assert page.evaluate("document.activeElement.parentElement.className") == "answer"  # the first that was hidden
    for name, value in (("label", "invalid"), ("category", "negation"), ("split", "test_unseen_templates")):
        if name == "label":
            choose(page, value)
        else:
            page.locator(f"[name={name}]").select_option(value)
        fitting = page.locator(f'.answer[data-{name}="{value}"][data-right=""]').count()
        assert n_shown(page) == min(fitting, 20) > 0
        assert count.inner_text() == f"{min(fitting, 20)} of {fitting} shown"
        page.get_by_role("button", name="Reset").click()
        page.locator("#count", has_text=f"20 of {wrong} shown").wait_for()
    page.locator("[name=text]").fill("QUARY")  # in the answers, not in the questions
    assert 0 < n_shown(page) == page.locator('.answer[data-label="invalid"]').count() < wrong
    choose(page, "wrong on a test database")
    assert n_shown(page) == 0


def test_right_answers_can_be_seen(report: Path, show: Any) -> None:
    page = show(report)
    choose(page, "right")
    assert page.locator("#count").inner_text() == "20 of 50 shown"
    assert page.locator("#labels").is_hidden()
    first = page.locator(".answer:visible").first
    first.locator("summary").click()
    assert first.locator(".kind").inner_text() == "right"
    assert first.locator("h3").all_inner_texts() == ["Gold and student"]
    assert "term" in first.locator("pre").inner_text()


def test_keys_find_and_open_an_answer(report: Path, show: Any) -> None:
    page = show(report)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # "Skip to the answers"
    assert page.evaluate("document.activeElement.id") == "answers"
    page.keyboard.press("/")
    page.keyboard.type("terms", delay=0)
    assert page.locator("[name=text]").input_value() == "terms"
    few = n_shown(page)
    page.keyboard.press("Escape")
    for key in ("j", "j", "ArrowDown", "k"):
        page.keyboard.press(key)
    focused = page.locator(".answer:visible").nth(1)
    assert page.evaluate("document.activeElement.textContent") == focused.locator("summary").text_content()
    page.keyboard.press("Enter")
    assert focused.get_attribute("open") is not None
    assert n_shown(page) == few > 2
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_both_answers_and_results_are_side_by_side(report: Path, show: Any) -> None:
    page = show(report)
    choose(page, "wrong on a test database")
    answer = page.locator(".answer:visible").first
    answer.locator("summary").click()
    sides = answer.locator(".pair").nth(0).locator("pre")
    assert sides.nth(0).locator("mark").all_inner_texts()[0] == "term"
    assert sides.nth(1).locator("mark").all_inner_texts()[0] == "terms"
    heads = answer.locator(".pair").nth(1).locator("h3").all_inner_texts()
    assert heads == [f"Result of the {side} on test database 'boundaries'" for side in ("gold", "student")]
    found = answer.locator(".pair").nth(1).locator("pre")
    assert found.nth(0).locator("mark").all_inner_texts() == ["3", "w17"]
    assert found.nth(1).locator("mark").all_inner_texts() == ["2"]
    assert answer.locator(".fields").inner_text() == "status long: 500 to 506"
    answer.get_by_role("link").click()
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
    page.locator(".answer summary").first.click()
    body = page.locator(".answer .body").first
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


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_page_has_no_barrier_and_fits_a_phone(make_run: Any, show: Any, scheme: str, width: int) -> None:
    """With everything open that can be opened: axe-core judges contrast, names, order and roles."""
    run = make_run(tests=30)
    run.write("timings.jsonl", [Timing(id=str(n), seconds=0.01 + n / 1000) for n in range(9)])
    page = show(Path(write(run)["html"]), color_scheme=scheme, viewport={"width": width, "height": 800})
    paper = page.evaluate("getComputedStyle(document.querySelector('.panel')).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper)[:3])) < 200) == (scheme == "dark")
    assert page.locator("nav").evaluate("one => getComputedStyle(one).position") == "sticky"
    assert too_wide(page) == []
    page.evaluate("document.querySelectorAll('details:not(.answer)').forEach(one => { one.open = true; })")
    page.locator(".answer:visible summary").first.click()
    assert too_wide(page) == []
    assert findings(page) == []


def test_print_hides_controls_and_limits_answers(make_run: Any, show: Any) -> None:
    page = show(Path(write(make_run(tests=600))["html"]), color_scheme="dark")
    page.locator("#more").click()
    assert n_shown(page) > 50
    page.emulate_media(media="print")
    assert not page.locator("#filters").is_visible()
    assert n_shown(page) == 50
    assert "the first 50" in page.locator(".print-only").inner_text()
    assert page.pdf().startswith(b"%PDF")
