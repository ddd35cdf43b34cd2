"""The commands `glossary check` and `glossary suggest`: words of a trade, and what they mean in the data.

    dstill glossary check --engine-url URL --set task.NAME.glossary=glossary.toml
    dstill glossary suggest --engine-url URL --feedback feedback.jsonl

`check` runs an answer with each term. `suggest` reads the questions of a feedback file (`dstill.inputs.feedback`).
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from dstill.api.checking import find_problems
from dstill.api.executor import Executor
from dstill.api.glossary import Term
from dstill.api.protocols import Presentation, RationaleTerms, Synthesis, Terms
from dstill.api.records import Draft, Example, OutcomeKind
from dstill.cli.console import emit, note, say
from dstill.cli.groups import Command
from dstill.cli.options import App, engine_url_option, json_output, pass_app, set_option, task_option
from dstill.cli.ready import about_data
from dstill.errors import AnswerError, UsageError
from dstill.factory import Setup
from dstill.inputs import feedback
from dstill.io.shell import command
from dstill.linked import Reading
from dstill.linked.linking import STOP_WORDS
from dstill.linked.names import stems
from dstill.linked.thesaurus import meant

__all__ = ["glossary_check", "suggest"]

SYNTHETIC = 500  # questions of the task's own making, whose words are no terms
SHORTEST = 3  # letters of a term


@contextlib.contextmanager
def _data(app: App, name: str) -> Iterator[tuple[Setup, Example]]:
    """The task, and a question about its data: that of ``--engine-url``, or of the project."""
    if not app.config().settings.engine.url:
        setup = Setup(app.plugins, app.config())
        task = setup.task
        yield setup, Example(id="", question="", context={task.data_key: getattr(task.config, task.data_key, "")})
        return
    with about_data(app, None, name) as student:
        yield student.setup, Example(id="", question="", context=next(iter(student.contexts().values())))


@click.command(
    "check",
    cls=Command,
    examples=["dstill glossary check", "dstill glossary check --engine-url sqlite:////data/shop.db --set …"],
)
@engine_url_option("Server that has the data. Nothing is written there")
@task_option
@json_output("Print one JSON object for each term.")
@set_option
@pass_app
def glossary_check(app: App, as_json: bool) -> None:
    """Check the terms of the glossary.

    Checks names and types, and runs an answer with each term. The file is the setting task.NAME.glossary. Exits
    with 9 if an answer fails.
    """
    with _data(app, "glossary check") as (setup, example), setup.opened_executor() as executor:
        task = setup.task
        terms = Terms.of(task).glossary(example).terms
        if not terms:
            hint = f"--set task.{task.name}.glossary=glossary.toml, or in dstill.toml"
            raise UsageError("there is no glossary", where=f"task.{task.name}.glossary", hint=hint)
        failed = 0
        for term in terms:
            answer = Terms.of(task).probe(example, term)
            why, shown = _tried(setup, executor, example, answer)
            failed += bool(why)
            if as_json:
                emit({"term": term.name, "means": term.meaning, "ok": not why, "reason": why, "answer": answer})
            else:
                say(f"{'fails' if why else 'ok':<6}{term}", lines=True)
                say(f"      {why or shown}", lines=True)
        if executor is None:
            note("no answer was run: the task has no executor")
    if failed:
        raise AnswerError(f"{failed} of {len(terms)} terms fail", where=f"task.{task.name}.glossary")


def _tried(setup: Setup, executor: Executor | None, example: Example, answer: str) -> tuple[str, str]:
    """Why an answer fails, or else its result."""
    task = setup.task
    problems = [p for p in find_problems(task, example, Draft(answer=answer)) if p.is_error]
    if problems:
        return problems[0].message, ""
    if executor is None:
        return "", ""
    outcome = executor.run(answer, example)
    if outcome.kind is not OutcomeKind.OK:
        return outcome.reason, ""
    return "", " ".join(Presentation.of(task).render_result(outcome.value).split())


@dataclass(frozen=True, kw_only=True)
class _Word:
    """A word of questions that nothing of the data accounts for."""

    text: str
    questions: int
    items: Mapping[str, int]  # items that no word names → right answers to these questions that use it

    @property
    def item(self) -> str:
        """The item that all right answers use; empty: there is none, or several are."""
        common = [name for name, n in self.items.items() if n == max(self.items.values())]
        return common[0] if len(common) == 1 else ""


@click.command("suggest", cls=Command, examples=["dstill glossary suggest --feedback feedback.jsonl > glossary.toml"])
@click.option(
    "--feedback",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    metavar="FILE",
    help="What people said of answers, as `ask` and `serve` keep it.",
)
@engine_url_option("Server that has the data. Nothing is written there")
@task_option
@json_output("Print one JSON object for each word.")
@set_option
@pass_app
def suggest(app: App, file: Path, as_json: bool) -> None:
    """Suggest terms from people's questions.

    Suggests words that nothing in the data accounts for. A word gets a meaning if right answers to its questions use
    something that no word of them names. Prints TOML; the other words are comments, for you to complete.
    """
    rows = feedback.read(file)
    with _data(app, "glossary suggest") as (setup, example):
        if not setup.student.reads_schema:
            raise UsageError(
                f"students of the kind '{setup.student.name}' have no schema to compare words with",
                where="train.student",
                hint=command("glossary", "suggest", "--set", "train.student=linked", "…"),
            )
        known = _known_words(setup)
        words = _words(setup, example, rows, known)
    for word in words:
        if as_json:
            emit({"word": word.text, "questions": word.questions, "means": word.item})
            continue
        times = f"in {word.questions} question{'s' * (word.questions > 1)}"
        if word.item:
            term = Term(name=word.text, where="", means=word.item)
            say(f"[{json.dumps(term.name)}]  # {times}\nmeans = {json.dumps(term.means)}\n", lines=True)
        else:
            say(f"# {word.text}: {times}", lines=True)
    if not words:
        note("every word of these questions is a name or value of the data, or a common word")


def _known_words(setup: Setup) -> set[str]:
    """Words of the questions that the task makes, which are about any data."""
    made = Synthesis.of(setup.task).synthesize({}, SYNTHETIC, setup.settings.project.seed)
    return {stem for example in made for stem in stems(example.question)}


def _words(setup: Setup, example: Example, rows: Sequence[feedback.Feedback], known: set[str]) -> list[_Word]:
    """The words that nothing accounts for, the most frequent first."""
    form, task = setup.student.form, setup.task
    questions = Counter[str]()
    items: dict[str, Counter[str]] = defaultdict(Counter)
    for opinion in feedback.opinions(task, rows):
        reading: Reading = form.read(Example(id="", question=opinion.question, context=example.context))
        linked = {place for place, _ in reading.links}
        unread = {
            word.text.lower()
            for place, word in enumerate(reading.words)
            if place not in linked
            and word.kind == "word"
            and len(word.text) >= SHORTEST
            and word.text.lower() not in STOP_WORDS
            and known.isdisjoint(stems(word.text))
        }
        questions.update(unread)
        if opinion.gold and unread:
            used = reading.schema.named(frozenset(RationaleTerms.of(task).answer_terms(opinion.gold)))
            used -= {name.rpartition(".")[0] for name in used}  # the table of a column that is used
            named = {reading.items[item].name for (_, item), kind in reading.links.items() if kind != "above"}
            for word in unread:
                items[word].update(used - named)
    words = (_Word(text=word, questions=n, items=items[word]) for word, n in questions.most_common())
    return [word for word in words if word.item or not meant(word.text)]  # "longest" is no term of a trade
