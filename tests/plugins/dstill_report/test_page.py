"""The page as a file: its content, and no network requests."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from support.inert import HOSTILE as STEERS
from support.inert import NAME, hidden

from dstill import hookimpl
from dstill.api.metric import rate
from dstill.api.protocols import Phrase, Readback
from dstill.api.records import Example, Level, Section, Table
from dstill.errors import RunError
from dstill.plugins import PluginInfo
from dstill_report.content import Headline
from dstill_report.markdown import markdown
from dstill_report.page import TEMPLATES, gather, html, summary, write
from dstill_report.templating import environment_of

HOSTILE = f"<script>alert(1)</script><img src=x onerror=alert(2)>{STEERS}'\"&{{{{ 7*7 }}}}"
FETCHES = {"src", "srcset", "data", "poster", "action", "formaction", "ping", "background", "manifest"}


class PageParser(HTMLParser):
    """Every tag with its attributes, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_verdict_and_both_figures_of_each_set_come_first(make_run: Any) -> None:
    run = make_run()
    report = gather(run)
    text = " ".join(PageParser(html(report)).text.split())
    right, silent = (
        run.manifest["stages"]["evaluate"]["scores"]["student"]["test"][name]
        for name in ("executable_accuracy", "silent_error_rate")
    )
    verdict = (
        f"Right on {100 * right['value']:.1f} % of new questions from known templates, "
        f"silently wrong on {100 * silent['value']:.1f} %."
    )
    assert report.verdict[0] == verdict
    assert text.index(verdict) < text.index("Answers What the student wrote")
    assert f"{100 * right['value']:.1f} % ± {50 * (right['high'] - right['low']):.1f}" in text
    assert "test, n 240" in text
    nearest = run.manifest["stages"]["evaluate"]["scores"]["nearest"]["test"]["executable_accuracy"]["value"]
    assert re.search(rf"nearest {100 * nearest:.1f} % · untrained [\d.]+ % ?above nearest", text)
    assert "embedded toy 1.0" in text


@pytest.mark.parametrize(
    ("wrong", "n", "level"), [(0, 100, "few"), (1, 20, "some"), (8, 100, "some"), (30, 100, "many"), (0, 0, "")]
)
def test_level_of_silent_errors_needs_enough_questions(wrong: int, n: int, level: str) -> None:
    silent = rate("silent_error_rate", wrong, n)
    headline = Headline(split="test", meaning="", systems={}, silent=silent, finding="", teacher=None)
    assert headline.level == level


def test_verdict_names_the_weakest_set_and_category(make_run: Any, judged: Any) -> None:
    def judge(item: Any, system: str, number: int) -> Any:
        prediction, verdict = judged(item, system, number)
        fails = item.split == "test_unseen_templates" or item.category == "negation"
        return prediction, replace(verdict, reached=Level.EXECUTED) if fails else verdict

    report = gather(make_run(judge=judge))
    assert report.verdict[1:] == (
        "Weakest on questions from templates that training never saw: right on 0 %, silently wrong on 100 %.",
        "Weakest category of test: negation (0 %).",
    )


def test_foreign_text_is_escaped_and_made_visible(make_run: Any, judged: Any, record: Any) -> None:
    def judge(item: Any, system: str, number: int) -> Any:
        prediction, verdict = judged(item, system, number)
        return replace(prediction, text=HOSTILE), replace(verdict, reached=Level.EXECUTED, reason=HOSTILE)

    rows = {
        "test": [
            record(n, "test", id=f"{n}{HOSTILE}", question=HOSTILE, answer=HOSTILE, category=HOSTILE) for n in range(3)
        ]
    }
    run = make_run(rows=rows, judge=judge)
    run.manifest["stages"]["train"] = {**run.manifest["stages"]["train"], "student": HOSTILE}
    run.folder = run.folder.rename(run.folder.parent / NAME)
    write(run)
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    found = PageParser(page)
    assert [tag for tag, _ in found.tags].count("script") == 1
    assert "img" not in [tag for tag, _ in found.tags]
    assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)
    assert not hidden(page)
    assert not hidden((run.folder / "report.md").read_text(encoding="utf-8"))
    assert "\\u202e" in found.text
    assert "{{ 7*7 }}" in found.text  # not read as a template
    assert "<script>alert" not in (run.folder / "report.md").read_text(encoding="utf-8")
    assert json.loads((run.folder / "report.json").read_text())["student"] == HOSTILE


class InWords(Readback):
    def read_back(self, example: Example, answer: str) -> Sequence[Phrase]:
        return [Phrase(text=f"what {answer} <finds>")]


def test_valid_answers_and_their_golds_are_said_in_words(make_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run()
    monkeypatch.setattr(type(run.task), "protocols", {**run.task.protocols, Readback: InWords})
    report = gather(run)
    for row in [row for row in report.answers.rows if row.category != "refusal"]:
        gold, answer = ("".join(part.text for line in side for part in line.parts) for side in row.words)
        assert gold
        assert bool(answer) == (row.kind not in ("unparsed", "invalid"))
    assert "&lt;finds&gt;" in html(report)


def test_lone_surrogate_can_be_written(make_run: Any, judged: Any) -> None:
    def judge(item: Any, system: str, number: int) -> Any:
        prediction, verdict = judged(item, system, number)
        return replace(prediction, text='{"query": "\ud800"}'), replace(verdict, reached=Level.EXECUTED)

    run = make_run(tests=6, judge=judge)
    write(run)
    assert "\\ud800" in PageParser((run.folder / "report.html").read_text(encoding="utf-8")).text


def test_page_fetches_nothing(make_run: Any) -> None:
    page = html(gather(make_run()))
    found = PageParser(page)
    for tag, attributes in found.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "img", "image")
        assert not FETCHES & set(attributes)
        for name in ("href", "xlink:href"):
            assert attributes.get(name, "#").startswith("#")
    assert not re.search(r"https?://|//[a-z]|@import|url\((?!#)", page)
    policy = next(a["content"] for tag, a in found.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")


def test_links_within_the_page_have_targets(make_run: Any) -> None:
    tags = PageParser(html(gather(make_run()))).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"].removeprefix("#") for tag, attributes in tags if tag == "a"]
    assert links
    assert set(links) <= set(ids)


def test_page_is_reproducible(make_run: Any) -> None:
    run = make_run()
    first = {name: path.read_bytes() for name, path in write(run).items()}
    assert {name: path.read_bytes() for name, path in write(run).items()} == first


@pytest.mark.nightly
def test_thousand_failures_stay_below_three_megabytes(make_run: Any, judged: Any, record: Any) -> None:
    long = {"query": {"bool": {"filter": [{"term": {f"field_{i}": f"value {i}"}} for i in range(60)]}}}

    def judge(item: Any, system: str, number: int) -> Any:
        prediction, verdict = judged(item, system, number)
        return replace(prediction, text=json.dumps(long) + "x"), replace(verdict, reached=Level.UNPARSED)

    rows = {"test": [record(n, "test", answer=json.dumps(long), question=HOSTILE * 20) for n in range(1000)]}
    report = gather(make_run(rows=rows, judge=judge))
    assert report.answers.n_wrong == 1000
    page = html(report)
    assert len(page.encode()) < 3_000_000
    assert "more characters" in page
    if len(report.answers.rows) < 1000:
        assert f"The first {len(report.answers.rows)} of 1,000 wrong ones are listed." in page


@pytest.mark.slow
def test_many_failures_are_cut_to_the_budget(make_run: Any, judged: Any) -> None:
    def judge(item: Any, system: str, number: int) -> Any:
        prediction, verdict = judged(item, system, number)
        return replace(prediction, text="x"), replace(verdict, reached=Level.UNPARSED)

    report = gather(make_run(tests=3000, judge=judge))
    assert len(report.answers.rows) < report.answers.n_wrong == 4000
    page = html(report)
    assert len(page.encode()) < 3_000_000
    assert f"The first {len(report.answers.rows):,} of 4,000 wrong ones are listed." in page


def test_ordinary_answers_are_not_cut(make_run: Any, judged: Any) -> None:
    def judge(item: Any, system: str, number: int) -> Any:
        prediction, verdict = judged(item, system, number)
        return prediction, replace(verdict, reached=Level.EXECUTED)

    report = gather(make_run(tests=750, judge=judge))
    assert len(report.answers.rows) == report.answers.n_wrong == 1000
    page = html(report)
    assert "more characters" not in page
    assert len(page.encode()) < 3_000_000


def test_without_an_engine_accuracy_is_not_checked(make_run: Any, judged: Any) -> None:
    def judge(item: Any, system: str, number: int) -> Any:
        prediction, verdict = judged(item, system, number)
        level = min(verdict.reached, Level.VALID)
        return prediction, replace(verdict, reached=level, checked=Level.VALID, outcome="", refused=False)

    run = make_run(judge=judge)
    report = gather(run)
    assert report.warnings == ("No answer was executed, so executable accuracy is not checked.",)
    text = PageParser(html(report)).text
    assert "not checked" in text
    assert report.headlines[0].finding == ""
    assert report.verdict == ()
    assert json.loads(summary(report))["scores"]["student"]["test"]["executable_accuracy"]["value"] is None


def test_one_answer_has_no_percentiles(make_run: Any) -> None:
    run = make_run(tests=1)
    run.stages["evaluate"]["tokens"] = {"p50": None, "p95": None, "n": 1, "total": 7}
    assert "tokens per answer" not in gather(run).facts


def test_notes_of_the_evaluation_are_shown(make_run: Any) -> None:
    note = "openai:big gave no answer to 2 of 60 questions, which count as wrong: 2 × the model refused: no"
    run = make_run(tests=12)
    run.stages["evaluate"]["notes"] = [note]
    report = gather(run)
    assert note in PageParser(html(report)).text
    assert note in markdown(report)


def test_report_works_without_metrics_of_the_evaluate_plugin(make_run: Any) -> None:
    run = make_run(tests=12)
    evaluated = run.manifest["stages"]["evaluate"]
    score = {"name": "mine", "value": 0.5, "n": 12, "low": 0.2, "high": 0.8, "note": ""}
    evaluated.update(scores={"student": {"test": {"mine": score}}}, categories={"range": {"mine": score}})
    text = PageParser(html(gather(run))).text
    assert "Mine" in text
    assert "50.0 %" in text
    assert "executable accuracy is not checked" in text


def test_unavailable_engine_marks_the_run_as_invalid(make_run: Any, judged: Any) -> None:
    def judge(item: Any, system: str, number: int) -> Any:
        prediction, verdict = judged(item, system, number)
        if number % 20:
            return prediction, verdict
        return prediction, replace(verdict, reached=Level.VALID, checked=Level.VALID, outcome="unavailable")

    report = gather(make_run(judge=judge))
    assert "This run is invalid: the engine was unavailable for 5.0 % of the answers" in report.warnings[0]
    assert report.warnings[0] in PageParser(html(report)).text
    uncounted = next(section for section in report.sections if section.title == "Not counted in accuracy")
    assert uncounted.table is not None
    assert uncounted.table.rows[0] == ("student", "test", "228", "12 unavailable")


def test_sections_of_other_plugins_are_ordered(make_run: Any) -> None:
    class Mine:
        @hookimpl
        def report_sections(self, run: Any) -> list[Section]:
            table = Table(columns=("<b>what</b>", "how much"), rows=(("a|b", run.name),))
            return [
                Section(title="Mine & last", text="told <em>plainly</em>"),
                Section(title="Mine first", order=1, table=table, svg="<svg><title>drawn</title></svg>"),
            ]

    run = make_run()
    run.plugins.add(Mine(), PluginInfo(name="mine"))
    report = gather(run)
    titles = [section.title for section in report.sections]
    assert titles == [
        "Mine first",
        "Comparison",
        "Time of an answer",
        "Categories",
        "Training",
        "Modality",
        "Dataset",
        "Rejections",
        "Cost",
        "All scores: student",
        "All scores: nearest",
        "All scores: untrained",
        "Comparison in figures",
        "Data and versions",
        "Mine & last",
    ]
    page = html(report)
    assert "<svg><title>drawn</title></svg>" in page
    assert "&lt;b&gt;what&lt;/b&gt;" in page
    write(run)
    markdown = (run.folder / "report.md").read_text()
    assert "| a\\|b | weblogs-1 |" in markdown
    assert "told \\<em\\>plainly\\</em\\>" in markdown
    assert [s["title"] for s in json.loads((run.folder / "report.json").read_text())["sections"]] == titles


def test_run_without_scores_is_refused_with_a_hint(make_run: Any) -> None:
    run = make_run()
    del run.manifest["stages"]["evaluate"]
    with pytest.raises(RunError, match="has no scores yet") as error:
        write(run)
    assert error.value.hint == f"dstill evaluate {run.folder}"


def test_run_of_imported_answers_has_no_training_section(make_run: Any) -> None:
    run = make_run()
    del run.manifest["stages"]["train"], run.manifest["stages"]["generate"]
    titles = [section.title for section in gather(run).sections]
    assert "Training" not in titles
    assert "Dataset" in titles
    assert html(gather(run)).count("<figure>") == 1


def test_metrics_and_times_are_explained(make_run: Any) -> None:
    run = make_run()
    titled = {section.title: section for section in gather(run).sections}
    training, scores = titled["Training"], titled["All scores: student"]
    assert "\nExact match: The same canonical text as the reference.\n" in scores.text
    assert training.table is not None
    assert {("time of the steps", "240 s"), ("time of the whole stage", "251 s")} <= set(training.table.rows)
    write(run)
    lines = (run.folder / "report.md").read_text().splitlines()
    assert "Parsed: The answer parses." in lines
    right = titled["Categories"].scores["range"]["right"]
    row = next(line for line in lines if line.startswith("| range | "))
    assert row.startswith(f"| range | {100 * right.value:.1f} % \\[")


def test_options_stay_in_one_line() -> None:
    breakable = environment_of(TEMPLATES).filters["breakable"]
    assert (
        breakable("cut_at by --max-wrong 0.1 & more")
        == 'cut_<wbr>at by <span class="option">--max-wrong</span> 0.1 &amp; more'
    )


def test_templates_are_packaged() -> None:
    import dstill_report

    names = {path.name for path in (Path(dstill_report.__file__).parent / "templates").iterdir()}
    assert names == {"report.html.j2", "report.css", "report.js"}
