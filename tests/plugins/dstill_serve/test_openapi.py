"""`/openapi.json` describes every route, and every field of what the server takes and sends."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from dstill.runs.run import Run
from dstill_serve.app import FILES, ROUTES, application
from dstill_serve.auth import OPEN_PATHS

UNSURE = "what is tea, perhaps?"  # the clerk is not sure of its answer


@pytest.fixture
def server(calibrated: Run, serve_in_thread: Callable[..., Any]) -> Any:
    """A server that abstains where it is not sure, and takes feedback."""
    return serve_in_thread(calibrated, max_wrong=0.1, feedback=Path("feedback.jsonl"))


@pytest.fixture
def described(server: Any) -> dict[str, Any]:
    found: dict[str, Any] = server("GET", "/openapi.json").json
    return found


def closed(schema: Any) -> Any:
    """`schema`, which forbids keys that it does not describe."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    more = {"additionalProperties": False} if "properties" in schema and "additionalProperties" not in schema else {}
    return {name: closed(one) for name, one in schema.items()} | more


def validator(described: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    schemas = {name: closed(one) for name, one in described["components"]["schemas"].items()}
    return Draft202012Validator({**schema, "components": {"schemas": schemas}})


def schema_of_reply(described: dict[str, Any], method: str, path: str, reply: Any) -> dict[str, Any]:
    """The schema of this kind of reply. Raises KeyError if the description lacks it."""
    route = "/v1/models/{name}" if path.startswith("/v1/models/") else path
    responses = described["paths"][route][method.lower()]["responses"]
    response = responses[str(reply.status)]
    if "$ref" in response:
        response = described["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema: dict[str, Any] = response["content"][reply.headers["content-type"].partition(";")[0]]["schema"]
    return schema


def replies(server: Any) -> Iterator[tuple[str, str, Any, Any]]:
    """Method, path, body and reply of a request of every kind."""

    def ask(method: str, path: str, body: Any = None) -> tuple[str, str, Any, Any]:
        return method, path, body, server(method, path, body)

    for question in (
        "what is tea?",
        "what is it, maybe?",
        UNSURE,
        "what is a script?",
        "what is secret?",
        "what is wrong?",
    ):
        more = {"execute": True, "alternatives": True, "explain": True, "layout": True, "index": "shop"}
        yield ask("POST", "/v1/query", {"question": question, **more})
        chat = {"model": "tea", "messages": [{"role": "user", "content": question}], "temperature": 0.5, "n": 1}
        yield ask("POST", "/v1/chat/completions", chat)
    said = {"question": "what is tea?", "answer": '{"script": 1}'}
    yield ask("POST", "/v1/check", said)
    yield ask("POST", "/v1/feedback", {**said, "verdict": "wrong", "correction": '{"say": "tea"}'})
    yield ask("POST", "/v1/feedback", {**said, "verdict": "right"})
    for path in ("/v1/models", "/v1/models/tea", "/v1/models/coffee", "/v1/about", "/healthz"):
        yield ask("GET", path)
    Path("gone").touch()
    yield ask("POST", "/v1/query", {"question": "what is tea?", "execute": True})


def test_description_is_valid_openapi(described: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(described).validate()  # type: ignore[arg-type]
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_route_is_described(server: Any, described: dict[str, Any]) -> None:
    found = {route.path: route.methods - {"HEAD"} for route in application(server.service).routes}
    assert {path for path in ROUTES if path not in FILES} <= found.keys()
    paths = {path: {method.upper() for method in one} for path, one in described["paths"].items()}
    assert paths == {path: methods for path, methods in found.items() if path not in FILES}


def test_requests_and_replies_are_described(server: Any, described: dict[str, Any]) -> None:
    statuses, keys = set(), set()
    for method, path, body, reply in replies(server):
        statuses.add((path, reply.status))
        if body is not None:
            asked = described["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
            validator(described, asked).validate(body)
        validator(described, schema_of_reply(described, method, path, reply)).validate(reply.json)
        if path == "/v1/query" and reply.status == 200:
            keys |= reply.json.keys()
    assert {status for _, status in statuses} == {200, 404, 422, 503}
    # this server promises a share of wrong answers, so it takes no second look; its task has no words for answers and
    # no glossary
    absent = {"first_answer", "second_look", "read_back", "question_back", "glossary"}
    assert keys | absent == described["components"]["schemas"]["Answer"]["properties"].keys()


def test_stream_is_described(server: Any, described: dict[str, Any]) -> None:
    reply = server.chat(stream=True, stream_options={"include_usage": True})
    chunks = [line.removeprefix("data: ") for line in reply.text.splitlines() if line]
    schema = schema_of_reply(described, "POST", "/v1/chat/completions", reply)
    for chunk in chunks[:-1]:
        validator(described, schema).validate(json.loads(chunk))
    assert chunks[-1] == "[DONE]"


@pytest.mark.parametrize(
    "body",
    [{}, {"question": 1}, {"question": "a", "top_k": 1}, {"question": "a", "execute": "yes"}, {"question": "a" * 2001}],
)
def test_request_that_is_refused_does_not_fit_the_description(
    server: Any, described: dict[str, Any], body: dict[str, Any]
) -> None:
    assert server("POST", "/v1/query", body).status == 400
    assert not validator(described, {"$ref": "#/components/schemas/Query"}).is_valid(body)


def test_field_that_is_not_described_is_found(server: Any, described: dict[str, Any]) -> None:
    row = server.query().json
    less = copy.deepcopy(described)
    del less["components"]["schemas"]["Answer"]["properties"]["guess"]
    (problem,) = validator(less, {"$ref": "#/components/schemas/Answer"}).iter_errors(row)
    assert "'guess' was unexpected" in problem.message


def test_token_is_described(run: Run, serve_in_thread: Callable[..., Any]) -> None:
    token = "a-token-of-the-tests-0123456789"
    server = serve_in_thread(token=token)
    found = server("GET", "/openapi.json").json  # it tells nothing of the run
    assert "tea" not in str(found["paths"]) + str(found["info"])
    assert found["security"] == [{"token": []}]
    assert found["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    open_paths = {
        path for path, methods in found["paths"].items() if any("security" in one for one in methods.values())
    }
    assert open_paths == {*OPEN_PATHS} - {*FILES}
    assert 'href="openapi.json"' in server("GET", "/").text
