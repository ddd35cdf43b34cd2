"""The page in a real browser: questions, answers, fields, hostile text, a token, accessibility, small windows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.browser import findings, needs_chromium, too_wide, visits
from support.inert import ENCODABLE, READABLE
from support.shop import BIDI, HOSTILE

from dstill.inputs.feedback import read
from dstill.io.inert import visible
from dstill.runs.folder import data_file
from dstill.runs.run import Run

pytestmark = [needs_chromium, pytest.mark.slow]

TOKEN = "a-token-of-the-tests-0123456789"


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """A page of a new context, loaded."""
    with visits(browser) as opened:

        def visit(address: str, wait: str = "#main", **how: Any) -> Any:
            # the browser itself logs refused requests
            page = opened(address, wait, excused=lambda message: "Failed to load resource" in message.text, **how)
            if wait == "#main":
                wait_until_loaded(page)
            return page

        yield visit


def wait_until_loaded(page: Any) -> None:
    """Wait until the page has loaded the state of the server and set the focus."""
    page.locator("#state", has_text=re.compile("^model ")).wait_for()


def ask(page: Any, question: str) -> None:
    page.locator("#question").fill(question)
    page.keyboard.press("Enter")
    page.locator("#asked", has_text=question[:40]).wait_for()


def lines(page: Any, selector: str) -> list[str]:
    found: list[str] = page.locator(selector).all_inner_texts()
    return found


def test_next_question_may_go_on_from_the_answer(server: Any, visit: Any) -> None:
    page, sent = visit(server.address), list[Any]()
    page.on("request", lambda request: sent.append(request.post_data_json) if "v1/query" in request.url else None)
    assert not page.locator("#after").is_visible()
    ask(page, "what is tea?")
    page.locator("#before", has_text="what is tea?").wait_for()
    ask(page, "what is coffee?")
    page.locator("#before", has_text="what is coffee?").wait_for()
    page.locator("#anew").click()
    assert not page.locator("#after").is_visible()
    ask(page, "what is milk?")
    asked = {"question": "what is tea?", "answer": '{"say": "tea"}'}
    assert [row.get("after") for row in sent] == [None, asked, None]


def test_question_shows_its_answer(server: Any, visit: Any) -> None:
    page = visit(server.address)
    assert page.title() == "tea · dstill playground"
    assert page.locator("#state").inner_text() == "model ready · engine reachable"
    assert page.evaluate("document.activeElement.id") == "question"
    ask(page, "what is tea?")
    assert page.locator("#rationale").inner_text() == "tea is a word"
    assert page.locator("#body").inner_text() == '{"say": "tea"}'
    assert lines(page, "#checks li") == ["✓json", "✓guard"]
    assert lines(page, "#tables caption, #tables th, #tables td") == ["hits", "n", "said", "1", "tea"]
    assert lines(page, "#fields .used dt") == ["say"]
    words = page.locator("#verdict").inner_text()
    assert words.startswith("a guess: how likely it is right is not known · passes the checks and runs · ")
    assert page.evaluate("document.activeElement.id") == "asked"


def test_other_answers_are_below_the_result(server: Any, visit: Any) -> None:
    page = visit(server.address)
    ask(page, "what is it, maybe?")
    assert lines(page, "#readings p, #readings td") == ['{"say": "tea"}', "1", "tea"]
    page.get_by_role("button", name="Take this one").click()
    assert page.locator("#body").inner_text() == '{"say": "tea"}'
    assert lines(page, "#tables td") == ["1", "tea"]
    assert page.locator("#alternatives").is_hidden()
    assert page.evaluate("document.activeElement.id") == "asked"
    ask(page, "what is tea?")
    assert page.locator("#alternatives").is_hidden()


def test_data_of_a_question_can_be_chosen(run: Run, serve_in_thread: Any, visit: Any) -> None:
    """The menu has the noun of the task; the list of fields follows the choice."""
    first, *others = run.records("test")
    run.write(data_file("test"), [replace(first, context={"index": "cafe"}), *others])
    page = visit(serve_in_thread().address)
    assert page.locator("#of-data").inner_text().startswith("Index")
    assert lines(page, "#data option") == ["shop", "cafe"]
    page.locator("#data").select_option("cafe")
    assert page.locator("#h-fields").text_content() == "fields of cafe"
    with page.expect_request("**/v1/query") as asked:
        ask(page, "what is tea?")
    assert asked.value.post_data_json["data"] == "cafe"


def test_answer_is_in_colours_with_exact_numbers(server: Any, visit: Any) -> None:
    page = visit(server.address)
    ask(page, "what is nested?")
    assert page.locator("#body").inner_text().splitlines()[1:3] == ['  "say": "nested",', '  "bool": {']
    assert lines(page, "#body .key")[:2] == ['"say"', '"bool"']
    assert lines(page, "#body .number") == ["12345678901234567890", "1", "2"]
    assert lines(page, "#body .string") == ['"nested"']


def test_answer_is_copied_in_the_form_that_is_shown(server: Any, visit: Any) -> None:
    page = visit(server.address)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, "what is tea?")
    assert lines(page, "#forms span") == ["Answer", "shell", "Python"]
    page.get_by_label("shell").check()
    assert page.locator("#body").inner_text() == """say '{"say": "tea"}'"""
    page.locator("#copy").click()
    page.locator("#message", has_text="Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == """say '{"say": "tea"}'"""
    ask(page, "what is a script?")  # refused by the guard: nothing to run elsewhere
    assert page.locator("#forms").is_hidden()
    ask(page, "what is coffee?")
    assert page.get_by_label("shell").is_checked()


def test_figures_of_a_result_are_bars(server: Any, visit: Any) -> None:
    page = visit(server.address)
    ask(page, "what is nested?")
    bars = page.locator("#tables .bar")
    assert bars.all_inner_texts() == ["12", "3"]
    shares = bars.evaluate_all("all => all.map((one) => one.style.getPropertyValue('--share'))")
    assert shares == ["100%", "25%"]
    ask(page, "what is tea?")
    assert bars.count() == 0  # one row shows nothing


def test_figures_over_time_are_a_curve_and_rows_come_in_pages(server: Any, visit: Any) -> None:
    page = visit(server.address)
    ask(page, "what is monthly?")
    assert page.locator(".curve figcaption").inner_text() == "sold: at most 1,047, month 2026-12"
    assert lines(page, ".curve .ends span") == ["2023-01", "2026-12"]
    places = page.locator(".curve polyline").get_attribute("points").split()
    assert (places[0][:2], places[-1], len(places)) == ("0,", "1000,0", 48)
    assert page.locator("#tables .bar").count() == 0
    rows = page.locator("#tables tbody tr")
    before, after = page.get_by_text("Previous rows"), page.get_by_text("Next rows")
    assert (rows.count(), before.is_disabled()) == (20, True)
    assert page.locator(".pager span").inner_text() == "1 to 20 of 48"
    after.click()
    after.click()
    assert lines(page, "#tables tbody tr:last-child td") == ["2023-01", "1,000"]
    assert (rows.count(), after.is_disabled()) == (8, True)
    before.click()
    assert page.locator(".pager span").inner_text() == "21 to 40 of 48"
    ask(page, "what is tea?")
    assert page.locator(".pager, .curve").count() == 0


def test_questions_that_are_typed_meanwhile_wait_their_turn(server: Any, visit: Any) -> None:
    page = visit(server.address)
    Path("hold").touch()
    for question in ("what is tea?", "what is coffee?", "what is wrong?", "what is nested?"):
        page.locator("#question").fill(question)
        page.keyboard.press("Enter")
    assert lines(page, "#queue span") == ["what is coffee?", "what is wrong?", "what is nested?"]
    page.locator("#queue li", has_text="wrong").get_by_role("button").click()
    page.locator("#question").fill("half a quest")  # the answers leave the keyboard to who types
    Path("hold").unlink()
    page.locator("#asked", has_text="what is nested?").wait_for()
    assert page.locator("#history li").all_text_contents() == ["?what is nested?", "?what is coffee?", "?what is tea?"]
    assert page.locator("#queue li").count() == 0
    assert page.evaluate("document.activeElement.id") == "question"


def test_checks_are_listed_by_layer(server: Any, visit: Any) -> None:
    page = visit(server.address)
    ask(page, "what is a script?")
    assert lines(page, "#checks li") == ["✓json", "✗guard: refused: scripts are not allowed · /script"]
    assert page.locator("#verdict").inner_text().startswith("invalid: refused: scripts are not allowed")
    assert page.locator("#ran").is_hidden()
    ask(page, "what is broken?")
    first, second = lines(page, "#checks li")
    assert first.startswith("✗json: not strict JSON")
    assert second == "–guard: not run"
    assert page.locator("#body").inner_text() == '{"say":'
    ask(page, "what is secret?")
    assert page.locator("#verdict").inner_text().startswith("the student refused to answer")


def test_confidence_and_abstention_are_shown(calibrated: Run, serve_in_thread: Any, visit: Any) -> None:
    page = visit(serve_in_thread(calibrated, max_wrong=0.1).address)
    ask(page, "what is tea?")
    assert page.locator("#verdict").inner_text().startswith("passes the checks and runs · confidence 0.9")
    assert page.locator("#verdict").get_attribute("class") == ""
    ask(page, "what is tea, perhaps?")
    assert page.locator("#verdict").inner_text().startswith("abstained: the confidence of 0.0")
    assert page.locator("#verdict").get_attribute("class") == "guess"
    assert page.locator("#body").inner_text() == "(abstained)"
    assert page.locator("#history .mark").all_inner_texts() == ["–", "✓"]


COLOURS = """() => [...document.querySelectorAll("main, main *")].filter((one) => one.offsetParent).flatMap((one) => {
  const style = getComputedStyle(one);
  return [style.color, style.backgroundColor, style.borderLeftColor];
})"""


def rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = map(float, re.findall(r"[\d.]+", colour)[:3])
    return red, green, blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_answer_that_passes_the_checks_is_not_green_and_a_guess_is_amber(
    calibrated: Run, serve_in_thread: Any, visit: Any, scheme: str
) -> None:
    page = visit(serve_in_thread(calibrated).address, color_scheme=scheme)
    for question, guess in (("what is tea?", False), ("what is tea, perhaps?", True)):
        ask(page, question)
        page.locator("#checks li").first.wait_for()
        assert lines(page, "#checks li") == ["✓json", "✓guard"]
        found = {rgb(colour) for colour in page.evaluate(COLOURS)}
        assert {one for one in found if one[1] > 1.15 * max(one[0], one[2])} == set()
        red, green, blue = rgb(page.locator("#verdict").evaluate("one => getComputedStyle(one).color"))
        assert (red > green > 1.3 * blue) == guess
        assert (
            page.locator("#verdict").inner_text().startswith("a guess: it is more likely wrong" if guess else "passes")
        )


def test_unavailable_engine_still_shows_the_answer(server: Any, visit: Any) -> None:
    page = visit(server.address)
    Path("down").touch()
    ask(page, "what is tea?")
    assert page.locator("#body").inner_text() == '{"say": "tea"}'
    assert page.locator("#outcome").inner_text() == "unavailable: the till is closed"
    assert "the engine is unavailable" in page.locator("#message").inner_text()
    ask(page, "what is wrong?")
    Path("down").unlink()
    page.locator("#execute").uncheck()
    ask(page, "what is coffee?")
    assert page.locator("#ran").is_hidden()


def test_fields_are_listed_and_filtered(server: Any, visit: Any) -> None:
    page = visit(server.address)
    assert page.locator("#h-fields").inner_text().lower() == "fields of shop"
    assert lines(page, "#fields dt") == ["say", "price", "when", "who"]
    page.locator("#filter").fill("KEYWORD")
    assert lines(page, "#fields dt") == ["who"]
    assert page.locator("#found").inner_text() == "1 of 4"
    page.locator("#filter").fill("wh")
    assert lines(page, "#fields dt") == ["when", "who"]
    page.locator("#filter").fill("nothing")
    assert lines(page, "#fields dt") == []


def test_click_asks_an_example(server: Any, visit: Any) -> None:
    page = visit(server.address)
    first = lines(page, "#examples li")
    assert len(first) == 6
    page.locator("#others").click()
    assert len({*first, *lines(page, "#examples li")}) == 9  # of 10: one is to be refused
    page.locator("#others").click()
    assert lines(page, "#examples li") == first
    page.locator("#examples button", has_text="what is nested?").click()
    page.locator("#asked", has_text="what is nested?").wait_for()
    assert page.locator("#question").input_value() == "what is nested?"


def test_history_stays_in_the_browser_until_cleared(server: Any, visit: Any) -> None:
    page = visit(server.address)
    assert page.locator("#of-history").is_hidden()
    for question in ("what is tea?", "what is a script?", "what is tea?"):
        ask(page, question)
        page.locator("#message", has_text=re.compile("^$")).wait_for(state="attached")
    kept = page.locator("#history li").all_text_contents()
    assert kept == ["?what is tea?", "✗what is a script?"]
    page.reload()
    page.locator("#history").get_by_text("what is a script?").click()
    page.locator("#asked", has_text="what is a script?").wait_for()
    page.locator("#forget").click()
    page.reload()
    page.locator("#main").wait_for()
    assert page.locator("#of-history").is_hidden()


def test_history_without_storage_lasts_until_the_page_is_closed(server: Any, visit: Any) -> None:
    page = visit(server.address)
    page.evaluate("() => { Storage.prototype.getItem = Storage.prototype.setItem = () => { throw new Error('no') } }")
    for question in ("what is tea?", "what is a script?"):
        ask(page, question)
        page.locator("#message", has_text=re.compile("^$")).wait_for(state="attached")
    assert page.locator("#history li").all_text_contents() == ["✗what is a script?", "?what is tea?"]


def test_page_escapes_as_the_console_does(server: Any, visit: Any) -> None:
    texts = [*ENCODABLE, READABLE]
    assert visit(server.address).evaluate("texts => texts.map(visible)", texts) == [*map(visible, texts)]


def test_foreign_text_is_not_interpreted_and_fully_visible(server: Any, visit: Any) -> None:
    page = visit(server.address)
    ask(page, f"what is {HOSTILE}?")
    for id in ("asked", "rationale", "body", "tables", "fields", "examples", "history"):
        assert "<script>alert(2)</script>" in page.locator(f"#{id}").text_content(), id
    text = page.locator("body").inner_text()
    assert r"\u202egnirts\u202c \u200b" in text
    assert not set(BIDI) & set(text) - set("gnirts ")
    assert page.locator("main img, main script").count() == 0
    page.reload()  # the history, read back
    page.locator("#history li").first.wait_for()
    assert page.locator("main img, main script").count() == 0


def test_keyboard_is_sufficient(server: Any, visit: Any) -> None:
    page = visit(server.address)
    page.keyboard.type("what is nested?")
    page.keyboard.press("Shift+Enter")
    assert page.locator("#question").input_value() == "what is nested?\n"
    page.keyboard.press("Enter")
    page.locator("#asked", has_text="what is nested?").wait_for()
    page.keyboard.press("Tab")  # the result
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.get_by_label("shell").is_checked()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "question"
    page.keyboard.type("what is tea?")  # it was selected
    page.keyboard.press("Enter")
    page.locator("#asked", has_text="what is tea?").wait_for()


def test_token_is_requested_and_stays_in_memory(serve_in_thread: Callable[..., Any], visit: Any) -> None:
    server = serve_in_thread(token=TOKEN)
    page = visit(server.address, wait="#login")
    page.locator("#token").fill("wrong")
    page.keyboard.press("Enter")
    page.locator("#state", has_text="wrong token").wait_for()
    assert page.locator("#main").is_hidden()
    page.locator("#token").fill(TOKEN)
    page.keyboard.press("Enter")
    wait_until_loaded(page)
    assert page.locator("#main").is_visible()
    ask(page, "what is tea?")
    assert TOKEN not in page.content()
    kept = page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])")
    assert TOKEN not in kept
    page.reload()
    page.locator("#login").wait_for()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 320)])
def test_page_has_no_barrier_and_fits_the_window(
    serve_in_thread: Any, visit: Any, tmp_path: Path, scheme: str, width: int
) -> None:
    server = serve_in_thread(feedback=tmp_path / "feedback.jsonl")
    page = visit(server.address, viewport={"width": width, "height": 700}, color_scheme=scheme)
    dark = sum(rgb(page.evaluate("getComputedStyle(document.body).backgroundColor"))) < 200
    assert dark == (scheme == "dark")
    assert findings(page) == []
    ask(page, "what is nested?")
    page.locator("#wrong").click()
    page.locator("#correction").fill('{"script": 1}')
    page.locator("#correction-checks .bad").wait_for()
    assert too_wide(page) == []
    assert page.locator("#tables th:visible").count() == (4 if width > 1000 else 2)
    assert findings(page) == []


# --- feedback ---------------------------------------------------------------------------


def test_page_without_feedback_does_not_ask_for_it(server: Any, visit: Any) -> None:
    page = visit(server.address)
    ask(page, "what is tea?")
    assert page.locator("#feedback").is_hidden()


def test_corrected_answer_is_checked_as_it_is_typed(serve_in_thread: Any, visit: Any, tmp_path: Path) -> None:
    file = tmp_path / "feedback.jsonl"
    page = visit(serve_in_thread(feedback=file).address)
    ask(page, "what is tea?")
    page.locator("#wrong").click()
    assert page.locator("#correction").input_value() == '{"say": "tea"}'
    send = page.locator("#send-correction")
    assert send.is_disabled()
    page.locator("#correction").fill('{"script": 1}')
    page.locator("#correction-checks .bad", has_text="guard: refused: scripts are not allowed").wait_for()
    assert send.is_disabled()
    page.locator("#correction").fill('{"say": "green tea"}')
    page.locator("#correction-checks", has_text="it passes").wait_for()
    send.click()
    page.locator("#feedback-said", has_text="Thank you").wait_for()
    assert page.locator("#correct").is_hidden()
    ask(page, "what is coffee?")
    page.locator("#right").click()
    page.locator("#feedback-said", has_text="Thank you").wait_for()
    ask(page, "what is a script?")
    assert page.locator("#right").is_hidden()
    page.locator("#wrong").click()
    page.locator("#only-wrong").click()
    page.locator("#feedback-said", has_text="Thank you").wait_for()
    assert [(one.verdict, one.correction) for one in read(file)] == [
        ("wrong", '{"say": "green tea"}'),
        ("right", None),
        ("wrong", None),
    ]


def test_correction_keeps_the_spelling_of_numbers(serve_in_thread: Any, visit: Any, tmp_path: Path) -> None:
    page = visit(serve_in_thread(feedback=tmp_path / "feedback.jsonl").address)
    ask(page, "what is nested?")
    page.locator("#wrong").click()
    assert '"a": 12345678901234567890' in page.locator("#correction").input_value()
