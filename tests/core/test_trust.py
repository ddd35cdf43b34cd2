"""Permissions that the settings of a folder request, and which are granted."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from dstill import plugins as plugin_loading
from dstill import trust
from dstill.config import Config, Settings, load
from dstill.config import fields as config_fields
from dstill.errors import ConfigError, RunError, TrustError

ELSEWHERE = "https://evil.example/v1"


@dataclass(frozen=True, kw_only=True)
class Limits:
    memory: int = 128
    strict: int = 3
    texts: bool = False


@dataclass(frozen=True, kw_only=True)
class Service:
    base_url: str = field(default="https://api.example/v1", metadata={"trust": "address"})
    api_key_env: str = field(default="EXAMPLE_KEY", metadata={"trust": "variable"})
    secret_headers: Mapping[str, str] = field(default_factory=dict, metadata={"trust": "variable"})
    api_key_file: str = field(default="", metadata={"trust": "key file"})
    file: str = field(default="", metadata={"trust": "file"})
    model: str = field(default="", metadata={"trust": "model"})
    limits: Limits = field(default_factory=Limits, metadata={"trust": "limits"})


@pytest.fixture(autouse=True)
def _own_settings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("own")))


@pytest.fixture(autouse=True)
def cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "theirs").mkdir()
    return tmp_path


def load_settings(text: str, *, run: bool = True, flags: dict[str, Any] | None = None) -> Config:
    """The settings of a run or project from somebody else."""
    folder = Path("theirs")
    if run:
        (folder / "run.json").write_text("{}")
    file = folder / ("config.toml" if run else "dstill.toml")
    file.write_text(text)
    return load(file, environment={}, flags=flags, sections={"teacher.far": Service})


def actions(config: Config, *sections: str) -> list[str]:
    return [request.action for request in trust.requests(config, *sections)]


def service(**keys: str) -> str:
    return "[teacher.far]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())


CONNECT = "connect to https://evil.example:443"
SENT = "send the environment variable 'EXAMPLE_KEY' to https://evil.example:443"


# --- requests ---------------------------------------------------------------------------


def test_models_of_a_run_that_cost_money_need_trust() -> None:
    text = "[evaluate]\nbaselines = ['nearest', 'openai:gpt-5']\n"
    assert actions(load_settings(text)) == ["ask the model 'openai:gpt-5', which may cost money"]
    assert actions(load_settings(text, flags={"evaluate.baselines": ["openai:gpt-5"]})) == []  # the user asks for it
    assert actions(load_settings("[evaluate]\nbaselines = ['nearest']\n")) == []
    Path("theirs/run.json").unlink()
    assert actions(load_settings(text, run=False)) == []


def test_each_variable_of_a_table_is_asked_for() -> None:
    text = "[teacher.far]\napi_key_env = ''\nsecret_headers = {x-one = 'AWS_KEY', x-two = 'ES_KEY'}\n"
    sent = [f"send the environment variable '{name}' to https://api.example:443" for name in ("AWS_KEY", "ES_KEY")]
    assert actions(load_settings(text)) == sent


def test_defaults_stored_in_a_run_need_no_trust() -> None:
    config = load_settings("[project]\nseed = 1\n")
    assert actions(config) == []
    assert actions(load_settings(config.to_toml())) == []
    trust.require(load_settings(config.to_toml()))


@pytest.mark.parametrize(
    ("keys", "asked"),
    [
        ({"base_url": ELSEWHERE}, SENT),
        ({"base_url": "https://EVIL.example:443/other"}, SENT),
        ({"api_key_env": "AWS_KEY"}, "send the environment variable 'AWS_KEY' to https://api.example:443"),
        (
            {"base_url": "http://127.0.0.1:9200", "api_key_env": "AWS_KEY"},
            "send the environment variable 'AWS_KEY' to http://127.0.0.1:9200",
        ),
        ({"base_url": ELSEWHERE, "api_key_env": ""}, "connect to https://evil.example:443"),
        ({"file": "/etc/passwd"}, "read '/etc/passwd'"),
        ({"model": "/models/llama"}, "load the model '/models/llama'"),
        ({"model": "someone/model"}, "load the model 'someone/model' from the Hugging Face hub"),
    ],
)
def test_lists_the_requests_of_a_run(keys: dict[str, str], asked: str) -> None:
    config = load_settings(service(**keys))
    assert actions(config) == [asked]
    assert actions(config, "teacher.far") == [asked]
    assert actions(config, "teacher.fa", "engine") == []
    with pytest.raises(TrustError) as caught:
        trust.require(config, "teacher.far")
    assert (caught.value.exit_code, caught.value.code) == (5, "trust")
    assert isinstance(caught.value, RunError)
    assert re.fullmatch(r"teacher\.far\.\w+, theirs/config\.toml:2|.*:3", caught.value.where)
    assert caught.value.hint.endswith("dstill trust theirs")
    assert [action for action, _ in caught.value.actions] == [asked]


@pytest.mark.parametrize(
    "keys", [{"base_url": "http://127.0.0.1:9200", "api_key_env": ""}, {"file": "theirs/x.csv"}, {"model": ""}]
)
def test_local_paths_and_addresses_need_no_trust(keys: dict[str, str]) -> None:
    assert actions(load_settings(service(**keys))) == []


def test_requests_include_key_file_and_certificates(cwd: Path) -> None:
    config = load_settings(
        "[engine]\nurl = 'https://search.example'\napi_key_file = '~/.keys/search'\nca_certs = 'theirs/their.pem'\n"
    )
    key = os.path.realpath(Path("~/.keys/search").expanduser())
    to = "https://search.example:443, trusting the certificate 'theirs/their.pem'"
    assert actions(config) == [f"send the content of {key!r} to {to}"]
    assert "read '/etc/ca.pem'" in actions(
        load_settings("[engine]\nurl = 'https://127.0.0.1'\nca_certs = '/etc/ca.pem'\n")
    )


def test_requests_include_fingerprint_in_executor_section(cwd: Path) -> None:
    file, fingerprint = Path("theirs/config.toml"), f"ca_fingerprint = '{'0' * 64}'\n"
    engine = "[engine]\nurl = 'https://search.example'\napi_key_env = 'ES_KEY'\n"
    file.write_text(f"{engine}[executor.http]\n{fingerprint}")
    config = load(file, environment={}, sections=plugin_loading.part_sections(plugin_loading.load()))
    sent = "send the environment variable 'ES_KEY' to https://search.example:443"
    pinned = f"{sent}, trusting the certificate '{'0' * 64}'"
    assert actions(config) == [sent, pinned]
    assert actions(config, "executor.http") == [pinned]


def test_link_out_of_the_folder_is_outside(cwd: Path) -> None:
    Path("theirs/data.csv").symlink_to("/etc/passwd")
    assert actions(load_settings(service(file="theirs/data.csv"))) == ["read '/etc/passwd'"]


def test_reporting_elsewhere_needs_trust() -> None:
    [action] = actions(load_settings("[train]\nreport_to = 'tensorboard, wandb,none'\n"))
    assert action == "report trainings, scores, questions and the student to 'wandb'"


def test_writing_to_an_engine_needs_trust() -> None:
    text = "[engine]\nload_data = true\nurl = 'http://127.0.0.1:9200'\n"
    assert actions(load_settings(text)) == ["write data to http://127.0.0.1:9200"]
    assert actions(load_settings(text, flags={"engine.load_data": True})) == []  # the user's own choice
    Path("theirs/run.json").unlink()
    assert actions(load_settings(text, run=False)) == []


@dataclass(frozen=True, kw_only=True)
class Session:
    token_env: str = field(default="", metadata={"trust": "variable"})


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Of an executor: it reaches the address of [engine]."""

    password_env: str = field(default="", metadata={"trust": "variable"})
    usual_env: str = field(default="USUAL", metadata={"trust": "variable"})
    pem: str = field(default="", metadata={"trust": "ca file"})
    other_url: str = field(default="", metadata={"trust": "address"})
    fill: bool = field(default=False, metadata={"trust": "write"})
    most: int = field(default=3, metadata={"trust": "limits"})
    session: Session = field(default_factory=Session)


@pytest.mark.parametrize(
    ("engine", "executor", "asked"),
    [
        ("", "password_env = 'MINE'", []),  # it is sent nowhere
        ("url = 'https://evil.example'", "", [CONNECT, "variable 'USUAL' to https://evil.example:443"]),
        (
            "url = 'https://evil.example'",
            "password_env = 'MINE'",
            [CONNECT, "variable 'MINE' to https://evil.example:443", "variable 'USUAL' to https://evil.example:443"],
        ),
        (
            "url = 'https://evil.example'",
            "[executor.sql.session]\ntoken_env = 'MINE'",
            [CONNECT, "variable 'MINE' to https://evil.example:443", "variable 'USUAL' to https://evil.example:443"],
        ),
        (
            "api_key_env = 'MINE'",
            "other_url = 'https://evil.example'",
            ["variable 'MINE' to https://evil.example:443", "variable 'USUAL' to https://evil.example:443"],
        ),
        (
            "url = 'https://127.0.0.1'\napi_key_env = 'MINE'",
            "usual_env = ''\npem = 'theirs/their.pem'",
            [
                "variable 'MINE' to https://127.0.0.1:443",
                "variable 'MINE' to https://127.0.0.1:443, trusting the certificate 'theirs/their.pem'",
            ],
        ),
        (
            "url = 'http://127.0.0.1:1'\nload_data = true",
            "usual_env = ''\nfill = true\nmost = 4",
            ["write data to http://127.0.0.1:1", "loosen a limit: executor.sql.most = 4"],
        ),
        (
            "url = 'shop://db.example/x'",
            "usual_env = ''\npassword_env = 'KEY'",
            ["connect to shop://db.example", "variable 'KEY' to shop://db.example"],
        ),
        ("url = 'shop:///etc/shop%20data'", "usual_env = ''", ["read '/etc/shop data'"]),
    ],
)
def test_request_names_executor_and_engine_address(engine: str, executor: str, asked: list[str]) -> None:
    """The parts of a pair may be in two sections."""
    folder = Path("theirs")
    (folder / "run.json").write_text("{}")
    (folder / "config.toml").write_text(f"[engine]\n{engine}\n[executor.sql]\n{executor}\n")
    config = load(folder / "config.toml", environment={}, sections={"executor.sql": Runner})
    found = [action.removeprefix("send the environment ") for action in actions(config, "engine", "executor.sql")]
    assert sorted(found) == sorted(asked)
    assert len(found) == len(set(found))
    if asked:
        with pytest.raises(TrustError):
            trust.require(config, "engine", "executor.sql")


def test_only_loosened_limits_need_trust() -> None:
    text = "[teacher.far.limits]\nmemory = 1024\nstrict = 1\ntexts = true\n"
    asked = ["loosen a limit: teacher.far.limits.memory = 1024", "loosen a limit: teacher.far.limits.texts = True"]
    assert actions(load_settings(text)) == asked
    assert actions(load_settings(text), "teacher.far") == asked
    Path("theirs/run.json").unlink()
    assert actions(load_settings(text, run=False)) == []


@pytest.fixture(scope="module")
def sections() -> Mapping[str, Any]:
    """Those of all plugins and packs."""
    return plugin_loading.part_sections(plugin_loading.load())


def test_query_dsl_guard_has_limits(sections: Mapping[str, Any]) -> None:
    config = load(use_files=False, sections=sections)
    assert config_fields(config)["task.querydsl.guard.memory"].metadata["trust"] == "limits"


LOOSER = {
    "engine.timeout": 3600.0,
    "executor.duckdb.seconds": 3600.0,
    "executor.duckdb.memory_mb": 1_000_000,
    "executor.sqlite.seconds": 3600.0,
    "executor.sqlite.memory_mb": 1_000_000,
    "executor.postgresql.seconds": 3600.0,
    "executor.postgresql.memory_mb": 100_000,
    "executor.postgresql.temporary_mb": 1_000_000,
    "executor.http.allow_pattern": True,
}


def of_engines(values: Mapping[str, Any], sections: Mapping[str, Any]) -> Config:
    """The settings of a bundle from somebody else."""
    Path("theirs/bundle.json").write_text("{}")
    return load(Path("theirs/bundle.json"), values=values, environment={}, sections=sections)


@pytest.mark.parametrize(("key", "value"), LOOSER.items())
def test_engines_limits_need_trust_if_they_are_raised(key: str, value: Any, sections: Mapping[str, Any]) -> None:
    config = of_engines({key: value}, sections)
    assert actions(config, "engine", key.rpartition(".")[0]) == [f"loosen a limit: {key} = {value}"]
    lower = config_fields(config)[key].metadata.get("low", False)
    assert actions(of_engines({key: lower}, sections)) == []


def test_numbers_and_switches_of_engines_are_limits(sections: Mapping[str, Any]) -> None:
    """Those of a new engine, too."""
    known = {key: one for section, cls in sections.items() for key, one in keys_of(section, cls)}
    numbers = {key for key, one in known.items() if key.startswith("executor.") and one.type not in (str, "str")}
    assert LOOSER.keys() - {"engine.timeout"} <= numbers
    assert {key for key in numbers if known[key].metadata.get("trust") != "limits"} == set()


def test_role_and_schema_of_a_database_server_need_trust(sections: Mapping[str, Any]) -> None:
    theirs = {"executor.postgresql.user": "postgres", "executor.postgresql.schema_name": "payroll"}
    assert actions(of_engines(theirs, sections), "executor.postgresql") == [
        "log in as 'postgres': executor.postgresql.user",
        "read 'payroll': executor.postgresql.schema_name",
    ]
    assert actions(of_engines({"executor.postgresql.schema_name": "public"}, sections)) == []


@pytest.mark.parametrize(
    ("student", "asked"),
    [
        ("tiny", []),
        ("hf:theirs/base", []),
        ("base:theirs", []),
        ("hf:../base", ["load the model '{parent}/base'"]),
        ("other.gguf", ["load the model '{cwd}/other.gguf'"]),
        ("hf:google/flan-t5-small", ["load the model 'google/flan-t5-small' from the Hugging Face hub"]),
    ],
)
def test_base_model_elsewhere_needs_trust(student: str, asked: list[str], cwd: Path) -> None:
    (cwd / "theirs" / "base").mkdir()
    wanted = [one.format(cwd=cwd, parent=cwd.parent) for one in asked]
    assert actions(load_settings(f"[train]\nstudent = '{student}'\n"), "train") == wanted


def test_project_addresses_without_secrets_need_no_trust() -> None:
    assert actions(load_settings(service(base_url=ELSEWHERE, api_key_env=""), run=False)) == []
    assert actions(load_settings(service(model="someone/model"), run=False)) == []
    assert actions(load_settings(service(base_url=ELSEWHERE), run=False)) == [SENT]
    assert actions(load_settings(service(file="/etc/passwd"), run=False)) == ["read '/etc/passwd'"]


def test_loopback_server_gets_only_the_default_secret() -> None:
    local = "http://localhost:8000/v1"
    sent = "send the environment variable '{}' to http://localhost:8000"
    assert actions(load_settings(service(base_url=local), run=False)) == []
    assert actions(load_settings(service(base_url=local), run=True)) == [sent.format("EXAMPLE_KEY")]
    Path("theirs/run.json").unlink()
    assert actions(load_settings(service(base_url=local, api_key_env="AWS_KEY"), run=False)) == [sent.format("AWS_KEY")]


def test_flags_need_no_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    flags = {"teacher.far.base_url": ELSEWHERE, "teacher.far.api_key_env": "MINE", "teacher.far.file": "/etc/passwd"}
    assert actions(load_settings("[project]\nseed = 1\n", flags=flags)) == []
    (Path("theirs") / "config.toml").write_text(service(base_url=ELSEWHERE))
    environment = {"DSTILL_TEACHER__FAR__BASE_URL": "https://mine.example"}
    own = load(Path("theirs/config.toml"), environment=environment, sections={"teacher.far": Service})
    assert actions(own) == []


@pytest.mark.parametrize("name", ["\0", "~nobody/x", "a" * 5000, "line\nbreak", "\x1b[2J"])
def test_unusual_names_are_shown_in_one_plain_line(name: str) -> None:
    (action,) = actions(load_settings(service(file=f"../{name}")))
    assert action.isprintable()


# --- grants -----------------------------------------------------------------------------


def test_grant_lasts_until_the_request_changes() -> None:
    config = load_settings(service(base_url=ELSEWHERE))
    trust.allow(Path("theirs"), actions(config))
    trust.require(config)
    for other in (
        service(base_url="https://other.example/v1"),
        service(base_url=ELSEWHERE, api_key_env="AWS_KEY"),
        service(base_url="http://evil.example:443"),
    ):
        with pytest.raises(TrustError):
            trust.require(load_settings(other))
    trust.require(load_settings(service(base_url=ELSEWHERE)))
    Path("theirs").rename("moved")
    with pytest.raises(TrustError):
        trust.require(load(Path("moved/config.toml"), environment={}, sections={"teacher.far": Service}))


def test_grant_covers_subfolders_but_not_siblings(cwd: Path) -> None:
    config = load_settings(service(base_url=ELSEWHERE))
    trust.allow(cwd / "other", actions(config))
    trust.allow(cwd / "their", actions(config))
    with pytest.raises(TrustError):
        trust.require(config)
    trust.allow(cwd, actions(config))
    with pytest.raises(TrustError):  # a foreign run may be unpacked inside a project of the user
        trust.require(config)
    Path("theirs/run.json").unlink()
    config = load_settings(service(base_url=ELSEWHERE), run=False)
    trust.require(config)
    assert trust.grants(Path("theirs")) == {str(cwd): [SENT]}
    assert trust.forget(cwd)
    assert not trust.forget(cwd)
    assert trust.remembered() == {}
    with pytest.raises(TrustError):
        trust.require(config)


def test_user_may_replace_half_of_a_granted_pair() -> None:
    """A flag may send the folder's known secret to another address, and another secret to its known address."""
    trust.allow(Path("theirs"), actions(load_settings(service(base_url=ELSEWHERE, api_key_env="THEIRS"))))
    text = service(base_url=ELSEWHERE, api_key_env="THEIRS")
    trust.require(load_settings(text, flags={"teacher.far.base_url": "https://mine.example"}))
    trust.require(load_settings(text, flags={"teacher.far.api_key_env": "MINE"}))
    with pytest.raises(TrustError):  # both parts come from the folder, each granted in another pair
        trust.require(load_settings(service(base_url=ELSEWHERE, api_key_env="AWS_KEY")))
    with pytest.raises(TrustError):  # the default secret was not given as a flag
        trust.require(load_settings(service(base_url=ELSEWHERE)))


def test_address_granted_without_a_secret_gets_none() -> None:
    trust.allow(Path("theirs"), actions(load_settings(service(base_url=ELSEWHERE, api_key_env=""))))
    trust.require(load_settings(service(base_url=ELSEWHERE, api_key_env="")))
    with pytest.raises(TrustError):
        trust.require(load_settings(service(base_url=ELSEWHERE)))


def test_grant_covers_one_secret_only() -> None:
    flags = {"teacher.far.api_key_env": "MINE"}
    trust.allow(Path("theirs"), ["connect to https://evil.example:443"])
    with pytest.raises(TrustError):
        trust.require(load_settings(service(base_url=ELSEWHERE), flags=flags))


def test_trust_for_one_process_is_not_stored() -> None:
    config = replace(load_settings(service(base_url=ELSEWHERE)), trusted=True)
    trust.require(config)
    trust.allow_written(config, Path("theirs/config.toml"))
    assert trust.remembered() == {}


def test_saves_entries_of_the_user_but_not_of_a_foreign_file() -> None:
    theirs = load_settings(
        service(base_url=ELSEWHERE, api_key_env="AWS_KEY"), flags={"teacher.far.file": "/data/mine.csv"}
    )
    target = Path("made") / "config.toml"
    trust.allow_written(theirs, target)
    assert list(trust.remembered().values()) == [["read '/data/mine.csv'"]]


def test_run_in_a_trusted_folder_has_its_own_entry(cwd: Path) -> None:
    """For example, a trial below its run: once it is a run, grants of the parent folder do not apply."""
    config = load_settings(service(base_url=ELSEWHERE))
    trust.allow(cwd, actions(config))
    trust.allow_written(replace(config, file=None), cwd / "theirs/trials/one/config.toml")
    (cwd / "theirs/trials/one").mkdir(parents=True)
    (cwd / "theirs/trials/one/run.json").write_text("{}")
    assert trust.allowed(cwd / "theirs/trials/one") == {SENT}


def test_concurrent_grants_are_all_stored(cwd: Path) -> None:
    threads = [threading.Thread(target=trust.allow, args=(cwd / str(n), ["read 'x'"])) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(trust.remembered()) == 16


@pytest.mark.parametrize("text", ["", "[]", '{"folders": [1]}', '{"folders": {"/x": 1}}', "\udcff"])
def test_damaged_trust_file_is_named(text: str) -> None:
    trust.allow(Path("theirs"), ["read 'x'"])
    file = Path(os.environ["XDG_CONFIG_HOME"]) / "dstill" / "trust.json"
    assert file.exists()
    file.write_bytes(os.fsencode(text))
    with pytest.raises(ConfigError) as caught:
        trust.require(load_settings(service(base_url=ELSEWHERE)))
    assert caught.value.where == str(file)


def test_unwritable_trust_file_does_not_stop_work(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/dev/null")
    config = load(use_files=False, flags={"generate.questions": "/data/q.csv"})
    trust.allow_written(config, Path("theirs/config.toml"))
    assert "cannot remember" in caplog.text


# --- roles ------------------------------------------------------------------------------


def keys_of(section: str, cls: Any) -> Iterator[tuple[str, Any]]:
    for one in fields(cls):
        made = one.default_factory() if callable(one.default_factory) else one.default
        if is_dataclass(made):
            yield from keys_of(f"{section}.{one.name}", made)
        else:
            yield f"{section}.{one.name}".lstrip("."), one


def test_every_external_setting_has_a_role() -> None:
    """New settings are recognized by their names."""
    sections = {"": Settings, **plugin_loading.part_sections(plugin_loading.load())}
    outward = re.compile(r"(^|_)(url|env|file|files|path|folder|certs|fingerprint|mapping|questions|run)$")
    known = {key: one for section, cls in sections.items() for key, one in keys_of(section, cls)}
    assert {"engine.url", "teacher.openai.base_url", "task.querydsl.mapping"} <= known.keys()
    texts = {key: one for key, one in known.items() if one.type in (str, "str")}
    missing = [k for k, one in texts.items() if outward.search(k.rpartition(".")[2]) and "trust" not in one.metadata]
    assert missing == []
