"""Rules about the questions of a pack: ids, splits, determinism, and what test splits must not share."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from dstill.api.finding import Finding
from dstill.api.protocols import Linked, Synthesis
from dstill.api.records import Example, Severity
from dstill.errors import DataError, DstillError, PluginError
from dstill.inputs.leakage import context_key, duplicates, leaks
from dstill.io.strict_json import dumps, loads
from dstill_conformance.fresh import digest
from dstill_conformance.pack import Pack, quoted

__all__ = ["RULES"]

MOST_REFUSALS = 0.5  # share of a test split's golds
SYNTHESIZED = 5  # questions


def has_golds(pack: Pack) -> Iterator[Finding]:
    """Most rules need golds that are answers, not refusals."""
    if not pack.golds:
        what = f"no split of task '{pack.task.name}' has a reference answer that is not a refusal"
        hint = "give some examples an answer, at least in a pack's tests: most rules check golds"
        yield Finding(code="no_golds", what=what, where=pack.line("examples"), hint=hint, severity=Severity.WARNING)


def ids_are_unique(pack: Pack) -> Iterator[Finding]:
    """An id is unique over all splits: it joins the files of a run."""
    splits = defaultdict(list)
    for example in pack.examples:
        splits[example.id].append(example.split)
    if repeated := {id: rows for id, rows in splits.items() if len(rows) > 1}:
        id, rows = next(iter(repeated.items()))
        yield Finding(
            code="repeated_id",
            what=f"{len(repeated)} ids occur more than once: '{id}' in {' and '.join(dict.fromkeys(rows))}",
            where=pack.line("examples"),
            hint="put the split into the id",
        )


def splits_are_those_asked_for(pack: Pack) -> Iterator[Finding]:
    """`examples(split)` yields questions of that split."""
    for split, rows in pack.by_split.items():
        other = next((example for example in rows if example.split not in ("", split)), None)
        if other is not None:
            yield Finding(
                code="wrong_split",
                what=f"examples('{split}') yields '{other.id}' of the split '{other.split}'",
                where=pack.line("examples"),
                hint="yield the questions of the split that is asked for",
            )


def every_call_gives_the_same(pack: Pack) -> Iterator[Finding]:
    """The same settings and seed give the same questions: at each call, in each object, in each process."""
    for task, of in ((pack.task, "a second call"), (pack.new_task(), "another object of the task")):
        for split, rows in pack.by_split.items():
            if (differs := _first_difference(rows, list(task.examples(split)))) is not None:
                yield Finding(
                    code="unstable_examples",
                    what=f"{of} of examples('{split}') gives other questions: {differs}",
                    where=pack.line("examples"),
                    hint="create random.Random(self.seed) in each call, and never iterate over a set",
                )
                return
    try:
        there = pack.elsewhere
    except PluginError as error:
        hint = "the questions there were not compared with those here"
        yield Finding(
            code="new_process_failed",
            what=error.what,
            where=pack.line("examples"),
            hint=hint,
            severity=Severity.WARNING,
        )
        return
    if there is not None and there.questions != digest(pack.by_split):
        yield Finding(
            code="unstable_examples",
            what="a new process gives other questions, or other rows",
            where=pack.line("examples"),
            hint="the order of a set of texts differs from process to process: sort it; so does hash() of a text",
        )


def _first_difference(first: Sequence[Example], other: Sequence[Example]) -> str | None:
    for a, b in zip(first, other, strict=False):
        if a != b:
            return f"'{b.id}' for '{a.id}'" if a.id != b.id else f"another '{a.id}'"
    return None if len(first) == len(other) else f"{len(other)} for {len(first)}"


def rows_are_json(pack: Pack) -> Iterator[Finding]:
    """An example is the same after it was written and read as JSON."""
    for example in pack.timed(pack.examples):
        try:
            read = Example.from_row(loads(dumps(example.to_row())))
        except (TypeError, ValueError) as error:
            why = str(error)
        else:
            if read == example:
                continue
            why = "it is another one when it is read again (a tuple becomes a list)"
        yield Finding(
            code="not_json",
            what=f"example '{example.id}' cannot be written as JSON: {why}",
            where=pack.line("examples"),
            hint="use text, numbers, booleans, lists and dictionaries with text keys in context and extra",
        )


def no_split_leaks(pack: Pack) -> Iterator[Finding]:
    """Test splits share no question, template or data with the splits before them, and name their templates."""
    try:
        leaked = leaks(pack.examples, pack.task)
    except DataError as error:
        yield Finding(code="no_data_names", what=error.what, where=pack.line("data_key"), hint=error.hint)
        return
    for leak in leaked:
        yield Finding(
            code="leak",
            what=f"{leak}: '{leak.ids[0]}' and '{leak.other_id}'",
            where=pack.line("examples"),
            hint=f"divide each {leak.what} among the splits first, and then make questions",
        )
    unseen = pack.by_split["test_unseen_templates"]
    for split in ("test_unseen_templates", "train") if unseen else ():
        without = [example.id for example in pack.by_split[split] if not example.template]
        if without:
            yield Finding(
                code="no_templates",
                what=f"{len(without)} questions of {split} name no template ('{without[0]}'), so a leak cannot be seen",
                where=pack.line("examples"),
                hint="set Example.template to the name of the pattern that gave the question",
            )


def refusals_are_few(pack: Pack) -> Iterator[Finding]:
    """At most half of the golds of a test split refuse, else a student that always refuses looks good."""
    for split, rows in pack.by_split.items():
        golds = [example for example in rows if example.answer is not None]
        n = sum(pack.task.is_refusal(example.answer or "") for example in golds)
        if split.startswith("test") and n > MOST_REFUSALS * len(golds):
            yield Finding(
                code="refusal_share",
                what=f"{n} of {len(golds)} reference answers of {split} are refusals",
                where=pack.line("is_refusal"),
                hint="is_refusal takes answers for refusals, or the split has too few other questions",
            )


def questions_have_one_answer(pack: Pack) -> Iterator[Finding]:
    """The same question about the same data has one gold."""
    for ids in duplicates(pack.answered, pack.task.canonical).conflicting:
        yield Finding(
            code="contradiction",
            what=f"the same question has different reference answers: {', '.join(ids[:3])}",
            where=pack.line("examples"),
            hint="drop one of them, or say in the question what differs",
        )


def inputs_tell_questions_apart(pack: Pack) -> Iterator[Finding]:
    """The student's input tells two questions with different golds apart."""
    same: dict[str, list[Example]] = defaultdict(list)
    for example in pack.answered:
        same[pack.task.model_input(example)].append(example)
    form = Linked.of(pack.task).form()
    for group in pack.timed(same.values()):
        first = group[0]
        for other in group[1:]:
            if context_key(other) == context_key(first) or not _answers_differ(pack, first, other):
                continue
            if form is None or form.read(first).items == form.read(other).items:
                yield Finding(
                    code="ambiguous_input",
                    what=f"a student reads the same for '{first.id}' and '{other.id}', which have different answers: "
                    f"{quoted(pack.task.model_input(first))}",
                    where=pack.line("model_input"),
                    hint=f"add to the input which {pack.task.data_noun} the question is about, or its schema",
                )
            break


def _answers_differ(pack: Pack, example: Example, other: Example) -> bool:
    return pack.task.canonical(example.answer or "") != pack.task.canonical(other.answer or "")


def synthesis_is_repeatable(pack: Pack) -> Iterator[Finding]:
    """`synthesize` makes the same questions for the same seed, and ids of its own."""
    for example in pack.one_of_each_data[:3]:
        calls = []
        for task in (pack.task, pack.new_task()):
            try:
                calls.append(list(Synthesis.of(task).synthesize(example.context, SYNTHESIZED, pack.seed)))
            except DstillError:
                break  # it may refuse this data
        if len(calls) < 2:
            continue
        repeated = [id for id, n in Counter(e.id for e in calls[0]).items() if n > 1]
        what = "gives other questions at a second call" if calls[0] != calls[1] else f"repeats the id '{repeated[:1]}'"
        if calls[0] != calls[1] or repeated:
            yield Finding(
                code="unstable_synthesis",
                what=f"synthesize(context of '{example.id}', {SYNTHESIZED}, {pack.seed}) {what}",
                where=pack.line("synthesize"),
                hint="create random.Random(seed) in each call",
            )


RULES = (
    has_golds,
    ids_are_unique,
    splits_are_those_asked_for,
    every_call_gives_the_same,
    rows_are_json,
    no_split_leaks,
    refusals_are_few,
    questions_have_one_answer,
    inputs_tell_questions_apart,
    synthesis_is_repeatable,
)
