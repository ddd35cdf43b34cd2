"""Review decisions: stored, applied to rows, sampled, and required before training."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill import config, plugins
from dstill.api.protocols import Presentation
from dstill.api.records import Record
from dstill.errors import DataError, RunError
from dstill.io.jsonl import append_row
from dstill.quality.review import FILE, Decision, applied, digest, sample, sample_size
from dstill.runs.folder import RunFolder, data_file
from dstill.runs.review_log import decisions
from dstill.runs.run import Run


def record(number: int, category: str = "plain", **values: Any) -> Record:
    made = {"id": f"q{number}", "question": f"add {number} and 1", "rationale": "why", "answer": f"{number}+1"}
    return Record(**{**made, "category": category, "teacher": "parrot", **values})


def decision_on(row: Record, decision: str, **values: Any) -> Decision:
    return Decision(
        id=row.id, decision=decision, who="somebody", when="2026-03-01T10:00:00+00:00", digest=digest(row), **values
    )


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.make(tmp_path / "run", stem="toy", arguments={}, seed=0)


# --- the file ---------------------------------------------------------------------------


def test_undo_restores_the_previous_decision(folder: RunFolder) -> None:
    one, two = record(1), record(2)
    for decision in (
        decision_on(one, "accept"),
        decision_on(two, "reject"),
        decision_on(one, "reject"),
        decision_on(one, "undo"),  # the second about it
        decision_on(two, "undo"),
        decision_on(record(3), "undo"),  # of a row without a decision
    ):
        folder.append(FILE, decision)
    assert [(d.id, d.decision) for d in decisions(folder)] == [("q1", "accept")]


def test_decisions_are_empty_without_a_file(folder: RunFolder) -> None:
    assert decisions(folder) == []


@pytest.mark.parametrize("rest", ['{"schema_version":1,"id":"q2","deci', '{"id":"é', "\0\0\0\0"])
def test_truncated_last_line_is_ignored_and_replaced(
    folder: RunFolder, rest: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder.append(FILE, decision_on(record(1), "accept"))
    with (folder.folder / FILE).open("ab") as file:
        file.write(rest.encode()[: -1 if rest.endswith("é") else None])
    assert [d.id for d in decisions(folder)] == ["q1"]
    assert "line 2 truncated; ignored" in caplog.text
    folder.append(FILE, decision_on(record(3), "reject"))
    assert [d.id for d in decisions(folder)] == ["q1", "q3"]
    assert len((folder.folder / FILE).read_bytes().splitlines()) == 2


def test_complete_last_line_without_newline_is_read(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"a":1}')
    append_row(file, {"a": 2})
    assert file.read_text() == '{"a":1}\n{"a":2}\n'


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{", "line 2: not strict JSON"),
        ("[]", "line 2: expected an object"),
        ('{VERSION,"id":"q1"}', "line 2 is not a decision"),
        ('{VERSION,"id":"q1","decision":"maybe","who":"","when":"","digest":""}', "line 2 is not a decision"),
        (
            '{VERSION,"id":"q1","decision":"edit","who":"","when":"","digest":"","answer":"1+1"}',
            "line 2 is not a decision",
        ),
        ('{VERSION,"id":1,"decision":"accept","who":"","when":"","digest":""}', "line 2 is not a decision"),
        ('{"id":"q1"}', "line 2 of review.jsonl has no schema version"),
    ],
)
def test_damaged_line_in_the_middle_is_an_error(folder: RunFolder, line: str, what: str) -> None:
    folder.append(FILE, decision_on(record(1), "accept"))
    with (folder.folder / FILE).open("a") as file:
        file.write(line.replace("VERSION", '"schema_version":1') + "\n")
    folder.append(FILE, decision_on(record(2), "accept"))
    with pytest.raises(RunError) as caught:
        decisions(folder)
    assert f"review.jsonl is damaged: {what}" in caught.value.what
    assert caught.value.where == f"{folder.folder / FILE}:2"


def test_newer_file_is_refused(folder: RunFolder) -> None:
    row = {**decision_on(record(1), "accept").to_row(), "schema_version": 99}
    (folder.folder / FILE).write_text(json.dumps(row) + "\n")
    with pytest.raises(RunError, match=r"review\.jsonl has schema version 99"):
        decisions(folder)


# --- rows -------------------------------------------------------------------------------


def test_rejected_rows_are_dropped_and_edits_applied() -> None:
    rows = [record(n) for n in range(5)]
    standing = [
        decision_on(rows[0], "accept"),
        decision_on(rows[1], "reject"),
        decision_on(rows[2], "edit", answer="9+9", rationale="mine"),
        decision_on(rows[3], "skip"),
    ]
    after = applied(rows, standing)
    assert [r.id for r in after.records] == ["q0", "q2", "q3", "q4"]
    assert (after.records[1].answer, after.records[1].rationale) == ("9+9", "mine")
    assert (after.rejected, after.edited, after.changed) == (1, 1, 0)


@pytest.mark.parametrize("change", [{"answer": "2+2"}, {"rationale": "new"}, {"question": "?"}, {"context": {"a": 1}}])
def test_decision_on_a_changed_row_is_ignored(change: dict[str, Any]) -> None:
    standing = [decision_on(record(1), "reject"), decision_on(record(2), "edit", answer="9+9", rationale="mine")]
    rows = [record(1, **change), record(2, **change)]
    after = applied(rows, standing)
    assert (list(after.records), after.changed) == (rows, 2)


def test_digest_covers_only_the_judged_fields() -> None:
    assert digest(record(1)) == digest(record(1, "other", split="validation", teacher="x", template="t"))


def test_run_reads_reviewed_rows(run: Callable[..., Run]) -> None:
    made = run([record(n) for n in range(3)], [(1, "reject", {})])
    assert [r.id for r in made.records("train")] == ["q0", "q2"]
    assert [r.id for r in made.records("train", raw=True)] == ["q0", "q1", "q2"]


def test_branch_copies_the_decisions(run: Callable[..., Run], tmp_path: Path) -> None:
    made = run([record(n) for n in range(3)], [(1, "reject", {})])
    assert [r.id for r in made.branch(tmp_path / "branch", flags={}).records("train")] == ["q0", "q2"]


# --- the sample -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "precision", "size"),
    # n0 = 1.96²/4/e² = 384.1 (5 %), 96.04 (10 %); n = n0 / (1 + (n0 - 1) / N), rounded up
    [
        (10**9, 0.05, 385),
        (8_000, 0.05, 367),
        (1_000, 0.05, 278),
        (100, 0.05, 80),
        (1_000, 0.1, 88),
        (3, 0.05, 3),
        (0, 0.1, 0),
    ],
)
def test_sample_size_follows_from_the_interval_half_width(rows: int, precision: float, size: int) -> None:
    assert sample_size(rows, precision) == size


@given(
    st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(1, 60), min_size=1, max_size=8),
    st.sampled_from([0.05, 0.1, 0.3]),
    st.integers(0, 5),
)
def test_sample_is_stratified_by_category(sizes: dict[str, int], precision: float, seed: int) -> None:
    rows = [record(f"{name}{n}", name) for name, size in sizes.items() for n in range(size)]  # type: ignore[arg-type]
    chosen = sample(rows, precision, seed, ())
    found = Counter(row.category for row in chosen)
    assert len(chosen) == sample_size(len(rows), precision) == len({row.id for row in chosen})
    if len(chosen) >= len(sizes):
        assert found.keys() == sizes.keys()
    for name, size in sizes.items():
        share = len(chosen) * size / len(rows)
        assert found[name] <= max(1, share + 1)
        assert found[name] >= min(size, share - len(sizes))
    assert chosen == sample(list(reversed(rows)), precision, seed, ())


def test_sample_depends_on_the_seed() -> None:
    rows = [record(n) for n in range(200)]
    assert sample(rows, 0.1, 0, ()) != sample(rows, 0.1, 1, ())


def test_skipped_row_is_replaced_within_its_category() -> None:
    rows = [record(n, "even" if n % 2 == 0 else "odd") for n in range(100)]
    before = sample(rows, 0.2, 0, ())
    skipped = before[0]
    after = sample(rows, 0.2, 0, [decision_on(skipped, "skip")])
    assert skipped not in after
    (new,) = [row for row in after if row not in before]
    assert new.category == skipped.category
    assert len(after) == len(before)


def test_category_with_every_row_skipped_is_omitted() -> None:
    rows = [record(1, "rare"), *(record(n) for n in range(2, 30))]
    after = sample(rows, 0.2, 0, [decision_on(rows[0], "skip")])
    assert "rare" not in {row.category for row in after}


# --- the gate ---------------------------------------------------------------------------


@pytest.fixture
def run(project: Path, toy_file: Path) -> Callable[..., Run]:
    loaded = plugins.load([toy_file])

    def make(rows: list[Record], judged: list[tuple[int, str, dict[str, Any]]], **settings: Any) -> Run:
        flags = {f"review.{name}": value for name, value in settings.items()}
        flags |= {"project.task": "toy", "train.student": "memory", "train.objective": "plain"}
        made = config.load(use_files=False, flags=flags, sections=plugins.part_sections(loaded))
        run = Run.create(project / "run", config=made, plugins=loaded)
        run.write(data_file("train"), rows)
        run.save()
        for number, decision, values in judged:
            run.append(FILE, decision_on(rows[number], decision, **values))
        return run

    return make


ROWS = [record(n) for n in range(10)]


def verdicts(*words: str) -> list[tuple[int, str, dict[str, Any]]]:
    edited = {"answer": "9+9", "rationale": "mine"}
    return [(n, word, edited if word == "edit" else {}) for n, word in enumerate(words)]


@pytest.mark.parametrize(
    ("teacher", "required", "judged", "refused"),
    [
        ("parrot", "auto", [], ""),  # golds that were there
        ("", "auto", [], ""),
        ("oracle", "auto", [], "nobody has reviewed the dataset: `dstill data review` shows 10 of its rows"),
        ("oracle", "never", [], ""),
        ("parrot", "always", [], "nobody has reviewed"),
        (
            "oracle",
            "auto",
            ["accept"] * 9,
            "the review is not finished: 1 of 10 rows are left; a person accepted 9 of 9",
        ),
        ("oracle", "auto", ["accept"] * 10, ""),
        ("oracle", "auto", ["accept"] * 9 + ["reject"], ""),
        (
            "oracle",
            "auto",
            ["accept"] * 8 + ["reject", "edit"],
            "a person accepted 8 of 10 rows judged (80.0%), fewer than",
        ),
        ("oracle", "auto", ["accept"] * 9 + ["skip"], ""),
        ("oracle", "auto", ["skip"] * 10, "nobody has reviewed"),
        ("parrot", "auto", ["reject"], ""),  # one row is not enough
        (
            "parrot",
            "auto",
            ["reject"] * 10,
            "a person accepted 0 of 10 rows judged (0.0%), fewer than review.min_accept = 0.9",
        ),
        ("parrot", "auto", ["skip"] * 10, ""),
        ("parrot", "never", ["reject"] * 10, ""),
    ],
)
def test_training_requires_a_review(
    run: Callable[..., Run], teacher: str, required: str, judged: list[str], refused: str
) -> None:
    rows = [record(n, teacher=teacher) for n in range(10)]
    made = run(rows, verdicts(*judged), required=required)
    if not refused:
        assert made.gate(allow=False).judged == len([word for word in judged if word != "skip"])
        return
    with pytest.raises(DataError) as caught:
        made.gate(allow=False)
    assert refused in caught.value.what
    assert "dstill data review" in caught.value.hint
    assert "--allow-unreviewed" in caught.value.hint
    assert refused in made.gate(allow=True).message


def test_minimum_acceptance_rate_is_a_setting(run: Callable[..., Run]) -> None:
    made = run(
        [record(n, teacher="oracle") for n in range(10)], verdicts(*["accept"] * 5, *["reject"] * 5), min_accept=0.5
    )
    status = made.gate(allow=False)
    assert (status.rate, status.n_rejected, status.sufficient) == (0.5, 5, True)


def test_changed_rows_need_a_new_decision(run: Callable[..., Run]) -> None:
    made = run([record(n, teacher="oracle") for n in range(10)], verdicts(*["accept"] * 10))
    made.write(
        data_file("train"), [record(n, teacher="oracle", answer="1+1" if n == 3 else f"{n}+1") for n in range(10)]
    )
    with pytest.raises(DataError, match="the review is not finished: 1 of 10 rows are left"):
        made.gate(allow=False)
    assert made.gate(allow=True).modified == 1


def test_training_logs_an_unfinished_review_and_counts_rejected_rows(
    run: Callable[..., Run], caplog: pytest.LogCaptureFixture
) -> None:
    made = run(ROWS, verdicts("accept", "reject", "edit"))
    with caplog.at_level(logging.INFO, "dstill"):
        facts = made.train()
    assert "the review is not finished: 7 of 10 rows are left" in caplog.text
    assert (facts["review"]["n_rejected"], facts["review"]["edited"]) == (1, 1)
    learnt = json.loads((made.folder / "student" / "pairs.json").read_text())
    assert len(learnt) == 9
    assert "9+9" in learnt.values()
    assert Run.open(made.folder, plugins=made.plugins).manifest["stages"]["train"]["review"] == facts["review"]


def test_refused_training_leaves_no_student(run: Callable[..., Run]) -> None:
    made = run([record(n, teacher="oracle") for n in range(10)], [])
    with pytest.raises(DataError, match="nobody has reviewed"):
        made.train()
    assert not (made.folder / "student").exists()
    assert made.train(allow_unreviewed=True)["review"]["allowed"] is True


def test_rejected_gold_is_not_scored_and_noted(run: Callable[..., Run]) -> None:
    made = run(ROWS, [])
    tests = [record(n, split="test", id=f"t{n}", question=f"1 and {n} add") for n in range(4)]
    made.write(data_file("test"), tests)
    made.save()
    made.train()
    made.append(FILE, decision_on(tests[0], "reject"))
    made.append(FILE, decision_on(tests[1], "edit", answer="1+2", rationale="as it is asked"))
    facts = made.evaluate()
    assert facts["scores"]["student"]["test"]["right"]["n"] == 3
    assert facts["notes"][-1] == (
        "1 of 4 questions not scored, because a reviewer rejected the reference answer, "
        "1 of 4 questions scored against a reference answer that a reviewer wrote"
    )


def test_default_details_of_a_question_are_its_shortened_context(run: Callable[..., Run]) -> None:
    task = run([], []).task
    found = Presentation.of(task).relevant_schema(
        record(1, context={"index": "logs", "long": "x" * 600}).example, "1+1"
    )
    assert (found.title, found.used) == ("context", ())
    assert found.rest == (("index", '"logs"'), ("long", '"' + "x" * 499 + " …"))
    assert Presentation.of(task).relevant_schema(record(1).example, "1+1").title == ""
