"""Rules about what teacher and student read and write: prompts, replies, rationales."""

from __future__ import annotations

from collections.abc import Iterator

from dstill.api.finding import Finding
from dstill.api.protocols import ConstrainedOutput
from dstill.api.records import Draft, Example
from dstill_conformance.pack import Pack, quoted

__all__ = ["RULES"]

SHORTEST_LEAK = 16  # characters: a prompt may contain a shorter answer by chance
SHOTS = 2


def parse_undoes_reply_text(pack: Pack) -> Iterator[Finding]:
    """`parse(reply_text(rationale, answer))` is that rationale and that answer."""
    for example in pack.timed([*pack.golds, *pack.refusals]):
        rationale, answer = (example.rationale or "these are the steps").strip(), (example.answer or "").strip()
        draft = pack.task.parse(pack.task.reply_text(rationale, answer))
        if draft is None:
            what = "cannot be parsed"
        elif draft.answer != answer:
            what = f"is parsed as the answer {quoted(draft.answer)}, not {quoted(answer)}"
        elif draft.rationale != rationale:
            what = f"is parsed as the rationale {quoted(draft.rationale)}, not {quoted(rationale)}"
        else:
            continue
        yield Finding(
            code="parse_not_inverse",
            what=f"the reply with the reference of '{example.id}' {what}",
            where=pack.line("parse"),
            hint="parse must undo reply_text, else a row of the dataset is not what the teacher answered",
        )


def reply_text_holds_both(pack: Pack) -> Iterator[Finding]:
    """A pack with a grammar writes rationale and answer into a reply as they are, the rationale first."""
    constrained = ConstrainedOutput in pack.task.protocols
    if constrained and len(pack.task.reply_text("\0", "\0").split("\0")) != 3:
        yield Finding(
            code="reply_text_changes",
            what="reply_text does not contain rationale and answer once each, unchanged",
            where=pack.line("reply_text"),
            hint="the grammar of an answer that follows a rationale is put between the parts of this text",
        )


def prompts_ask_the_question(pack: Pack) -> Iterator[Finding]:
    """A teacher's prompt contains the question, and not its answer."""
    told, golds = [], pack.golds
    for number, example in enumerate(pack.timed(golds)):
        shots = [golds[(number + n) % len(golds)] for n in range(1, SHOTS + 1) if len(golds) > SHOTS]
        text = "\n".join(message.content for message in pack.task.prompt(example, shots).messages)
        if example.question.strip() not in text:
            yield Finding(
                code="prompt_lacks_question",
                what=f"the prompt of '{example.id}' does not contain its question",
                where=pack.line("prompt"),
                hint="end with the question as it is",
            )
        told += [example.id] if _tells(text, example, shots) else []
    yield from _telling(pack, "prompt", told)


def inputs_hide_the_answer(pack: Pack) -> Iterator[Finding]:
    """The student's input does not contain the answer."""
    told = [e.id for e in pack.timed(pack.golds) if _tells(pack.task.model_input(e), e, [])]
    yield from _telling(pack, "model_input", told)


def _tells(text: str, example: Example, shots: list[Example]) -> bool:
    answer = (example.answer or "").strip()
    known = [example.question, *(shot.answer or "" for shot in shots)]
    return len(answer) >= SHORTEST_LEAK and answer in text and not any(answer in entry for entry in known)


def _telling(pack: Pack, method: str, told: list[str]) -> Iterator[Finding]:
    if len(told) > len(pack.golds) / 2:
        yield Finding(
            code="answer_told",
            what=f"{method} contains the reference answer of {len(told)} of {len(pack.golds)} examples ('{told[0]}')",
            where=pack.line(method),
            hint="leave out Example.answer, and everything that was made from it",
        )


def rationales_are_accepted(pack: Pack) -> Iterator[Finding]:
    """The rationale of a gold passes the checks of rationales, of the pack's terms among them."""
    if pack.plugins is None:
        return
    for example in pack.timed(pack.golds):
        if not example.rationale:
            continue
        draft = Draft(answer=example.answer or "", rationale=example.rationale)
        problems = pack.plugins.check_draft(pack.task, example, draft)
        for problem in problems:
            if problem.layer == "rationale" and problem.is_error:
                terms = problem.code == "rationale_names_nothing"
                yield Finding(
                    code="rationale_refused",
                    what=f"the rationale of '{example.id}' is refused: {problem.message} ({problem.hint})",
                    where=pack.line("answer_terms" if terms else "examples"),
                    hint="a term is what a person would call a part of the answer; or mend the rationale",
                )


RULES = (
    parse_undoes_reply_text,
    reply_text_holds_both,
    prompts_ask_the_question,
    inputs_hide_the_answer,
    rationales_are_accepted,
)
