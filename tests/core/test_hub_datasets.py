"""Questions from the hub, a real server on loopback: pinned to a commit, with the user's token, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.loopback_hub import TOKEN, LoopbackHub

from dstill import Run, trust
from dstill import plugins as plugin_loading
from dstill.config import load
from dstill.errors import AuthError, ConfigError, DataError, DstillError, ServiceError, UsageError
from dstill.inputs import hub_datasets
from dstill.inputs.question_files import read_questions

Cli = Callable[..., Any]
NAME = "hf://datasets/acme/sums"
SUMS = {
    "train": [(f"add {a} and {b}", f"{a}+{b}") for a in range(1, 5) for b in (5, 6)],
    "test": [("add 7 and 8", "7+8"), ("add 8 and 9", "8+9")],
}


def rows(split: str) -> str:
    said = [
        [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        for question, answer in SUMS[split]
    ]
    return "".join(json.dumps({"messages": messages}) + "\n" for messages in said)


@pytest.fixture
def sums(hub: LoopbackHub) -> str:
    """The commit of a public data set."""
    files = {f"data/{split}.jsonl": rows(split) for split in SUMS}
    return hub.put("datasets/acme/sums", {**files, "README.md": "---\nlicense: cc-by-4.0\n---\n", "evil.pkl": b"x"})


def test_a_run_keeps_the_commit_of_its_questions(hub: LoopbackHub, sums: str, cli: Cli, toy_file: Path) -> None:
    made = cli("generate", "--task", "toy", "--teacher", "parrot", "--questions", NAME, "--out", "mine")
    assert made.code == 0, made.err
    run = Run.open("mine", plugins=plugin_loading.load([toy_file]))
    assert run.settings.generate.questions == f"{NAME}@{sums}"
    assert {(r.question, r.answer, r.teacher) for r in run.records("test")} == {(q, a, "") for q, a in SUMS["test"]}
    assert len(run.records("train")) == len(SUMS["train"])
    assert run.stages["generate"]["origin"] == {"questions": f"{NAME}@{sums}", "licence": "cc-by-4.0"}
    assert f"| questions from {NAME}@{sums} | cc-by-4.0 |" in Path("mine/dataset/README.md").read_text()
    hub.put("datasets/acme/sums", {"data/test.jsonl": '{"question": "add 1 and 1"}\n'})  # the branch moves on
    for words in ((), ("--questions", NAME)):
        again = cli("generate", "--out", "mine", *words, "--json")
        assert again.code == 0, again.err
        assert json.loads(again.out.splitlines()[-1])["splits"] == {"train": 8, "test": 2}
    assert cli("data", "curate", "mine").code == 0
    assert f"| questions from {NAME}@{sums} | cc-by-4.0 |" in Path("mine/dataset/README.md").read_text()
    refused = cli("generate", "--out", "mine", "--questions", f"{NAME}@{hub.repos['datasets/acme/sums'].head}")
    assert refused.code == 5
    assert "was created with generate.questions" in refused.err


def test_only_rows_and_the_card_are_downloaded(hub: LoopbackHub, sums: str) -> None:
    assert len(read_questions(f"{NAME}@{sums}")) == 10
    assert not list(Path(cache(hub)).rglob("evil.pkl"))
    assert {path.name for path in Path(cache(hub)).rglob("snapshots/*/**/*") if path.is_file()} == {
        "README.md",
        "train.jsonl",
        "test.jsonl",
    }


def cache(hub: LoopbackHub) -> str:
    from huggingface_hub import constants

    return constants.HF_HUB_CACHE


def test_a_configuration_is_one_of_the_card_or_a_folder(hub: LoopbackHub) -> None:
    hub.put("datasets/acme/two", {f"{c}/train/0.jsonl": json.dumps({"question": c}) for c in ("small", "large")})
    assert [one.question for one in read_questions("hf://datasets/acme/two/large")] == ["large"]
    with pytest.raises(DataError, match="no data files of the configuration 'huge'"):
        read_questions("hf://datasets/acme/two/huge")
    assert hub.seen.count("GET file datasets/acme/two") == 1  # the other configuration was not fetched


def test_the_token_goes_to_the_hub_and_into_no_message(
    hub: LoopbackHub, sums: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repos["datasets/acme/sums"].private = True
    with pytest.raises(DataError, match="the hub has no datasets/acme/sums, or does not show it to you"):
        hub_datasets.pinned(NAME)
    assert hub.tokens == set()
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert hub_datasets.pinned(NAME) == f"{NAME}@{sums}"
    assert hub.tokens == {TOKEN}
    hub.fail = {"info datasets/acme/sums": 403}
    with pytest.raises(AuthError) as caught:
        hub_datasets.pinned(NAME)
    assert caught.value.what == "the hub refused the request (403): this fails on purpose"
    assert TOKEN not in str(caught.value)
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example")
    with pytest.raises(ConfigError, match="the key would cross a public network in clear text"):
        hub_datasets.pinned(NAME)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("hf://datasets/acme", UsageError, "not the name of a data set on the hub"),
        ("hf://acme/sums", UsageError, "not the name of a data set on the hub"),
        ("hf://datasets/acme/../sums", UsageError, "not the name of a data set on the hub"),
        ("hf://datasets/acme/none", DataError, "the hub has no datasets/acme/none, or does not show it to you"),
        (f"{NAME}@v9", DataError, "datasets/acme/sums has no such revision"),
    ],
)
def test_names_that_stand_for_nothing(
    hub: LoopbackHub, sums: str, name: str, kind: type[DstillError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        read_questions(name)


def test_a_hub_that_is_away_or_not_to_be_asked(
    hub: LoopbackHub, sums: str, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    hub.fail = {"file datasets/acme/sums": 404}
    with pytest.raises(ServiceError):
        read_questions(NAME)
    hub.repos["datasets/acme/sums"].gated = True
    with pytest.raises(AuthError, match="only to people with access"):
        read_questions(NAME)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    ended = cli("generate", "--task", "toy", "--teacher", "parrot", "--questions", NAME, "--out", "mine")
    assert ended.code == 7
    assert "the hub cannot be reached" in ended.err
    assert not Path("mine").exists()  # a name that cannot be read creates no run


def test_a_run_of_somebody_else_asks_first(hub: LoopbackHub, sums: str, cli: Cli, project: Path) -> None:
    """A project of one's own may name the hub; a run from elsewhere needs permission, before anything is sent."""
    assert cli("generate", "--task", "toy", "--teacher", "parrot", "--out", "theirs").code == 0
    settings = project / "theirs" / "config.toml"
    settings.write_text(settings.read_text().replace('questions = ""', f'questions = "{NAME}"'))
    refused = cli("generate", "--out", "theirs")
    assert refused.code == 5
    assert f"asks to read '{NAME}' from the Hugging Face hub, with your token if you have one" in refused.err
    assert hub.seen == []
    (project / "dstill.toml").write_text(f'[generate]\nquestions = "{NAME}"\n')
    config = load(project / "dstill.toml")
    assert config.settings.generate.questions == NAME
    assert trust.requests(config, "generate") == []


def test_a_dry_run_and_an_audit_read_the_hub_too(hub: LoopbackHub, sums: str, cli: Cli) -> None:
    audited = cli("data", "audit", NAME, "--task", "toy", "--json")
    assert json.loads(audited.out.splitlines()[-1])["golds"] == 10, audited.err
    tried = cli("generate", "--task", "toy", "--teacher", "parrot", "--questions", NAME, "--dry-run", "--json")
    assert tried.code == 0, tried.err
    assert not list(Path().glob("runs"))
