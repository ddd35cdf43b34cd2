"""An answer and the data for programs: JSON objects, and the JSON Schemas that describe them.

    result_rows(task, answered)          {"shown": "it says tea", "tables": [{"title": "hits", "columns": […], …}]}
    data_rows(task, context)             {"title": "fields of logs", "fields": [["status", "long: 200 to 599"], …], …}
    ANSWER                               the schema of ``PredictedAnswer.to_row()``

The HTTP server and the MCP server send the same objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill.api.protocols import Presentation, Terms
from dstill.api.records import Example, OutcomeKind, Severity, Table
from dstill.api.task import Task
from dstill.io.json_schema import any_value, either_or_null, flag, integer, list_of, number, record, text
from dstill.stages.predict.predicted import PredictedAnswer

__all__ = [
    "ALTERNATIVE",
    "ANSWER",
    "DATA",
    "MAX_ROWS",
    "PROBLEM",
    "RESULT",
    "TABLE",
    "alternative_rows",
    "data_rows",
    "result_rows",
]

MAX_ROWS = 100  # of a result table


def result_rows(task: Task, answered: PredictedAnswer, most: int = MAX_ROWS) -> dict[str, Any]:
    """The result of an answer that ran, as text and as tables of at most `most` rows."""
    shown = Presentation.of(task)
    return {
        "shown": shown.render_result(answered.result),
        "tables": [
            {
                "title": _title(table, most),
                "columns": [name.lstrip("#") for name in table.columns],
                "numeric": [name.startswith("#") for name in table.columns],
                "rows": [list(row) for row in table.rows[:most]],
                "of": len(table.rows),
                "spare": table.spare,
            }
            for table in shown.result_tables(answered.result, answered.answer)
        ],
    }


def alternative_rows(task: Task, answered: PredictedAnswer) -> list[dict[str, Any]]:
    """The alternatives of an answer, with their results as `result_rows`; for `ALTERNATIVE`, without ``result``."""
    return [
        {"answer": other.answer, "read_back": other.read_back, **result_rows(task, other)}
        for other in answered.alternatives
    ]


def _title(table: Table, most: int) -> str:
    """The title, and how many rows there are if the table lacks some."""
    count = len(table.rows)
    cut = f"the first {most:,} of {count:,} rows" if count > most else ""
    return ", ".join(filter(None, (table.title, cut)))


def data_rows(task: Task, context: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the data in `context`, each with a few words, and the terms of the glossary."""
    example = Example(id="", question="", context=context)
    rows = Presentation.of(task).relevant_schema(example, "")
    terms = Terms.of(task).glossary(example).terms
    return {
        "title": rows.title,
        "fields": [list(field) for field in (*rows.used, *rows.rest)],
        "glossary": [[", ".join(term.names), term.meaning] for term in terms],
    }


PROBLEM = record(
    {
        "layer": text("the check that found it"),
        "code": text("a stable word for its kind"),
        "message": text("what is wrong"),
        "pointer": text("where in the answer: a JSON pointer, or line:column; empty: the whole answer"),
        "hint": text("what to do about it; may be empty"),
        "suggestion": either_or_null(text("the right value, if it is known")),
        "severity": text("an error refuses the answer, a warning does not", enum=[level.value for level in Severity]),
    },
    "What a check found in an answer.",
)

TABLE = record(
    {
        "title": text("what it shows, and how many rows there are if `rows` lacks some; may be empty"),
        "columns": list_of(text()),
        "numeric": list_of(flag(), "for each column, whether it holds numbers"),
        "rows": list_of(list_of(text()), f"the first: at most {MAX_ROWS}, unless more were asked for"),
        "of": integer("how many rows the whole table has"),
        "spare": integer("how many of the last columns matter least"),
    },
    "A result as a table.",
)

RESULT = {
    "shown": text("the result in a few lines"),
    "tables": list_of(TABLE, "the result as tables; empty if the task has no tables"),
}

DATA = record(
    {
        "title": text("what these are the fields of"),
        "fields": list_of(
            list_of(text(), minItems=2, maxItems=2), "pairs: the name of a field, and its type with known values"
        ),
        "glossary": list_of(
            list_of(text(), minItems=2, maxItems=2), "pairs: the names of a term, and what it means in the data"
        ),
    },
    "What is known about one of the data.",
)

ALTERNATIVE = record(
    {
        "answer": text(),
        "read_back": text("what it does, in plain words; empty: the task has none"),
        "result": any_value("what it returned"),
        **RESULT,
    },
    "Another answer to the question, which ran.",
    optional=("result", *RESULT),
)

ANSWER = record(
    {
        "id": text("of this answer"),
        "question": text(),
        "answer": text("as it was written; empty: there is none"),
        "ok": flag(
            "it passes the checks, does not refuse, and ran without an error if it was run. It may still be wrong"
        ),
        "refused": flag("it says that the data cannot answer the question"),
        "reason": text("why it is not ok, in a line"),
        "read_back": text("what the answer does, in plain words"),
        "glossary": list_of(text(), "terms of the glossary in the question, with what they mean"),
        "rationale": text("why the answer is as it is, in the words of whoever wrote it; nothing checks them"),
        "problems": list_of(PROBLEM, "what the checks found"),
        "outcome": text("whether it ran; absent: it was not run", enum=[kind.value for kind in OutcomeKind]),
        "result": any_value("what it returned"),
        "confidence": either_or_null(number("calibrated probability that it is right", minimum=0, maximum=1)),
        "abstained": flag("the confidence is below the cut: there is no answer, and `withheld` has what was written"),
        "answered_by": text(
            "student, memory (somebody confirmed this answer), or the large model that answered in its place"
        ),
        "first_answer": text("the student's first answer, if this is another one"),
        "second_look": text("why this is not the student's first answer"),
        "alternatives": list_of(ALTERNATIVE, "other answers that ran, if they were asked for"),
        "question_back": text("what to ask the user, if the answer and its alternatives differ in one place"),
        "withheld": text("what the student wrote, if it abstained or if a large model answered in its place"),
        "similarity": either_or_null(number("to the nearest question of the training", maximum=1)),
        "guess": text("why an answer that passes the checks is only a guess; empty: nothing says so"),
    },
    "An answer to a question, checked.",
    optional=(
        "read_back",
        "glossary",
        "rationale",
        "outcome",
        "result",
        "first_answer",
        "second_look",
        "alternatives",
        "question_back",
        "withheld",
    ),
)
