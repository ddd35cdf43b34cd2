r"""Where the search bodies are in a file, by the ending of its name.

    .json                   one body
    .ndjson                 the pairs of `_msearch`: a header and a body; without a header, a body on each line
    .console, .es, .http    requests to a server, as Kibana's console and HTTP clients write them

    list(answers('GET logs/_search\n{"size": 5}', ".es"))   [FileAnswer(start=17, end=28, context={"index": "logs"})]

Of requests, those to `_search`, `_async_search`, `_count` and `_msearch` have a body to check. Lines that begin with
``#`` or ``//``, and ``/* */`` at the beginning of a line, are comments. Not covered: texts in three quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from dstill.api.answer_files import FileAnswer

__all__ = ["SUFFIXES", "answers", "has_answers"]

REQUESTS = (".console", ".es", ".http")
SUFFIXES = (".json", ".ndjson", *REQUESTS)
_SEARCHES = {"_search", "_async_search", "_count", "_msearch"}

_HEADER = {
    "index", "ignore_unavailable", "allow_no_indices", "expand_wildcards", "preference", "request_cache", "routing",
    "search_type", "ccs_minimize_roundtrips", "allow_partial_search_results", "max_concurrent_shard_requests",
}  # fmt: skip
_PARTS = ("query", "aggs", "aggregations", "refusal")  # one of them is in almost every body
_PART = re.compile(rf'"(?:{"|".join(_PARTS)})"\s*:\s*\{{')
_REQUEST = re.compile(r"^[ \t]*(?:GET|POST|PUT|DELETE|HEAD|PATCH|OPTIONS)[ \t]+(?P<path>\S+)[^\n]*", re.M | re.I)
_COMMENT = re.compile(r"^[ \t]*(?:#|//|(?P<block>/\*))", re.M)
_BODY = re.compile(r"^[ \t]*\{", re.M)


def has_answers(text: str, suffix: str) -> bool:
    """Whether a file of that ending holds search bodies. JSON files hold many other things."""
    if suffix in REQUESTS:
        return any(True for _ in answers(text, suffix))
    if suffix == ".ndjson":
        lines = [line for line in text.split("\n") if line.strip()]
        is_search = len(lines) > 1 and _is_header(lines[0]) and _object(lines[1]).keys() & set(_PARTS)
        return bool(is_search)
    value = _object(text)
    return any(isinstance(value.get(part), dict) for part in _PARTS) if value else bool(_PART.search(text))


def answers(text: str, suffix: str) -> Iterator[FileAnswer]:
    """The search bodies in a file."""
    if suffix in REQUESTS:
        yield from _requests(text)
    elif suffix == ".ndjson":
        yield from _lines(text, 0, len(text), {})
    elif text.strip():
        yield _between(text, 0, len(text), {})


# --- requests ---------------------------------------------------------------------------


def _requests(text: str) -> Iterator[FileAnswer]:
    blanked = _blanked(text)
    starts = list(_REQUEST.finditer(blanked))
    for number, request in enumerate(starts):
        end = starts[number + 1].start() if number + 1 < len(starts) else len(text)
        api, context = _address(request["path"])
        body = next(_BODY.finditer(blanked, request.end(), end), None)
        if api not in _SEARCHES or body is None:
            continue
        if api == "_msearch":
            read = list(_lines(blanked, body.start(), end, context))
        else:
            read = [_between(blanked, body.start(), _end(blanked, body.end() - 1, end), context)]
        for answer in read:
            shown, plain = text[answer.start : answer.end], blanked[answer.start : answer.end]
            yield (
                answer
                if shown == plain
                else FileAnswer(
                    start=answer.start, end=answer.end, context=answer.context, error=answer.error, text=plain
                )
            )


def _blanked(text: str) -> str:
    """The text with spaces for its comments."""
    parts, behind, last = [], 0, text.rfind("*/")
    for comment in _COMMENT.finditer(text):
        if comment.start() < behind or (comment["block"] and last < comment.end()):
            continue  # it is within a comment, or never closed
        end = text.index("*/", comment.end()) + 2 if comment["block"] else _line_end(text, comment.end())
        parts += [text[behind : comment.start()], re.sub(r"[^\n]", " ", text[comment.start() : end])]
        behind = end
    return "".join([*parts, text[behind:]])


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _address(path: str) -> tuple[str, Mapping[str, Any]]:
    """The API that a request calls, and the context of its body: the index."""
    steps = re.sub(r"^\w+://[^/]*", "", path).partition("?")[0].strip("/").split("/")
    return steps[-1], {"index": steps[0]} if len(steps) > 1 and not steps[0].startswith("_") else {}


def _end(text: str, start: int, end: int) -> int:
    """The end of a body; what a client does with the reply may follow, after ``>`` or ``<``."""
    try:
        _, behind = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return end
    return behind if behind <= end and text[behind:end].lstrip()[:1] in ("", ">", "<") else end


# --- lines ------------------------------------------------------------------------------


def _lines(text: str, start: int, end: int, context: Mapping[str, Any]) -> Iterator[FileAnswer]:
    """The bodies of `_msearch`, each after its header."""
    lines = [(line.start(), line.end()) for line in re.finditer(r"[^\n]+", text[start:end]) if line[0].strip()]
    spans = [(start + first, start + last) for first, last in lines]
    if not spans or not _is_header(text[slice(*spans[0])]):
        yield from (_between(text, *span, context) for span in spans)
        return
    for number in range(0, len(spans), 2):
        header = text[slice(*spans[number])]
        if not _is_header(header):
            yield _between(text, *spans[number], context, error="not a header of _msearch")
        elif number + 1 == len(spans):
            yield _between(text, *spans[number], context, error="the header has no body after it")
        else:
            index = _object(header).get("index")
            yield _between(
                text, *spans[number + 1], {**context, **({"index": index} if isinstance(index, str) else {})}
            )


def _is_header(line: str) -> bool:
    value = _object(line)
    if not value:
        return line.strip() == "{}"
    return value.keys() <= _HEADER and isinstance(value.get("index", ""), (str, list))  # in _bulk it is an object


def _object(text: str) -> dict[str, Any]:
    """The object that `text` is; empty if it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _between(text: str, start: int, end: int, context: Mapping[str, Any], error: str = "") -> FileAnswer:
    """The text from `start` to `end` as an answer, without the white space around it."""
    part = text[start:end]
    start += len(part) - len(part.lstrip())
    return FileAnswer(start=start, end=start + len(part.strip()), context=context, error=error)
