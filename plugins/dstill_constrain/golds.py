"""Golds that are no sentences of their task's own grammar: a student that is held to it cannot write them.

list(outside_of_grammar(task, examples))   → [Finding(code="gold_not_in_grammar", what="… 'test-3' after 'price '", …)]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dstill.api.finding import Finding, line_of
from dstill.api.protocols import ConstrainedOutput
from dstill.api.records import Example, Severity
from dstill.api.task import Task
from dstill.errors import DataError, UsageError
from dstill_constrain.compiler import Compiler
from dstill_constrain.vocabulary import BYTES

__all__ = ["outside_of_grammar"]

TEXT_WIDTH = 40  # characters of what a grammar takes of an answer


def outside_of_grammar(task: Task, examples: Sequence[Example]) -> Iterator[Finding]:
    """A finding for each gold of `examples` that the grammar forbids, and for a grammar that cannot be used."""
    if ConstrainedOutput not in task.protocols:
        return
    output = ConstrainedOutput.of(task)
    where = line_of(output, "grammar")
    try:
        compiler = Compiler(BYTES)
    except UsageError as error:
        what = f"the golds were not compared with the grammar: {error.what}"
        yield Finding(code="grammar_not_checked", what=what, hint=error.hint, severity=Severity.WARNING)
        return
    for example in examples:
        if (grammar := output.grammar(example)) is None:
            continue
        try:
            state = compiler.start(grammar)
        except DataError as error:
            what = f"the grammar of '{example.id}' cannot be used: {error.what}"
            yield Finding(code="grammar_invalid", what=f"{what} {error.where}", where=where, hint=error.hint)
            return
        answer = (example.answer or "").encode(errors="surrogatepass")
        taken = state.consume_most(answer)
        if taken == len(answer) and state.complete:
            continue
        before = answer[:taken].decode(errors="replace")[-TEXT_WIDTH:]
        place = f"stops after {before!r}" if taken < len(answer) else "does not end there"
        yield Finding(
            code="gold_not_in_grammar",
            what=f"the reference answer of '{example.id}' is not a sentence of the grammar, which {place}",
            where=where,
            hint="with --constrain no student can write it. Names in capitals and literals are matched as a whole, the "
            "longest first",
        )
