"""Sections, failures, plots and texts of a report."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.api.metric import rate
from dstill.api.protocols import Presentation
from dstill.api.records import Level, Score, Verdict
from dstill.errors import MissingExtra
from dstill.io.units import size, size_on_disk
from dstill_report.answers import SAMPLE, collect, kind_of
from dstill_report.diff import format_json
from dstill_report.markdown import cell
from dstill_report.page import gather, html
from dstill_report.plots import curve, differences, scatter, strip
from dstill_report.sections import sections
from dstill_report.text import margin, percent, shown, words

CORRECT = Verdict(id="1", reached=Level.CORRECT, checked=Level.CORRECT, outcome="ok")


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [
        (CORRECT, ""),
        (replace(CORRECT, reached=Level.EXECUTED), "wrong result"),
        (replace(CORRECT, reached=Level.VALID), "engine refused"),
        (replace(CORRECT, reached=Level.VALID, refused=True), "refusal"),
        (replace(CORRECT, reached=Level.VALID, expects_refusal=True), "refusal"),
        (replace(CORRECT, reached=Level.PARSED), "invalid"),
        (replace(CORRECT, reached=Level.UNPARSED), "unparsed"),
        (replace(CORRECT, reached=Level.UNPARSED, checked=Level.VALID), "unparsed"),
        (replace(CORRECT, reached=Level.VALID, checked=Level.VALID, outcome=""), ""),  # no engine
        (replace(CORRECT, reached=Level.VALID, checked=Level.VALID, outcome="unavailable"), "unavailable"),
        (replace(CORRECT, reached=Level.VALID, checked=Level.VALID, gold_error="invalid: x"), "failing reference"),
        (replace(CORRECT, trivial=True), "trivial reference"),
    ],
)
def test_kind_of_failure(verdict: Verdict, kind: str) -> None:
    assert kind_of(verdict) == kind


def test_failures_have_their_gold(make_run: Any) -> None:
    found = collect(make_run())
    wrong = next(row for row in found.rows if row.kind == "wrong on a test database")
    assert '"term"' in "".join(line.text for line in wrong.gold)
    assert '"terms"' in "".join(line.text for line in wrong.answer)
    assert any(line.differs for line in wrong.answer)
    assert not all(line.differs for line in wrong.answer)
    invalid = next(row for row in found.rows if row.kind == "invalid")
    assert (invalid.reason, invalid.problems[0].pointer) == ("unknown key 'quary'", "/quary")
    assert len(found.wrong) == found.n_wrong == sum(found.labels.values())
    assert len({row.id for row in found.rows}) == len(found.rows)


def test_answers_are_laid_out_by_the_pack(make_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Presentation, "highlight", lambda self, text: [("", "-- laid out\n"), ("keyword", text)])
    for one in collect(make_run()).wrong:
        assert (one.gold[0].text, one.answer[0].text) == ("-- laid out", "-- laid out")


def test_right_answers_are_a_sample_of_every_kind(make_run: Any) -> None:
    run = make_run()
    found = collect(run)
    assert found.right == collect(run).right
    assert len(found.right) == SAMPLE < found.n_right == sum(verdict.correct for verdict in run.verdicts())
    kinds = {(row.split, row.category) for row in found.right}
    assert kinds == {(verdict.split, verdict.category) for verdict in run.verdicts() if verdict.correct}
    assert all(row.gold == row.answer and not row.label for row in found.right)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=40,
)


@given(JSON)
def test_formatted_json_is_equivalent(value: Any) -> None:
    assert json.loads("\n".join(format_json(json.dumps(value, ensure_ascii=False)))) == value


@given(st.text(max_size=200))
def test_other_text_is_unchanged(text: str) -> None:
    try:
        json.loads(text)
    except ValueError:
        assert "\n".join(format_json(text)) == text


def test_malformed_text_is_laid_out_without_error() -> None:
    for text in ("[" * 100_000, "9" * 5000, '{"a": NaN}', '{"a": 1, "a": 2}', ""):
        assert "\n".join(format_json(text)) == text


def test_plots_are_reproducible_and_fetch_nothing() -> None:
    rows = {"a $x$ <b>&": (3.0, -1.0, 7.0), "b\u202e": (10.0, 5.0, 15.0)}
    first = differences(rows, "Points & more", "points", hollow={"b\u202e"})
    assert first == differences(rows, "Points & more", "points", hollow={"b\u202e"})
    told = 'aria-label="Points &amp; more: a $x$ &lt;b&gt;&amp; +3.0 (-1.0 to +7.0); b\\u202e +10.0 (+5.0 to +15.0)"'
    assert first.startswith(f'<svg role="img" {told}')
    assert "http" not in first
    assert "#0" not in first  # every placeholder became a variable of the page
    assert "var(--student)" in first
    assert "a $x$ &lt;b&gt;&amp;" in first
    assert "b\\u202e" in first


def test_empty_data_gives_no_plot() -> None:
    assert differences({}, "t", "points") == strip([], {"half": 1.0}, "t", "ms") == ""
    assert curve({"training": []}, "t", "loss") == ""
    assert "<svg" in curve({"training": [(1, 0.5)], "validation": []}, "t", "loss")


def test_missing_matplotlib_or_jinja_names_the_extra(make_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    report = gather(make_run(tests=6))
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtra, match="'report'"):
        html(report)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match="'report'"):
        curve({"training": [(1, 0.5)]}, "t", "loss")


def test_categories_start_with_the_weakest(make_run: Any) -> None:
    run = make_run()
    categories = run.manifest["stages"]["evaluate"]["categories"]
    unmeasured = {"name": "executable_accuracy", "value": None, "n": 0, "low": None, "high": None, "note": ""}
    categories["geo"] = {"executable_accuracy": unmeasured}
    section = next(section for section in sections(run) if section.title == "Categories")
    rates = [row["right"].value for row in section.scores.values()]
    assert rates == sorted(rates)
    assert section.scores.keys() == categories.keys() - {"geo"}
    assert section.text.endswith("Without a question that counts: geo.")


def test_scores_by_data_are_shown_with_categories(make_run: Any) -> None:
    run = make_run(tests=12)
    evaluated = run.manifest["stages"]["evaluate"]
    assert "By data set" not in [section.title for section in sections(run)]
    evaluated["by_data"] = {"logs": evaluated["scores"]["student"]["test"]}
    section = next(section for section in sections(run) if section.title == "By data set")
    assert list(section.scores) == ["logs"]


def test_second_engine_has_a_row(make_run: Any) -> None:
    run = make_run(tests=12)
    stages = run.manifest["stages"]
    stages["evaluate on other 9"] = {**stages["evaluate"], "engine": "other 9"}
    section = next(section for section in sections(run) if section.title == "Engines")
    assert section.scores.keys() == {"embedded toy 1.0", "other 9"}


def test_numbers_are_formatted_for_people() -> None:
    assert [percent(v) for v in (0, 0.0001, 0.913, 0.9999, 1)] == ["0 %", "< 0.1 %", "91.3 %", "> 99.9 %", "100 %"]
    assert shown(rate("r", 9, 10)) == "90.0 % [59.6, 98.2]"
    assert shown(Score(name="r", value=None, n=0)) == "not checked"
    assert shown(Score(name="r", value=None, n=0, note="not checked; excluded: 3 unavailable")) == "not checked"
    assert margin(rate("r", 9, 10)) == "± 19.3"
    assert margin(Score(name="r", value=0.5, n=1)) == ""
    assert words("silent_error_rate") == "Silent error rate"
    assert (size_on_disk(512), size_on_disk(4_000_000)) == ("0.5 kB", "4.0 MB")
    assert (size(310 * 2**20), size(9 * 2**30)) == ("310 MiB", "9.0 GiB")
    assert cell("a|b\n<i> `x` http://y \x1b") == "a\\|b \\<i\\> \\`x\\` http\\://y \\\\u001b"


def test_kinds_of_points_have_a_shape_and_one_label() -> None:
    points = [(100.0, 50.0), (200.0, 60.0), (300.0, 55.0)]
    svg = scatter(points, [True, True, False], "Accuracy", "MiB", "%", ["lora", "full", "full"])
    assert 'aria-label="Accuracy (%, MiB), Pareto front: 50 at 100; 60 at 200"' in svg
    assert [svg.count(f">{kind}<") for kind in ("lora", "full")] == [1, 1]
    assert ">full<" not in scatter(points, [True] * 3, "Accuracy", "MiB", "%", ["full"] * 3)
