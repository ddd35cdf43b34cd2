"""More questions where a student is weak: in proportion to its failures, and none from a test set."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.toy import Toy

from dstill.api.protocols import Synthesis
from dstill.api.records import Cause, Example, Level, Record, Verdict
from dstill.api.task import Check, Task
from dstill.errors import UsageError
from dstill.inputs.quotas import quotas
from dstill.runs.focus import run_focus
from dstill.runs.folder import RunFolder, data_file
from dstill.stages.generate.augment import Focus, draw

LABELS = ["form", "sort", "value"]


class KindsSynthesis(Synthesis):
    """Questions of three categories in turn; one that ignores a focus."""

    def synthesize(self, context: Mapping[str, Any], n: int, seed: int) -> Iterable[Example]:
        for number in range(n):
            kind = "abc"[number % 3]
            words = " ".join(f"{digit}{kind}" for digit in str(number))
            yield Example(
                id=str(number),
                question=f"{kind} number {words}",
                answer=f"{kind}{number}",
                category=kind,
                template=f"{kind}-{number % 2}",
                context={"data": "other"} if number % 30 == 0 else {},
            )


class Kinds(Task):
    name = "kinds"
    checks = (Check("form", lambda example, answer: ()),)
    protocols: ClassVar = {Synthesis: KindsSynthesis}

    def examples(self, split: str) -> Iterable[Example]:
        return ()


def failure(id: str, category: str, label: str = "sort") -> Verdict:
    cause = Cause(label=label)
    return Verdict(
        id=id, reached=Level.EXECUTED, checked=Level.CORRECT, category=category, template=f"{category}-0", cause=cause
    )


def row(id: str, split: str, **more: Any) -> Record:
    return Record(**{"id": id, "question": f"of {id}", "rationale": "", "answer": id, "split": split, **more})


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    made = RunFolder.make(tmp_path / "mine", stem="kinds", arguments={}, seed=0)
    made.write(
        "verdicts.jsonl",
        [
            *(failure(f"a{n}", "a") for n in range(3)),
            failure("b", "b"),
            failure("c", "c", "value"),
            Verdict(id="right", reached=Level.CORRECT, checked=Level.CORRECT, category="c"),
        ],
    )
    made.write(data_file("train"), [row("r1", "train", question="a number 1a 2a", answer="a12")])
    made.write(data_file("test"), [row("t1", "test", question="a number 1a 5a", answer="a15")])
    made.write(data_file("test_unseen_templates"), [row("t2", "test_unseen_templates", answer="a21", template="b-0")])
    made.write(data_file("test_unseen_data"), [row("t3", "test_unseen_data", context={"data": "other"})])
    return made


def test_counts_failures_of_a_label_by_category(run: RunFolder) -> None:
    focus = run_focus(str(run.folder), "sort", LABELS)
    assert (focus.categories, focus.templates, focus.failures) == ({"a": 3, "b": 1}, {"a-0": 3, "b-0": 1}, 4)
    assert focus.summary() == "4 failures of 'sort' in run mine: a 3, b 1"
    assert {record.id for record in focus.asked} == {"r1", "t1", "t2", "t3"}


def test_label_without_failures_lists_the_labels_of_the_run(run: RunFolder) -> None:
    with pytest.raises(UsageError) as caught:
        run_focus(str(run.folder), "form", LABELS)
    assert (caught.value.what, caught.value.hint) == (
        "run 'mine' has no failure of 'form'",
        "it has 'sort' (4), 'value' (1)",
    )


def test_verdicts_of_an_older_version_have_no_labels(run: RunFolder) -> None:
    file = run.folder / "verdicts.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps({k: v for k, v in one.items() if k != "cause"}) + "\n" for one in rows))
    with pytest.raises(UsageError) as caught:
        run_focus(str(run.folder), "sort", LABELS)
    assert caught.value.hint == f"`dstill evaluate {run.folder}` labels its failures"


def test_draws_questions_in_proportion_to_failures(run: RunFolder) -> None:
    drawn = draw(Kinds(), run_focus(str(run.folder), "sort", LABELS), {}, 40, seed=0)
    assert Counter(example.category for example in drawn) == {"a": 30, "b": 10}
    assert {example.split for example in drawn} == {"train"}
    assert len({example.id for example in drawn}) == 40


def test_never_draws_a_question_of_a_test_set(run: RunFolder) -> None:
    focus = run_focus(str(run.folder), "sort", LABELS)
    other = Example(id="new", question="a number 1a 8a", answer="a18", split="test")
    drawn = draw(Kinds(), focus, {}, 60, 0, [other])
    questions = {example.question for example in drawn}
    assert not questions & {"a number 1a 2a", "a number 1a 5a", "a number 1a 8a"}
    assert "a number 3a" in questions  # the other rows exist
    assert not {example.answer for example in drawn} & {"a21"}  # the gold of an unseen template
    assert "b-0" not in {example.template for example in drawn}
    assert not [example for example in drawn if example.context]


def test_other_categories_replace_an_exhausted_one() -> None:
    focus = Focus(label="sort", run="mine", categories={"a": 1, "gone": 1}, templates={})
    drawn = draw(Kinds(), focus, {}, 10, seed=0)
    assert Counter(example.category for example in drawn) == {"a": 10}


def test_refuses_a_task_without_synthesis_of_the_category() -> None:
    focus = Focus(label="sort", run="mine", categories={"take": 1}, templates={})
    with pytest.raises(UsageError, match="task 'toy' makes no questions of take"):
        draw(Toy(), focus, {}, 5, seed=0)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50), min_size=1), st.integers(0, 500))
def test_quotas_sum_to_n_and_differ_from_shares_by_less_than_one(shares: dict[str, int], n: int) -> None:
    found = quotas(shares, n)
    assert found.keys() == shares.keys()
    assert sum(found.values()) == n
    total = sum(shares.values())
    assert all(abs(found[name] - n * count / total) < 1 for name, count in shares.items())


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50), min_size=1), st.integers(0, 300))
def test_sample_quotas_cover_every_category_within_its_size(sizes: dict[str, int], n: int) -> None:
    n = min(n, sum(sizes.values()))
    found = quotas(sizes, n, sample=True)
    assert sum(found.values()) == n
    assert all((n >= len(sizes)) <= found[name] <= size for name, size in sizes.items())
