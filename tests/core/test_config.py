"""Configuration: flag > environment > file > default, every value checked, each with its origin."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.sizes import first_quick

from dstill.config import Config, load, parse_assignment
from dstill.errors import ConfigError, RunError
from dstill.io import toml
from dstill.io.secrets import looks_secret, masked


@dataclass(frozen=True, kw_only=True)
class Guard:
    most: int = field(default=10, metadata={"low": 1, "high": 100})
    words: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PartConfig:
    text: str = ""
    mode: Literal["on", "off"] = "on"
    share: float = field(default=0.5, metadata={"low": 0, "high": 1})
    quick: bool = False
    maybe: str | None = None
    prices: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict, metadata={"trust": "variable"})
    guard: Guard = field(default_factory=Guard)


SECTIONS: dict[str, type[Any]] = {"task.toy": PartConfig, "objective.label-only": PartConfig}


@pytest.fixture(autouse=True)
def _project_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(text: str = "", environment: Mapping[str, str] | None = None, **flags: Any) -> Config:
    if text:
        Path("dstill.toml").write_text(text)
    keys = {key.replace("__", "."): value for key, value in flags.items()}
    return load(flags=keys, environment=environment or {}, sections=SECTIONS)


def refused(text: str = "", environment: Mapping[str, str] | None = None, **flags: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(text, environment, **flags)
    return caught.value


# --- precedence -------------------------------------------------------------------------


def test_precedence_is_flag_environment_file_default() -> None:
    text = "[project]\nseed = 1\ntask = 'a'\n[train]\nr = 8\n"
    environment = {"DSTILL_PROJECT__SEED": "2", "DSTILL_TRAIN__R": "4"}
    config = read(text, environment, project__seed=3)
    assert (config.settings.project.seed, config.settings.train.r, config.settings.project.task) == (3, 4, "a")
    assert config.settings.train.lora_alpha == 64
    assert config.origin("project.seed") == "command line"
    assert config.origin("train.r") == "environment DSTILL_TRAIN__R"
    assert config.origin("project.task") == "dstill.toml:3"
    assert config.origin("train.lora_alpha") == "default"


def test_absent_flag_changes_nothing() -> None:
    assert read(project__seed=None).origin("project.seed") == "default"


def test_neither_file_nor_environment_is_read_unless_asked() -> None:
    Path("dstill.toml").write_text("no TOML")
    config = load(use_files=False, environment={"DSTILL_PROJECT__SEED": "2"}, flags={"train.r": 8})
    assert (config.settings.project.seed, config.settings.train.r) == (0, 8)


def test_parts_define_their_own_nested_sections() -> None:
    text = (
        "[task.toy]\ntext = 'x'\n[task.toy.guard]\nmost = 3\nwords = ['a', 'b']\n[objective.label-only]\nquick = true\n"
    )
    config = read(text, {"DSTILL_OBJECTIVE__LABEL_ONLY__GUARD__MOST": "7"})
    toy = config.part("task", "toy")
    assert toy == PartConfig(text="x", guard=Guard(most=3, words=("a", "b")))
    assert config.part("objective", "label-only") == PartConfig(quick=True, guard=Guard(most=7))
    assert config.part("task", "other") is None


@pytest.mark.parametrize("name", ["DSTILL_DISABLE", "DSTILL_TRACE_HOOKS", "DSTILL_REQUIRE_LIVE", "OTHER__THING"])
def test_unrelated_environment_variables_are_ignored(name: str) -> None:
    assert read(environment={name: "1"}).settings == read().settings


def test_unknown_variable_is_refused() -> None:
    error = refused(environment={"DSTILL_TRIAN__R": "8"})
    assert error.what == "unknown key 'trian.r'. Did you mean 'train.r'?"
    assert error.where == "environment DSTILL_TRIAN__R"


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("train.r=8", "train.r", 8),
        ("train.label_weight=0.25", "train.label_weight", 0.25),
        ("evaluate.splits=['test']", "evaluate.splits", ["test"]),
        ("project.task=toy", "project.task", "toy"),
        ("teacher.x.url=http://127.0.0.1:1/v1?a=b", "teacher.x.url", "http://127.0.0.1:1/v1?a=b"),
        ("a=", "a", ""),
    ],
)
def test_assignment_is_parsed_as_toml_or_bare_text(text: str, key: str, value: Any) -> None:
    assert parse_assignment(text) == (key, value)


@pytest.mark.parametrize("text", ["train.r", "=8", " = 8"])
def test_malformed_assignment_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not an assignment"):
        parse_assignment(text)


# --- refused settings -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[trian]\nr = 8", "unknown key 'trian.r'. Did you mean 'train.r'?"),
        ("[train]\nlr = 8", "unknown key 'train.lr'. Did you mean 'train.learning_rate'?"),
        ("[nothing_like_it]\n", "unknown key 'nothing_like_it'."),
        ("train = 3", "unknown key 'train'."),
        ("[[train]]\nr = 8", "unknown key 'train'."),
        ("[train]\nepochs = 8", "unknown key 'train.epochs'. Did you mean 'train.num_train_epochs'?"),
        ("[train]\nepoch = 8", "unknown key 'train.epoch'. Did you mean 'train.num_train_epochs'?"),
        (
            "[train]\nbatch_size = 8",
            "unknown key 'train.batch_size'. Did you mean 'train.per_device_train_batch_size'?",
        ),
        ("[trian]\nlr = 8", "unknown key 'trian.lr'. Did you mean 'train.learning_rate'?"),
        ("[train]\nlearnig_rate = 8", "unknown key 'train.learnig_rate'. Did you mean 'train.learning_rate'?"),
        ("[train]\nseed = 8", "unknown key 'train.seed'. Did you mean 'project.seed'?"),
        ("seed = 8", "unknown key 'seed'. Did you mean 'project.seed'?"),
        ("[train]\nxyzzy = 8", "unknown key 'train.xyzzy'."),
        ("[task.toy.gaurd]\nmost = 3", "unknown key 'task.toy.gaurd.most'. Did you mean 'task.toy.guard.most'?"),
    ],
)
def test_unknown_keys_are_never_ignored(text: str, what: str) -> None:
    error = refused(text)
    assert error.what.startswith(what)
    assert error.where.startswith("dstill.toml")


def test_section_of_a_missing_part_is_named() -> None:
    error = refused("[teacher.parrot]\ndelay = 1")
    assert error.what.startswith("unknown key 'teacher.parrot.delay'.")
    assert error.hint == "no teacher of that name is installed, or it has no settings: see `dstill pack list`"
    assert "config show" in refused("[task.toy]\nxyz = 1").hint


def test_hint_of_a_value_without_a_default() -> None:
    assert refused("[project]\ntask = 3").hint == "change it, or leave it out"


DEEP = 5_000


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[project]\nseed = " + "9" * DEEP, "more than 64 bits"),
        ("[project]\nseed = 0x" + "f" * DEEP, "more than 64 bits"),
        ("[train]\nlearning_rate = 1" + "0" * 400, "more than 64 bits"),
        ("[task.toy.prices]\na = [1, 1" + "0" * 400 + "]", "more than 64 bits"),
        ("[project]\nseed = " + "[" * DEEP, "nested deeper than 50"),
        ("[project]\nseed = " + "{a = " * DEEP, "nested deeper than 50"),
        ("a." * 500_000 + "b = 1", "a key has more than 50 parts"),
        ('x = {y = """\n\'"""", z = \'\'\'"\'\'\', ' + "a." * 100_000 + "b = 1}", "a key has more than 50 parts"),
        ("[project]  # '\n[" + "'a'." * 100_000 + "b]", "a key has more than 50 parts"),
    ],
)
def test_extreme_numbers_and_nesting_in_a_file_are_refused(text: str, why: str) -> None:
    error = refused(text)
    assert why in error.what
    assert error.where.endswith("dstill.toml")


def test_extreme_numbers_in_flags_and_environment_are_refused() -> None:
    for value in ("9" * DEEP, "0x" + "f" * DEEP):
        assert parse_assignment(f"project.seed={value}") == ("project.seed", value)
        with pytest.raises(ConfigError, match="wanted a whole number"):
            load(environment={"DSTILL_PROJECT__SEED": value})
    for key, value in {"train__learning_rate": 10**400, "task__toy__prices": {"a": [1, 10**400]}}.items():
        assert refused(**{key: value}).what


def test_text_with_many_dots_is_not_a_key() -> None:
    dots = "a." * 200
    assert toml.loads(f'x = \'{dots}\'  # {dots}\ny = """{dots}\n{dots}"""\n')["x"] == dots


def test_special_and_oversized_files_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.toml")
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    with (tmp_path / "large.toml").open("wb") as large:
        large.truncate(6 * 10**9)
    for name, why in {"fifo": "not a regular file", "zero": "not a regular file", "large": "larger than 1 mib"}.items():
        with pytest.raises(ConfigError, match=why):
            load(tmp_path / f"{name}.toml")


def test_run_without_settings_has_no_hint_about_options(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(RunError) as caught:
        load(tmp_path / "config.toml")
    assert caught.value.what == f"run '{tmp_path.name}' has no config.toml: its settings are not known"
    assert "start a new run" in caught.value.hint


@dataclass(frozen=True, kw_only=True)
class Described:
    schema: str = field(default="", metadata={"describes": True, "trust": "file"})


def test_run_finds_the_files_of_its_project_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are named as they were found when the run was made, in the project's folder."""
    project, run = tmp_path / "taxi", tmp_path / "taxi/runs/first"
    run.mkdir(parents=True)
    for file, text in {"dstill.toml": "", "schema.sql": "", "runs/first/run.json": "{}"}.items():
        (project / file).write_text(text)
    (run / "config.toml").write_text('[task.toy]\nschema = "schema.sql"\n')

    def schema() -> str:
        return str(load(run / "config.toml", sections={"task.toy": Described}).part("task", "toy").schema)

    assert schema() == str(project / "schema.sql")
    monkeypatch.chdir(project)
    assert schema() == "schema.sql"
    (project / "dstill.toml").unlink()  # no project
    monkeypatch.chdir(tmp_path)
    assert schema() == "schema.sql"


def test_values_that_look_like_keys_are_masked() -> None:
    assert masked("got sk-proj-abcdefghijklmnop, and task-history-2024-abcdefgh") == (
        "got ***, and task-history-2024-abcdefgh"
    )


def test_empty_known_section_is_accepted() -> None:
    assert read("[train]\n[task.toy]\n[task.toy.guard]\n").settings == read().settings


PAIRS = 'a table of pairs of numbers, such as {"a-model" = [0.4, 1.6]}'
TEXTS = 'a table of texts, such as {"a-name" = "text"}'


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("train__r", "three", "a whole number from 1 to 4096"),
        ("train__r", True, "a whole number from 1 to 4096"),
        ("train__r", 8.0, "a whole number from 1 to 4096"),
        ("train__r", 0, "a whole number from 1 to 4096"),
        ("train__label_weight", float("nan"), "a number from 0 to 1"),
        ("train__max_seconds", float("inf"), "a number of at least 0"),
        ("train__max_seconds", -1, "a number of at least 0"),
        ("train__gradient_checkpointing", 1, "true or false"),
        ("train__auto_modality", "best", "one of fullest, recipe"),
        ("project__task", 3, "text"),
        ("project__task", "\udcff", "text"),
        ("evaluate__splits", 3, "a list of texts"),
        ("evaluate__splits", ["test", 3], "a list of texts"),
        ("task__toy__maybe", 3, "text"),
        ("task__toy__prices", [1, 2], PAIRS),
        ("task__toy__prices", {"a": 1.0}, PAIRS),
        ("task__toy__prices", {"a": [1.0]}, PAIRS),
        ("task__toy__prices", {"a": [1.0, -2]}, PAIRS),
        ("task__toy__prices", {"a": [1.0, True]}, PAIRS),
        ("task__toy__headers", {"a": 1}, TEXTS),
        ("task__toy__headers", {"a": ["b"]}, TEXTS),
        ("task__toy__headers", "a", TEXTS),
        ("task__toy__body", {"a": None}, "a table"),
        ("task__toy__body", {"a": [{"b": float("inf")}]}, "a table"),
    ],
)
def test_wrong_value_names_key_and_expected_type(key: str, value: Any, wanted: str) -> None:
    error = refused(**{key: value})
    assert error.what == f"{key.replace('__', '.')}: got {value!r}, wanted {wanted}"
    assert error.where == "command line"


def test_integer_is_a_float_and_text_is_a_list_of_one() -> None:
    config = read(train__label_weight=1, evaluate__splits="test")
    assert config.settings.train.label_weight == 1.0
    assert isinstance(config.settings.train.label_weight, float)
    assert config.settings.evaluate.splits == ("test",)


@pytest.mark.parametrize(
    "text",
    [
        "[task.toy.prices]\n'a-model' = [0.4, 1.6]\n\"b 2\" = [1, 2]\n",
        "[task.toy]\nprices = {a-model = [0.4, 1.6], 'b 2' = [1, 2]}\n",
    ],
)
def test_table_of_pairs_round_trips(text: str) -> None:
    config = read(text)
    assert config.part("task", "toy").prices == {"a-model": (0.4, 1.6), "b 2": (1.0, 2.0)}
    assert read(config.to_toml()).parts == config.parts
    given = read(environment={"DSTILL_TASK__TOY__PRICES": "{a-model = [0.4, 1.6]}"})
    assert given.part("task", "toy").prices == {"a-model": (0.4, 1.6)}


def test_tables_of_texts_and_of_anything_round_trip() -> None:
    text = (
        "[task.toy]\nheaders = {x-team = 'search'}\nbody = {top_k = 3, stop = ['a'], deep = [{on = true, by = 0.5}]}\n"
    )
    part = read(text).part("task", "toy")
    assert (part.headers, part.body) == (
        {"x-team": "search"},
        {"top_k": 3, "stop": ["a"], "deep": [{"on": True, "by": 0.5}]},
    )
    assert read(read(text).to_toml()).part("task", "toy") == part
    assert read("[task.toy.body]\ntop_k = 3\n").part("task", "toy").body == {"top_k": 3}


def test_variables_of_a_table_are_names() -> None:
    assert "is not the name of an environment variable" in refused(task__toy__variables={"x-key": "a key"}).what


SECRET = "sk-abcdefghijkl0123456789"


@pytest.mark.parametrize(
    "text", [f"[project]\ntask = '{SECRET}'", f"[teacher]\napi_key = '{SECRET}'", f"[evaluate]\nsplits = ['{SECRET}']"]
)
def test_secret_in_the_file_is_refused_and_not_shown(text: str) -> None:
    error = refused(text)
    assert "looks like a secret" in error.what
    assert "api_key_env" in error.hint
    assert SECRET not in str(error)


def test_secret_in_a_flag_is_refused() -> None:
    assert SECRET not in str(refused(project__task=SECRET))


PASTED = (
    SECRET,
    "AIza" + "Sy-0aB" * 6,
    "xai-" + "a1" * 20,
    "0123456789abcdef",
    "a3f9c1d2e4b5a6f7c8d9",
    "elastic:hunter22",
    "two words",
)


@pytest.mark.parametrize("value", PASTED)
@pytest.mark.parametrize("key", ["engine.api_key_env", "engine.basic_auth_env"])
def test_key_first_answer_a_variable_name_is_refused_and_not_shown(key: str, value: str) -> None:
    """A key pasted where a variable name belongs, in file, environment and flags."""
    table, _, name = key.rpartition(".")
    environment = {"DSTILL_" + key.replace(".", "__").upper(): value}
    for error in (
        refused(f"[{table}]\n{name} = '{value}'"),
        refused("[project]\nseed = 1", environment),
        refused("[project]\nseed = 1", **{key.replace(".", "__"): value}),
    ):
        assert value not in str(error)
        assert key in str(error)


@pytest.mark.parametrize("name", ["KEY", "_key", "OPENAI_API_KEY", "MY_ELASTICSEARCH_KEY_2", "AWSSECRETACCESSKEY"])
def test_variable_names_are_accepted(name: str) -> None:
    assert read(engine__api_key_env=name).settings.engine.api_key_env == name


@pytest.mark.parametrize(
    "url",
    [
        "https://me:hunter22@search.example:9200",
        "https://hunter22@search.example",
        "me:hunter22@search.example:9200",
        "https://me:hun/hunter22@search.example",
        "https://me:hunter22\uff20search.example",
        "https://search.example:hunter22",
        "https://search.example/?api_key=hunter22",
        "shop://me:hunter22@db.example/orders",
        "shop://hunter22@db.example/orders",
        "shop://@db.example/hunter22",
        "shop://db.example/orders?password=hunter22",
        "shop:///orders.db?key=hunter22",
    ],
)
def test_url_with_a_password_is_refused_and_not_shown(url: str) -> None:
    for error in (
        refused(f"[engine]\nurl = '{url}'"),
        refused("[project]\nseed = 1", {"DSTILL_ENGINE__URL": url}),
        refused("[project]\nseed = 1", engine__url=url),
    ):
        assert "hunter22" not in str(error)
        assert "engine.url" in error.where


@pytest.mark.parametrize("url", ["shop://db.example/orders", "shop://[::1]:5432/orders", "shop:///data/orders.db"])
def test_engines_may_have_schemes_of_their_own(url: str) -> None:
    assert read(engine__url=url).settings.engine.url == url


@pytest.mark.parametrize(
    "url", ["shop:orders", "shop://", "shop:///", "//db.example/x", "shop://db example/x", "shop://h:0"]
)
def test_address_needs_a_host_or_a_file(url: str) -> None:
    assert "refused address" in refused("[project]\nseed = 1", engine__url=url).what


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        (SECRET, True),
        ("ghp_" + "a1" * 18, True),
        ("hf_" + "aB" * 17, True),
        ("Authorization: Bearer abcdefghijklm", True),
        ("AIza" + "Sy-0aB" * 6, True),
        ("xai-" + "a1" * 20, True),
        ("gsk_" + "a1" * 20, True),
        ("github_pat_" + "a1" * 20, True),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", True),
        ("-----BEGIN RSA PRIVATE KEY-----", True),
        ("https://me:hunter22@search.example:9200", True),
        ("https://hunter22@search.example", True),
        ("https://search.example/a/b@c", False),
        ("token_eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.", True),
        ("see shop-https://me:hunter22@search.example", True),
        ("eyJ is how a token begins", False),
        ("maxai-toolkit-models-2024", False),
        ("task-history-2024-11", False),
        ("risk_assessment_logs", False),
        ("./hf_flan-t5-base-finetuned", False),
        ("OPENAI_API_KEY", False),
        ("", False),
    ],
)
def test_detects_secrets(value: str, secret: bool) -> None:
    assert looks_secret(value) is secret


@pytest.mark.parametrize(
    "part", first_quick(["a.", "a-", "a+", "ey.", "eyJ-", "eyJ_", "eyJaaaaaaaa.bbbbbbbb-", "a://", "Bearer  "])
)
def test_long_text_is_searched_for_secrets_in_linear_time(part: str) -> None:
    """A search whose time is quadratic would be killed: it takes minutes for a megabyte."""
    code = "import sys; from dstill.io.secrets import masked; masked(sys.argv[1] * 2**19)"
    subprocess.run([sys.executable, "-c", code, part], check=True, timeout=60)


# --- round trip -------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "project.task": TEXT,
        "project.seed": st.integers(0, 2**32 - 1),
        "train.label_weight": st.floats(0, 1),
        "train.learning_rate": st.floats(1e-9, 10),
        "train.max_seconds": st.floats(0, 1e300),
        "train.gradient_checkpointing": st.booleans(),
        "evaluate.splits": st.lists(TEXT, max_size=3),
        "engine.timeout": st.floats(0.1, 3600),
        "task.toy.text": TEXT,
        "task.toy.maybe": TEXT,
        "task.toy.mode": st.sampled_from(["on", "off"]),
        "task.toy.share": st.floats(0, 1),
        "task.toy.guard.most": st.integers(1, 100),
        "task.toy.guard.words": st.lists(TEXT, max_size=3),
        "objective.label-only.text": TEXT,
        "objective.label-only.guard.most": st.integers(1, 100),
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(VALUES)
def test_resolved_file_round_trips(values: dict[str, Any]) -> None:
    if any(looks_secret(str(value)) for value in values.values()):
        return
    config = load(use_files=False, flags=values, sections=SECTIONS)
    file = Path("resolved.toml")
    file.write_bytes(config.to_toml().encode())
    again = load(file, environment={}, sections=SECTIONS)
    assert again.settings == config.settings
    assert again.parts == config.parts
    assert again.to_toml() == config.to_toml()
