"""An index as a project: settings, files, messages to the user, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dstill.api.engine import Engine, ProjectFiles
from dstill.api.protocols import DataProfile
from dstill.errors import DataError, ServiceError, UsageError
from dstill_querydsl.bundle.indices import bundled, configured
from dstill_querydsl.engines import HttpEngine, HttpSettings
from dstill_querydsl.engines.conformance_docs import DOCUMENTS, MAPPING
from dstill_querydsl.engines.http import known
from dstill_querydsl.language.guard.limits import Limits
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.questions.templates.field_limit import limit_fields
from dstill_querydsl.settings import Settings

TODAY: Mapping[str, Any] = {"properties": {"at": {"type": "date"}, "n": {"type": "long"}}}


@pytest.fixture(scope="module")
def url(engine: HttpEngine) -> str:
    engine.index("dstill-old", MAPPING, DOCUMENTS.items())
    engine.index("dstill-empty", MAPPING, [])
    engine.index("dstill-fieldless", {"properties": {}}, [("1", {})])
    engine.index("dstill-live", TODAY, [("1", {"at": datetime.now(UTC).isoformat(), "n": 1})])
    engine.index("dstill-own-now", {**TODAY, "_meta": {"now": "2020-01-01T00:00:00Z"}}, [("1", {"at": "2019"})])
    return engine.settings.url


def described(url: str, index: str, settings: Settings | None = None, **there: Any) -> ProjectFiles:
    return DataProfile.of(QueryDsl(settings or Settings())).describe(
        Engine(url=url), HttpSettings(index=index, **there)
    )


def test_writes_files_and_settings(url: str, tmp_path: Any) -> None:
    project = described(url, "dstill-old")
    assert set(project.files) == {"mapping.json", "values.json"}
    settings = {key.removeprefix("task.querydsl."): value for key, value in project.settings.items()}
    assert settings == {
        "index": "dstill-old",
        "mapping": "mapping.json",
        "values": "values.json",
        "dialect": "opensearch3",
        "n_questions": 3_000,
        "free_phrasing": 0.5,
    }
    assert project.recipe["task.querydsl.free_phrasing"] == 0  # for a student from scratch
    assert project.recipe["train.max_length"] == 128
    for name, text in project.files.items():
        (tmp_path / name).write_text(text)
    index = configured("dstill-old", str(tmp_path / "mapping.json"), str(tmp_path / "values.json"))
    assert index.mapping["properties"].keys() == MAPPING["properties"].keys()
    assert index.values.to_json()["level"] == ["info", "error", "warn", "Error", "debug"]


def test_describes_index_to_user(url: str) -> None:
    about = described(url, "dstill-old").about
    assert about[0].startswith("read from embedded osmem-server")
    assert "'dstill-old', 12 documents, 16 fields (their names and types: " in about[0]
    assert about[1:] == (
        "values of 13 fields are in values.json",
        "no values (texts): message, title",
        "no values (in no document): empty",
        "for questions that search texts, --set task.querydsl.text_sample_size=20 reads words from 20 documents",
        "the newest date is 2025-02-10T00:00:00.000Z; questions use it as the current time (_meta.now in mapping.json)",
    )


def test_now_comes_from_data_of_static_index_only(url: str) -> None:
    def now(index: str) -> Any:
        return json.loads(described(url, index).files["mapping.json"]).get("_meta", {}).get("now")

    assert now("dstill-old") == "2025-02-10T00:00:00.000Z"
    assert now("dstill-live") is None
    assert now("dstill-own-now") == "2020-01-01T00:00:00Z"


def test_denied_fields_have_no_values_and_others_up_to_the_limit(url: str) -> None:
    guard = Limits(fields=("*", "!owner", "!client"))
    project = described(url, "dstill-old", Settings(guard=guard))
    assert not {"owner.name", "client"} & json.loads(project.files["values.json"]).keys()
    assert "no values (denied by guard.fields): client, owner.name" in project.about
    project = described(url, "dstill-old", Settings(profiled_fields=3))
    assert len(json.loads(project.files["values.json"])) == 3
    assert any(line.startswith("no values (in fewer documents): ") for line in project.about)


def test_refuses_index_that_cannot_be_described(url: str) -> None:
    with pytest.raises(UsageError, match="is not a valid index name"):
        described(url, "dstill-*")
    with pytest.raises(UsageError, match="is not a valid index name"):
        described(url, ".security", allow_pattern=True)
    with pytest.raises(DataError, match="'dstill-fieldless' has no fields"):
        described(url, "dstill-fieldless")


def test_error_names_the_indices_that_are_there(url: str) -> None:
    with pytest.raises(ServiceError, match=r"Did you mean 'dstill-live'\?") as mistyped:
        described(url, "dstill-life")
    there = "the server has dstill-empty, dstill-fieldless, dstill-live, dstill-old, dstill-own-now; "
    assert mistyped.value.hint.startswith(there)
    with pytest.raises(UsageError, match="no index is named") as unnamed:
        described(url, "")
    assert unnamed.value.hint == f"{there}name the index, alias or data stream to read: --index NAME"


def test_long_list_of_indices_is_cut() -> None:
    assert known([f"logs-{n:02}" for n in range(25)]).endswith("logs-19 and 5 more; ")
    assert known([]) == ""


def test_relative_files_belong_to_their_project(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        Path("mapping.json").write_text(json.dumps({"properties": {name: {"type": "long"}}}))
        found += configured("own", "mapping.json", "").mapping["properties"]
    assert found == ["a", "b"]


# --- the fields that questions use ------------------------------------------------------


def test_questions_use_first_fields_with_known_values(tmp_path: Any) -> None:
    fields = {name: {"type": "text", "fields": {"raw": {"type": "keyword"}}} for name in "abcd"}
    mapping = {"properties": {**fields, "o": {"properties": {"n": {"type": "long"}, "m": {"type": "long"}}}}}
    (tmp_path / "m.json").write_text(json.dumps(mapping))
    (tmp_path / "v.json").write_text(
        json.dumps({"o.n": {"min": 1, "max": 2}, "c.raw": ["x"], "a.raw": ["y"], "no": []})
    )
    own = configured("own", str(tmp_path / "m.json"), str(tmp_path / "v.json"))
    narrow = limit_fields(own, 2)
    assert narrow.mapping["properties"] == {"c": fields["c"], "o": {"properties": {"n": {"type": "long"}}}}
    assert narrow.digest != own.digest
    assert list(limit_fields(own, 10).mapping["properties"]) == ["a", "c", "o"]
    unknown = configured("own", str(tmp_path / "m.json"), "")
    assert limit_fields(unknown, 2) is unknown
    assert limit_fields(bundled("weblogs", 10), 2).mapping == bundled("weblogs", 10).mapping


# --- at the command line ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (("--engine-url", "http://127.0.0.1:9", "--index", "logs"), 7, "cannot reach an engine at http://127.0.0.1:9"),
        (("--engine-url", "{url}", "--index", "none"), 7, "no such index: the mapping of 'none'"),
        (("--engine-url", "{url}", "--index", "logs,other"), 2, "'logs,other' is not a valid index name"),
        (("--engine-url", "{url}", "--index", "dstill-empty"), 4, "'dstill-empty' has no documents"),
        (("--engine-url", "{url}"), 2, "no index is named"),
        (
            ("--engine-url", "{url}", "--index", "logs", "--set", "engine.api_key_env=NO_SUCH_KEY"),
            2,
            "the environment variable NO_SUCH_KEY is not set",
        ),
        (("--engine-url", "http://a:secret@127.0.0.1:9200", "--index", "logs"), 2, "refused address: it holds a user"),
    ],
)
def test_error_is_three_lines_and_writes_nothing(
    url: str, cli: Any, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int, what: str
) -> None:
    monkeypatch.delenv("DSTILL_DISABLE")
    ended = cli("init", "--out", "mine", *(word.format(url=url) for word in words), toy=False)
    assert ended.code == code
    assert ended.err.startswith(f"error: {what}")
    assert len(ended.err.splitlines()) == 3
    assert "secret" not in ended.err
    assert not Path("mine").exists()


def test_checks_project_against_own_mapping(url: str, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DSTILL_DISABLE")
    assert cli("init", "--engine-url", url, "--index", "dstill-old", toy=False).code == 0
    body = b'{"query": {"term": {"levle": "info"}}}'
    for words in ((), ("--mapping", "mapping.json")):
        ended = cli("check", "--format", "answers", *words, stdin=body, toy=False)
        assert ended.code == 9
        assert "unknown field 'levle'" in ended.out
        assert "did you mean 'level'" in ended.out


def test_mapping_lists_fields_apart(url: str) -> None:
    documents = [
        ("1", {"kind": "push", "size": 3}),
        ("2", {"kind": "push", "size": 4}),
        ("3", {"kind": "talk", "words": 9}),
    ]
    types = {"kind": {"type": "keyword"}, "size": {"type": "long"}, "words": {"type": "long"}}
    with HttpEngine(Engine(url=url), writable=True) as engine:
        engine.index("dstill-kinds", {"properties": types}, documents)
        project = described(url, "dstill-kinds")
        engine.drop("dstill-kinds")
    assert json.loads(project.files["mapping.json"])["_meta"]["fields_apart"] == {"size": ["words"]}
    line = "questions do not combine fields that no document has together: 1 pair (_meta.fields_apart in mapping.json)"
    assert line in project.about


def test_refuses_index_without_possible_questions(url: str) -> None:
    with HttpEngine(Engine(url=url), writable=True) as engine:
        engine.index("dstill-odd", {"properties": {"shape": {"type": "geo_shape"}}}, [("1", {"shape": "POINT (1 2)"})])
        about = described(url, "dstill-odd").about
        engine.drop("dstill-odd")
    assert "'dstill-odd', 1 document, 1 field (their names" in about[0]
    assert (
        about[-1] == "warning: no questions can be generated: the index has no field of a type that questions support"
    )
