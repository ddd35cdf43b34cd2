"""The OpenAPI description of the server, which it sends as ``/openapi.json``.

    description(task, token=False)      {"openapi": "3.1.0", "paths": {"/v1/query": {"post": …}, …}, "components": {…}}

It is written by hand, beside the code that parses requests and builds replies. A test sends every kind of request and
compares the routes, the requests and the replies with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill.api.task import Task
from dstill.inputs.feedback import RIGHT, WRONG
from dstill.io.json_schema import (
    Schema,
    any_value,
    either_or_null,
    flag,
    integer,
    list_of,
    record,
    table_of,
    text,
)
from dstill.stages.predict.answer_objects import ALTERNATIVE, ANSWER, DATA, PROBLEM, RESULT
from dstill.stages.predict.predictor import QUESTION_LIMIT
from dstill_serve.request_schema import ALLOWED, IGNORED_KEYS, ROLES

__all__ = ["description"]

VERSION = "3.1.0"  # of OpenAPI; its schemas are JSON Schema 2020-12
_JSON = "application/json"


def description(task: Task, *, token: bool, at: str = "") -> dict[str, Any]:
    """The document. `token`: requests need one. `at`: address of the routes, relative to its own; empty: the root."""
    from dstill import __version__

    about = f"Answers of a trained student about its {task.data_noun}, checked, and run if asked. See docs/serve.md."
    document: dict[str, Any] = {
        "openapi": VERSION,
        "info": {"title": "dstill serve", "version": __version__, "description": about},
        "paths": _paths(),
        "components": {
            "schemas": _schemas(task),
            "responses": {"Error": _reply(_ref("Error"), "An error, in the form of OpenAI's API.")},
        },
    }
    if at:
        document["servers"] = [{"url": at}]
    if token:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    return document


def _paths() -> dict[str, Any]:
    query_away = {"503": _reply(_ref("Error"), "Overloaded, stopping, or the engine is away: see `answered`.")}
    chat = _reply(_ref("ChatCompletion"), "The answer.")
    chat["content"]["text/event-stream"] = {"schema": _ref("ChatChunk")}
    name = {"name": "name", "in": "path", "required": True, "schema": text("the name of the run")}
    plain = {"description": "The metrics.", "content": {"text/plain": {"schema": text("in the format of Prometheus")}}}
    any_json = _reply({"type": "object"}, "This description.")
    return {
        "/v1/query": {
            "post": _post(
                "Answer a question", "Query", _reply(_ref("Answer"), "The answer."), 400, 404, 504, **query_away
            )
        },
        "/v1/chat/completions": {
            "post": _post("Answer a question in the form of OpenAI's API", "Chat", chat, 400, 404, 422, 503, 504)
        },
        "/v1/models": {"get": _get("List the model", _reply(_ref("Models"), "One model."))},
        "/v1/models/{name}": {
            "get": _get("Describe the model", _reply(_ref("Model"), "The model."), 404) | {"parameters": [name]}
        },
        "/v1/about": {"get": _get("Describe the student and its data", _reply(_ref("About"), "What they are."))},
        "/v1/check": {
            "post": _post("Check an answer", "Check", _reply(_ref("Checked"), "What the checks found."), 400, 404)
        },
        "/v1/feedback": {
            "post": _post(
                "Say whether an answer is right",
                "Feedback",
                _reply(_ref("Stored"), "It is on disk."),
                400,
                404,
                422,
                507,
            )
        },
        "/healthz": {
            "get": {
                **_get("Whether the student works", _reply(_ref("Health"), "It works.")),
                "responses": {
                    "200": _reply(_ref("Health"), "It works."),
                    "503": _reply(_ref("Health"), "It does not."),
                },
                "security": [],
            }
        },
        "/metrics": {"get": _get("Metrics for Prometheus", plain)},
        "/openapi.json": {"get": {**_get("This description", any_json), "security": []}},
    }


# --- operations -------------------------------------------------------------------------

_OF_ACCESS = (401, 403)
_OF_BODIES = (408, 413, 415)


def _get(summary: str, reply: Mapping[str, Any], *errors: int) -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": dict(reply), **_errors(*errors)}}


def _post(summary: str, body: str, reply: Mapping[str, Any], *errors: int, **more: Any) -> dict[str, Any]:
    content = {_JSON: {"schema": _ref(body)}}
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": content},
        "responses": {"200": dict(reply), **_errors(*errors, *_OF_BODIES), **more},
    }


def _errors(*statuses: int) -> dict[str, Any]:
    return {str(status): {"$ref": "#/components/responses/Error"} for status in sorted({*statuses, *_OF_ACCESS, 500})}


def _reply(schema: Mapping[str, Any], about: str) -> dict[str, Any]:
    return {"description": about, "content": {_JSON: {"schema": dict(schema)}}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


# --- schemas ----------------------------------------------------------------------------


def _schemas(task: Task) -> dict[str, Schema]:
    question = text("the question", maxLength=QUESTION_LIMIT)
    named = either_or_null(text(f"the name of the {task.data_noun} that the question is about; default: the usual one"))
    model = either_or_null(text("the name of the run"))
    data = dict.fromkeys((task.data_key, "data"), named)
    written = {"question": question, "answer": text("the answer"), "model": model, **data}
    usage = either_or_null(_ref("Usage"))
    return {
        "Query": record(
            {
                "question": question,
                "after": either_or_null(
                    record(
                        {"question": question, "answer": text("of the reply")},
                        "The reply before, which the question may go on from: 'only those from China'.",
                        closed=True,
                    )
                ),
                "execute": either_or_null(flag("also run the answer", default=False)),
                "alternatives": either_or_null(
                    flag("also other answers, with `execute`, if it is not sure", default=False)
                ),
                "explain": either_or_null(flag("also say why", default=False)),
                "layout": either_or_null(flag("also lay out the answer for people and other programs", default=False)),
                "model": model,
                **data,
            },
            "A question.",
            optional=("after", "execute", "alternatives", "explain", "layout", "model", *data),
            closed=True,
        ),
        "Answer": _answer(usage),
        "Problem": PROBLEM,
        "Usage": record(dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"), integer()), "Tokens."),
        "Check": record(written, "An answer to check.", optional=("model", *data), closed=True),
        "Checked": record({"ok": flag("no check found an error"), "problems": list_of(_ref("Problem"))}),
        "Feedback": record(
            {
                **written,
                "verdict": text(enum=[RIGHT, WRONG]),
                "correction": either_or_null(text("the right answer, if this one is wrong")),
            },
            "What a user says about an answer.",
            optional=("model", "correction", *data),
            closed=True,
        ),
        "Stored": record({"id": text("of the feedback")}),
        "Model": _model(),
        "Models": record({"object": text(const="list"), "data": list_of(_ref("Model"))}),
        "About": _about(),
        "Health": record(
            {
                "status": text(enum=["ok", "down"]),
                "model": text(enum=["ready", "gone"]),
                "engine": text(enum=["not used", "reachable", "unreachable"]),
                "reason": text("why the engine is unreachable"),
                "drift": list_of(text(), "what changed in the data since the training"),
                "inside": integer("requests in progress"),
            },
            optional=("reason", "drift", "inside"),
        ),
        "Error": record(
            {
                "error": record(
                    {
                        "message": text(),
                        "type": text(),
                        "param": either_or_null(text("the parameter that is wrong")),
                        "code": text("a stable word"),
                    }
                ),
                "problems": list_of(_ref("Problem")),
                "answered": _ref("Answer"),
            },
            optional=("problems", "answered"),
        ),
        **_chat(data, usage),
    }


def _answer(usage: Schema) -> Schema:
    pair = list_of(text(), minItems=2, maxItems=2)
    own = {
        "value": any_value("the answer as JSON; null if it is none"),
        "usage": usage,
        "terms": list_of(text(), "names that the answer uses, such as fields"),
        "parts": list_of(pair, "the answer laid out: the kind of each part, and its text"),
        "snippets": list_of(pair, "ways to run the answer elsewhere: a name, and the text to copy"),
        **RESULT,
    }
    properties = {**ANSWER["properties"], "problems": list_of(_ref("Problem")), **own}
    other = {**ALTERNATIVE["properties"], "parts": own["parts"]}
    properties["alternatives"] = list_of(
        record(other, ALTERNATIVE["description"], optional=other.keys() - ALTERNATIVE["required"]),
        properties["alternatives"]["description"],
    )
    properties["rationale"] = either_or_null(properties["rationale"])  # a student that explains nothing
    required = {*ANSWER["required"], "value", "usage", "terms"}
    return record(properties, ANSWER["description"], optional=properties.keys() - required)


def _model() -> Schema:
    return record(
        {
            "id": text("the name of the run"),
            "object": text(const="model"),
            "created": integer("Unix time at which the server started"),
            "owned_by": text(),
        }
    )


def _about() -> Schema:
    example = record({"question": text(), "data": text("empty: the usual data")})
    return record(
        {
            "model": text("the name of the run"),
            "title": text("what the page is called: the run, or the data of a student that was not trained on them"),
            "notes": list_of(text(), "what to know of the data, and of a student that was not trained on them"),
            "task": text(),
            "layers": list_of(record({"name": text(), "parses": flag()}), "the layers of checks, in order"),
            "executes": flag("answers are run on request"),
            "feedback": flag("feedback is taken"),
            "explains": flag("the student can say why"),
            "longest": integer("characters of a question, at most"),
            "data_noun": text("what the task calls its data"),
            "data": table_of(DATA, "name of the data → its fields"),
            "examples": table_of(list_of(example), "category → questions that the student was not trained on"),
            "drift": list_of(text(), "what changed in the data since the training"),
        }
    )


def _chat(data: Mapping[str, Schema], usage: Schema) -> dict[str, Schema]:
    part = record({"type": text(const="text"), "text": text()})
    content = {"anyOf": [text(), list_of(part), {"type": "null"}]}
    message = {
        "type": "object",
        "properties": {"role": text(enum=list(ROLES)), "content": content},
        "required": ["role"],
    }
    limit = either_or_null(integer("tokens of the answer; a longer one is an error", minimum=1))
    request = {
        "model": text("the name of the run"),
        "messages": list_of(message, "the last one of the user is the question", minItems=1),
        "stream": either_or_null(flag(default=False)),
        "stream_options": {"type": ["object", "null"], "properties": {"include_usage": either_or_null(flag())}},
        "max_tokens": limit,
        "max_completion_tokens": limit,
        **data,
        **{name: any_value("changes nothing: answers are greedy") for name in IGNORED_KEYS},
        **{name: {"enum": [*values, None]} for name, values in ALLOWED.items()},
    }
    nullable = either_or_null(text())
    head = {"id": text(), "created": integer("Unix time"), "model": text()}
    end = {"logprobs": {"type": "null"}, "finish_reason": either_or_null(text(const="stop"))}
    whole = record({"role": text(const="assistant"), "content": nullable, "refusal": nullable})
    delta = record(
        {"role": text(const="assistant"), "content": nullable, "refusal": nullable},
        optional=("role", "content", "refusal"),
    )
    return {
        "Chat": record(request, "OpenAI's request.", optional=request.keys() - {"model", "messages"}, closed=True),
        "ChatCompletion": record(
            {
                **head,
                "object": text(const="chat.completion"),
                "choices": list_of(record({"index": integer(), "message": whole, **end})),
                "usage": usage,
            }
        ),
        "ChatChunk": record(
            {
                **head,
                "object": text(const="chat.completion.chunk"),
                "choices": list_of(record({"index": integer(), "delta": delta, **end})),
                "usage": usage,
            },
            "The data of each event of a stream, which `[DONE]` ends.",
            optional=("usage",),
        ),
    }
