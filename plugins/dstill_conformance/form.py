"""Rules about the form of answers (tokens and pointers), and about grammars, which a plugin checks."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from dstill.api.finding import Finding, line_of, line_of_error
from dstill.api.form import Form, NotExpressible, Token
from dstill.api.protocols import Linked
from dstill.api.records import Example, Severity
from dstill.errors import PluginError
from dstill.linked import Reading
from dstill.linked.names import stems
from dstill_conformance.fresh import form_digest
from dstill_conformance.pack import Pack, quoted, raised

__all__ = ["RULES"]

MOST_LOST = 0.1  # share of golds without tokens
SEQUENCES = 40  # random ones
LENGTH = 12  # tokens of each


def form_keeps_answers(pack: Pack) -> Iterator[Finding]:
    """The tokens of a gold are decoded to that gold, and a student may write them."""
    form = Linked.of(pack.task).form()
    if form is None:
        return
    lost: dict[str, str] = {}  # id → why it has no tokens
    for example in pack.timed([*pack.golds, *pack.refusals]):
        answer = example.answer or ""
        try:
            reading = form.read(example)
            tokens = form.encode(answer, reading)
            back = form.decode(tokens, reading)
        except NotExpressible as error:
            lost[example.id] = f"'{example.id}': {error}"
            continue
        except Exception as error:
            yield _raised(pack, form, "encode", (example, answer), error)
            return
        if pack.task.canonical(back) != pack.task.canonical(answer):
            yield Finding(
                code="form_changes_answer",
                what=f"the form turns the reference answer of '{example.id}' into {quoted(back)}, not {quoted(answer)}",
                where=line_of(form, "encode") if "encode" in _own(form) else line_of(form, "decode"),
                hint="decode must undo encode; raise NotExpressible for what has no tokens",
            )
            continue
        yield from _wrong_tokens(form, tokens, reading, example)
    yield from _without_tokens(pack, form, lost)


def _without_tokens(pack: Pack, form: Form, lost: Mapping[str, str]) -> Iterator[Finding]:
    """Answers that a form cannot write: more than a few golds, or every refusal."""
    golds = [lost[example.id] for example in pack.golds if example.id in lost]
    refusals = [lost[example.id] for example in pack.refusals if example.id in lost]
    if len(golds) > MOST_LOST * len(pack.golds):
        yield Finding(
            code="form_too_small",
            what=f"the form has no tokens for {len(golds)} of {len(pack.golds)} reference answers, as for {golds[0]}",
            where=line_of(form, "encode"),
            hint="students of the kind linked do not learn these rows",
            severity=Severity.WARNING,
        )
    if refusals and len(refusals) == len(pack.refusals):
        yield Finding(
            code="form_without_refusals",
            what=f"the form has no tokens for any refusal, as for {refusals[0]}",
            where=line_of(form, "encode"),
            hint="students of the kind linked never refuse: encode what refusals have in common with tokens, and what "
            "differs with words of the question",
            severity=Severity.WARNING,
        )


def _own(form: Form) -> set[str]:
    return {name for kind in type(form).__mro__ if kind is not Form for name in vars(kind)}


def _raised(pack: Pack, form: Form, method: str, args: tuple[Any, ...], error: Exception) -> Finding:
    shown = raised(pack.task, f"form.{method}", args, error)
    where = line_of_error(error, form) or line_of(form, method)
    return Finding(code=shown.code, what=shown.what, where=where, hint="raise NotExpressible for what has no tokens")


def _wrong_tokens(form: Form, tokens: list[Token], reading: Reading, example: Example) -> Iterator[Finding]:
    wrong = [t for t in tokens if (t not in form.tokens if isinstance(t, str) else not 0 <= t < len(reading))]
    if wrong:
        yield Finding(
            code="form_unknown_token",
            what=f"the reference answer of '{example.id}' is encoded with {wrong[0]!r}, which no student can write",
            where=line_of(form, "encode"),
            hint="list every piece of structure in Form.tokens, and point to positions of the reading only",
        )
    cursor = form.start(reading)
    for token in [*tokens, ""] if cursor is not None and not wrong else []:
        if not cursor.allows(token) if cursor is not None else False:
            what = f"the token {token!r}" if token != "" else "the end"
            yield Finding(
                code="form_forbids_gold",
                what=f"while the reference answer of '{example.id}' is written, {what} is not allowed",
                where=line_of(type(cursor), "allows" if "allows" in vars(type(cursor)) else "allowed"),
                hint="allow every token of every right answer, and '' where an answer may end",
            )
            return
        cursor = cursor.push(token) if cursor is not None and token != "" else cursor


def form_decodes_any_tokens(pack: Pack) -> Iterator[Finding]:
    """Any tokens can be decoded, or raise NotExpressible: a student writes what it likes."""
    form, draw = Linked.of(pack.task).form(), random.Random(pack.seed)
    if form is None:
        return
    if len(set(form.tokens)) < len(form.tokens):
        what, hint = "a token of the form is listed twice", "list each once, before a student is trained with them"
        yield Finding(
            code="form_repeats_token",
            what=what,
            where=line_of(form, "tokens"),
            hint=hint,
            severity=Severity.WARNING,
        )
    for example in pack.timed(pack.one_of_each_data):
        reading = form.read(example)
        choices: list[Token] = [*form.tokens, *range(len(reading))]
        for _ in range(SEQUENCES if choices else 0):
            tokens = draw.choices(choices, k=draw.randint(0, LENGTH))
            try:
                form.decode(tokens, reading)
            except NotExpressible:
                continue
            except Exception as error:
                yield _raised(pack, form, "decode", (example, str(tokens)), error)
                return


def items_have_stems(pack: Pack) -> Iterator[Finding]:
    """Words of items are stems, as words of questions are when they are compared with them."""
    form = Linked.of(pack.task).form()
    if form is None:
        return
    for example in pack.timed(pack.one_of_each_data):
        for item in form.read(example).items:
            for word in (*item.words, *item.above):
                if (stem := " ".join(stems(word))) != word:
                    yield Finding(
                        code="item_not_stem",
                        what=f"the item '{item.name}' has the word '{word}', and words of questions are compared as "
                        f"'{stem}'",
                        where=line_of(form, "items"),
                        hint="dstill.linked.names.stems gives the words of a name",
                        severity=Severity.WARNING,
                    )


def form_is_stable(pack: Pack) -> Iterator[Finding]:
    """The tokens of a form, and their order, are the same in each process: a trained student depends on them."""
    form = Linked.of(pack.task).form()
    with suppress(PluginError):  # a rule about questions reports it
        if form is not None and pack.elsewhere is not None and pack.elsewhere.form != form_digest(form):
            yield Finding(
                code="form_unstable",
                what="in a new process, the form has other tokens or features, or the same in another order",
                where=line_of(form, "tokens"),
                hint="the order of a set of texts differs from process to process: sort it",
            )


def plugins_find_nothing(pack: Pack) -> Iterator[Finding]:
    """Checks of plugins, such as that every gold is a sentence of the pack's own grammar."""
    if pack.plugins is not None:
        yield from pack.plugins.check_pack(pack.task, [*pack.golds, *pack.refusals])


RULES = (form_keeps_answers, form_decodes_any_tokens, items_have_stems, form_is_stable, plugins_find_nothing)
