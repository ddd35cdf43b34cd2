"""Findings as SARIF 2.1.0 (OASIS, Static Analysis Results Interchange Format), which code hosts show beside the code.

log([Report(…)], rules, version="0.1.0")["runs"][0]["results"][0]["ruleId"]     "sums/names/unknown"

A rule is a layer and a code of a task. Its help is the sentence in `AnswerFiles.problem_codes`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from dstill.quality.linting.lint import FileEdit, FileProblem
from dstill.quality.linting.regions import Region

__all__ = ["log", "rule_id"]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

Json = dict[str, Any]


def rule_id(problem: FileProblem) -> str:
    """The rule of a problem: ``sums/names/unknown``; of a file of no task ``file/not_utf8``."""
    return f"{problem.task}/{problem.rule}" if problem.task else problem.rule


def log(problems: Iterable[FileProblem], helps: Mapping[str, str], version: str) -> Json:
    """The whole log. `helps`: rule → what it means, in a sentence; of a rule without one, its code stands for it."""
    problems = list(problems)
    rules: dict[str, Json] = {}
    for problem in problems:
        rules.setdefault(rule_id(problem), _rule(problem, helps.get(rule_id(problem), "")))
    driver = {"name": "dstill", "semanticVersion": version, "rules": list(rules.values())}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem) for problem in problems],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(placed: FileProblem, help: str) -> Json:
    words = placed.problem.code.replace("_", " ")
    text = help or f"{words[:1].upper()}{words[1:]}."
    return {
        "id": rule_id(placed),
        "name": "".join(word.capitalize() for word in placed.problem.code.split("_")),
        "shortDescription": {"text": text},
        "help": {"text": text},
        "defaultConfiguration": {"level": placed.problem.severity.value},
    }


def _result(placed: FileProblem) -> Json:
    hint = f" ({placed.problem.hint})" if placed.problem.hint else ""
    location = {"artifactLocation": _file(placed.file), "region": _region(placed.region)}
    result: Json = {
        "ruleId": rule_id(placed),
        "level": placed.problem.severity.value,
        "message": {"text": f"{placed.problem.message}{hint}"},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"dstill/v1": _fingerprint(placed)},
    }
    if placed.fix:
        change = {
            "artifactLocation": _file(placed.file),
            "replacements": [_replacement(edit) for edit in placed.fix],
        }
        result["fixes"] = [{"description": {"text": "dstill check --fix"}, "artifactChanges": [change]}]
    return result


def _replacement(edit: FileEdit) -> Json:
    return {"deletedRegion": _region(edit.region), "insertedContent": {"text": edit.text}}


def _region(region: Region) -> Json:
    return {
        "startLine": region.line,
        "startColumn": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
    }


def _file(name: str) -> Json:
    """A file by its path in the repository; an absolute one by its URI."""
    path = PurePath(name)
    if path.is_absolute():
        return {"uri": path.as_uri()}
    return {"uri": quote(path.as_posix(), errors="surrogateescape"), "uriBaseId": "%SRCROOT%"}


def _fingerprint(placed: FileProblem) -> str:
    """The same for the same problem after lines were added above it."""
    parts = (
        placed.file,
        rule_id(placed),
        placed.problem.pointer if placed.problem.pointer.startswith("/") else "",
        placed.problem.message,
    )
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]
