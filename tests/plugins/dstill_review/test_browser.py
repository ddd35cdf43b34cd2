"""The page in a real browser: access, keys, checked edits, a kill, and hostile rows."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.browser import needs_chromium, visits
from support.inert import ENCODABLE, NAME, READABLE, hidden

from dstill.api.metric import wilson
from dstill.api.records import Record
from dstill.io.inert import visible
from dstill.runs.run import Run

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """A page of a new context that shows a row. `icon`: whether the icon must load."""
    with visits(browser) as opened:

        def visit(address: str, *, icon: bool = True, **how: Any) -> Any:
            def is_expected(message: Any) -> bool:
                return not icon and str(message.location["url"]).endswith("/icon.svg")

            return opened(address, "#row", excused=is_expected, **how)

        yield visit


def wait_until_judged(page: Any, count: int) -> None:
    page.locator("#judged", has_text=re.compile(rf"^{count} of ")).wait_for()


def decisions(run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.folder / "review.jsonl").read_text().splitlines()]


def test_address_admits_one_browser_once(make_run: Any, serve_in_thread: Any, browser: Any, visit: Any) -> None:
    access = serve_in_thread(make_run())
    page = visit(access.address)
    page.locator("#question", has_text="what does box").wait_for()
    assert page.url == f"http://{access.hosts[0]}/"  # the token is gone from the address
    (cookie,) = page.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert page.evaluate("document.cookie") == ""
    page.reload()
    page.locator("#question", has_text="what does box").wait_for()

    other = browser.new_context()
    for address in (access.address, page.url, f"{page.url}?token=0", f"{page.url}state"):
        refused = other.new_page().goto(address)
        assert refused.status == 403
        assert "box" not in refused.text()
    other.close()


def test_keys_judge_rows(make_run: Any, serve_in_thread: Any, visit: Any, record: Callable[..., Record]) -> None:
    run = make_run([record(n, "plain" if n % 2 else "other") for n in range(12)], review__reviewer="somebody")
    page = visit(serve_in_thread(run).address)
    seen, places = [], Counter()
    for count, key in enumerate("aara", 1):
        seen.append(page.locator("#question").inner_text())
        category = page.locator("#where").inner_text().split(" ")[0]
        places[category] += 1
        assert page.locator("#where").inner_text().startswith(f"{category} ({places[category]} of 6) · train")
        page.keyboard.press(key)
        wait_until_judged(page, count)
    low, high = wilson(3, 4)
    assert page.locator("#rate").inner_text() == f"accepted 75.0 % [{100 * low:.1f}, {100 * high:.1f}]"
    assert page.evaluate("[bar.value, bar.max]") == [4, 12]
    rows = decisions(run)
    assert [row["decision"] for row in rows] == ["accept", "accept", "reject", "accept"]
    assert {row["who"] for row in rows} == {"somebody"}
    assert len(set(seen)) == 4
    assert [f"what does box {row['id'][1:]} say?" for row in rows] == seen


def test_undo_shows_the_row_again(make_run: Any, serve_in_thread: Any, visit: Any) -> None:
    run = make_run()
    page = visit(serve_in_thread(run).address)
    first = page.locator("#question").inner_text()
    page.keyboard.press("r")
    wait_until_judged(page, 1)
    assert page.locator("#question").inner_text() != first
    page.keyboard.press("u")
    wait_until_judged(page, 0)
    assert page.locator("#question").inner_text() == first
    assert page.locator("#rate").inner_text() == ""
    page.keyboard.press("a")
    wait_until_judged(page, 1)
    assert [row["decision"] for row in decisions(run)] == ["reject", "undo", "accept"]


def test_edit_must_pass_every_check_and_the_engine(make_run: Any, serve_in_thread: Any, visit: Any) -> None:
    run = make_run()
    page = visit(serve_in_thread(run).address)
    page.keyboard.press("e")
    assert json.loads(page.locator("#new-answer").input_value())["say"].startswith("word")
    refusals = {
        '{"say":': "json: not strict JSON",
        '{"say": "x", "script": "y"}': "guard: refused: scripts are not allowed · /script",
        '{"say": "!"}': "engine: nobody says !",
        '["say"]': 'json: not an object · write {"say": …}',
    }
    for text, message in refusals.items():
        page.locator("#new-answer").fill(text)
        page.keyboard.press("Control+Enter")
        page.locator("#errors li", has_text=message).wait_for()
    assert not (run.folder / "review.jsonl").exists()
    page.keyboard.press("a")  # a letter of the text, no decision
    page.locator("#new-answer").fill('{\n "say": "better"\n}')
    page.keyboard.press("Control+Enter")
    wait_until_judged(page, 1)
    assert page.locator("#editor").is_hidden()
    (row,) = decisions(run)
    assert (row["decision"], row["answer"]) == ("edit", '{"say":"better"}')
    assert row["rationale"] == f"box {row['id'][1:]} says so"
    after = run.records("train")
    assert {r.answer for r in after if r.id == row["id"]} == {'{"say":"better"}'}


def test_review_resumes_after_a_kill(make_run: Any, serve: Any, visit: Any) -> None:
    run = make_run()
    served = serve(run.folder)
    page = visit(served.address)
    for count, key in enumerate("ars", 1):
        page.keyboard.press(key)
        wait_until_judged(page, min(count, 2))
    page.locator("#message", has_text="Skipped").wait_for()
    page.reload()
    wait_until_judged(page, 2)
    shown = page.locator("#question").inner_text()
    page.context.close()  # pending requests (a row's result, the icon) would fail with the kill and be reported
    served.ended(by=signal.SIGKILL)
    with (run.folder / "review.jsonl").open("a") as file:  # as a kill in the middle of a row leaves it
        file.write('{"schema_version":1,"id":"q')
    page = visit(serve(run.folder).address)
    wait_until_judged(page, 2)
    assert page.locator("#question").inner_text() == shown
    page.keyboard.press("a")
    wait_until_judged(page, 3)
    assert [row["decision"] for row in decisions(run)] == ["accept", "reject", "skip", "accept"]


HOSTILE = "<img src=//evil.example/x onerror=alert(1)><script>alert(2)</script>"
BIDI = "\u202egnirts\u202c \u0007\u200b"


def test_page_escapes_as_the_console_does(make_run: Any, serve_in_thread: Any, visit: Any) -> None:
    texts = [*ENCODABLE, READABLE]
    assert visit(serve_in_thread(make_run(1)).address).evaluate("texts => texts.map(visible)", texts) == [
        *map(visible, texts)
    ]


def test_row_text_is_not_interpreted_and_fully_visible(
    make_run: Any, serve_in_thread: Any, visit: Any, record: Callable[..., Record]
) -> None:
    answer = json.dumps({"say": HOSTILE + BIDI, HOSTILE: [BIDI, {"deep": "x"}]})
    row = record(
        1, HOSTILE, question=HOSTILE + BIDI, rationale=BIDI + HOSTILE, answer=answer, context={"say": HOSTILE + BIDI}
    )
    run = make_run([row])
    run.folder = run.folder.rename(run.folder.parent / NAME)
    page = visit(serve_in_thread(run).address)
    page.locator("#result", has_text="it says").wait_for()
    assert not hidden(page.title() + page.locator("#run").inner_text())
    for id in ("question", "rationale", "answer", "used", "result", "where"):
        assert "<script>alert(2)</script>" in page.locator(f"#{id}").inner_text()
    text = page.locator("body").inner_text()
    assert r"\u202egnirts\u202c \u0007\u200b" in text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\u0007]", text)
    assert page.locator("#main img, #main script").count() == 0
    page.keyboard.press("e")
    assert BIDI not in page.locator("#new-answer").input_value()
    assert json.loads(page.locator("#new-answer").input_value()) == json.loads(answer)  # escapes mean the same
    page.keyboard.press("Escape")


def test_refused_edit_is_not_executed(
    make_run: Any, serve_in_thread: Any, visit: Any, record: Callable[..., Record], review_project: Path
) -> None:
    run = make_run([record(1, answer='{"script":"x"}')])
    page = visit(serve_in_thread(run).address)
    page.locator("#result", has_text="not run: refused: scripts are not allowed").wait_for()
    assert page.locator("#problems").inner_text() == "error, guard: refused: scripts are not allowed · /script"
    assert not (review_project / "ran.txt").exists()


def test_keyboard_is_sufficient(make_run: Any, serve_in_thread: Any, visit: Any, record: Callable[..., Record]) -> None:
    run = make_run([record(1, answer='{"say":{"deep":"x"}}')])
    page = visit(serve_in_thread(run).address)
    page.locator("#answer summary").first.wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.parentElement.parentElement.id") == "answer"
    assert page.locator("#answer").get_by_text("deep").is_visible()
    page.keyboard.press("Enter")
    assert page.locator("#answer").get_by_text("deep").is_hidden()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("#rest").get_by_text("script").is_visible()
    page.keyboard.press("?")
    assert page.locator("#manual").is_visible()
    page.keyboard.press("r")  # not while the help is there
    page.keyboard.press("Escape")
    assert page.locator("#manual").is_hidden()
    assert not (run.folder / "review.jsonl").exists()
    page.keyboard.press("Control+a")
    page.keyboard.press("a")
    page.locator("#done").wait_for()
    assert "1 accepted" in page.locator("#summary").inner_text()


@pytest.mark.parametrize("width", [320, 1200])
def test_page_fits_the_window_in_light_and_dark(make_run: Any, serve_in_thread: Any, visit: Any, width: int) -> None:
    run = make_run()
    page = visit(serve_in_thread(run).address, viewport={"width": width, "height": 700}, color_scheme="dark")
    page.locator("#result", has_text="it says").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.emulate_media(color_scheme="light")
    assert page.evaluate(ground) != dark


def test_finish_ends_the_command(make_run: Any, serve: Any, visit: Any) -> None:
    run = make_run()
    served = serve(run.folder, "--json")
    # the browser may request the icon after the server has stopped
    page = visit(served.address, icon=False)
    page.locator("#result", has_text="it says").wait_for()
    page.keyboard.press("a")
    wait_until_judged(page, 1)
    page.locator("#result", has_text="it says").wait_for()  # of the next row: it would fail when the server stops
    page.locator("#finish").click()
    page.locator("#message", has_text="Finished").wait_for()
    code, out, err = served.ended()
    assert (code, err) == (0, "")
    facts = json.loads(out.splitlines()[-1])
    assert (facts["judged"], facts["accepted"], facts["sample"], facts["rate"]) == (1, 1, 12, 1.0)
    assert facts["low"] == pytest.approx(wilson(1, 1)[0])
    assert facts["categories"]["plain"] == {"sample": 12, "judged": 1, "accepted": 1}
