"""Rows as other tools write them, turned into rows with the columns of `dstill.inputs.question_files`.

    as_question({"messages": [{"role": "user", "content": "add 4 to x"},
                              {"role": "assistant", "content": "x 4 +"}], "team": "ops"}, task.parse)
    {"question": "add 4 to x", "answer": "x 4 +", "team": "ops"}

    form                     columns                                    whose
    question and answer      question or prompt, answer or dsl, …       dstill's own
    prompt and completion    prompt, completion                         TRL, and `dstill data export`
    messages                 messages: role and content                 OpenAI, TRL, and `dstill data export`
    ShareGPT                 conversations: from and value              LLaMA-Factory, axolotl
    Alpaca                   instruction, input, output                 Stanford Alpaca, LLaMA-Factory

A reply with ``<rationale>`` and ``<answer>`` (`Task.parse`) is split into the two; any other reply is the answer. All
other columns stay. A conversation is one question and at most one reply: a question that follows others may mean
nothing without them, so a row with earlier turns is refused. So is one with messages of tools. A system message goes
to the column ``system``, which nothing reads: the task has its own instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dstill.api.records import Draft
from dstill.io.strict_json import NotStrict, kind, loads

__all__ = ["COLUMNS", "RowError", "as_question", "form_of"]

Row = dict[str, Any]
Parse = Callable[[str], Draft | None]

OWN, COMPLETION, MESSAGES, SHAREGPT, ALPACA = (
    "question and answer",
    "prompt and completion",
    "messages",
    "ShareGPT",
    "Alpaca",
)
COLUMNS = ("instruction", "output", "completion")  # that a CSV header of the other forms has
ROLES = {
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "gpt", "model", "bot", "chatgpt"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "function", "function_call", "observation", "ipython"), "tool"),
}
ONE_TURN = "keep conversations of one question and one reply; write what the question needs into the question"


class RowError(ValueError):
    """A row that cannot be used. The text completes "row 7 …"."""

    def __init__(self, what: str, hint: str = "fix or remove the row") -> None:
        super().__init__(what)
        self.hint = hint


def form_of(row: Mapping[str, Any]) -> str:
    """The form of `row`. Raises RowError if it has two: then nothing says which of them has the question."""
    own = "question" in row or ("prompt" in row and "completion" not in row)
    has = {
        OWN: own,
        COMPLETION: "prompt" in row and "completion" in row,
        MESSAGES: isinstance(row.get("messages"), list),
        SHAREGPT: isinstance(row.get("conversations"), list),
        ALPACA: "instruction" in row and ("output" in row or not own),
    }
    forms = [form for form, is_it in has.items() if is_it]
    if len(forms) > 1:
        raise RowError(
            f"has two forms, {forms[0]} and {forms[1]}: its columns are {', '.join(row)}"[:400],
            "remove or rename the columns of one of them",
        )
    return forms[0] if forms else OWN


def as_question(row: Mapping[str, Any], parse: Parse) -> Row:
    """`row` with the columns question, answer and rationale. Raises RowError."""
    form = form_of(row)
    if form == OWN:
        return _own(row)
    if form == COMPLETION:
        rest, prompt, reply = _without(row, "prompt", "completion")
        return _row(rest, _text(prompt, "prompt").removesuffix("\n"), reply, parse, "completion")
    if form == ALPACA:
        return _alpaca(row, parse)
    column = {MESSAGES: "messages", SHAREGPT: "conversations"}[form]
    rest, turns = _without(row, column)
    system, question, reply = _one_turn(turns, column)
    if system:
        rest.setdefault("system", system)
    return _row(rest, question, reply, parse, column)


def _own(row: Mapping[str, Any]) -> Row:
    """The row itself. Of a row of a dstill dataset, `extra` is unpacked, and the number of the format is removed."""
    if "schema_version" not in row:
        return dict(row)
    rest, _, extra = _without(row, "schema_version", "extra")
    try:
        unpacked = loads(extra) if isinstance(extra, str) and extra else extra or {}
    except NotStrict:
        unpacked = None
    if not isinstance(unpacked, Mapping):
        return {**rest, "extra": extra}
    return {**unpacked, **rest}


def _alpaca(row: Mapping[str, Any], parse: Parse) -> Row:
    rest, instruction, more, reply = _without(row, "instruction", "input", "output")
    if rest.pop("history", None):
        raise RowError("has earlier turns (column 'history')", ONE_TURN)
    texts = [_text(instruction, "instruction"), _text(more, "input") if more is not None else ""]
    return _row(rest, "\n".join(text for text in texts if text), reply, parse, "output")


def _row(rest: Row, question: str, reply: Any, parse: Parse, source: str) -> Row:
    """`rest` with the question, and what `reply` from the column `source` says."""
    rest.pop("schema_version", None)
    draft = parse(reply) if isinstance(reply, str) else None
    columns = {"answer": draft.answer if draft else reply, "rationale": draft.rationale if draft else None}
    for column, value in columns.items():
        if value in (None, ""):
            continue
        for name in (column, "dsl") if column == "answer" else (column,):
            if rest.get(name) not in (None, ""):
                raise RowError(
                    f"has two texts for '{column}': in column '{name}', and in '{source}'", "remove one of the two"
                )
        rest[column] = value
    return {"question": question, **rest}


# --- conversations ----------------------------------------------------------------------


def _one_turn(turns: Sequence[Any], column: str) -> tuple[str, str, str | None]:
    """The system message, the question, and the reply to it if there is one."""
    messages = [_message(turn, number, column) for number, turn in enumerate(turns, start=1)]
    system = "\n".join(text for role, text in messages if role == "system")
    talk = [(role, text) for role, text in messages if role != "system"]
    roles = [role for role, _ in talk]
    if "tool" in roles:
        raise RowError(
            f"has messages of a tool in '{column}': the reply depends on what the tool returned",
            "remove the row, or write what the tool returned into the question",
        )
    if "user" not in roles:
        raise RowError(f"has no message of a user in '{column}'")
    if roles not in (["user"], ["user", "assistant"]):
        raise RowError(f"has more than one question and one reply in '{column}': {', '.join(roles)}"[:200], ONE_TURN)
    return system, talk[0][1], talk[1][1] if len(talk) > 1 else None


def _message(turn: Any, number: int, column: str) -> tuple[str, str]:
    """Role and text of a message. Those of a tool, and calls of tools, have the role ``tool``."""
    where = f"has in message {number} of '{column}'"
    if not isinstance(turn, Mapping):
        raise RowError(f"{where} {kind(turn)}, expected an object")
    speaker = turn.get("role") if turn.get("role") is not None else turn.get("from")
    role = ROLES.get(speaker.lower()) if isinstance(speaker, str) else None
    if role is None:
        shown = f"'{speaker[:40]}'" if isinstance(speaker, str) else kind(speaker)
        raise RowError(f"{where} the role {shown}, expected user, assistant or system")
    if role == "tool" or turn.get("tool_calls") or turn.get("function_call"):
        return "tool", ""
    content = turn.get("content") if turn.get("content") is not None else turn.get("value")
    if isinstance(content, list):
        content = "\n".join(_part(part, where) for part in content)
    if not isinstance(content, str):
        raise RowError(f"{where} {kind(content)}, expected text or a list of text parts")
    return role, content


def _part(part: Any, where: str) -> str:
    if isinstance(part, str):
        return part
    what = part.get("type", "text") if isinstance(part, Mapping) else kind(part)
    text = part.get("text") if isinstance(part, Mapping) else None
    if what != "text" or not isinstance(text, str):
        raise RowError(f"{where} a part of type '{str(what)[:40]}': only text is read")
    return text


def _text(value: Any, column: str) -> str:
    if not isinstance(value, str):
        raise RowError(f"has in column '{column}' {kind(value)}, expected text")
    return value


def _without(row: Mapping[str, Any], *columns: str) -> tuple[Any, ...]:
    """The row without `columns`, and the value of each."""
    return {name: value for name, value in row.items() if name not in columns}, *(row.get(name) for name in columns)
