"""Model folders that are accepted, and errors for the others."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.finetuned import answers, fit, hf_student

from dstill.api.modality import Modality
from dstill.errors import DataError, UsageError
from dstill_finetune import model_loading
from dstill_finetune.hf import Hf
from dstill_finetune.student_metadata import Facts
from dstill_finetune.tokenizer import lossy_texts
from dstill_torch.modalities import Full, Lora


def edit(file: Path, **changes: Any) -> None:
    row = json.loads(file.read_text())
    row.update(changes)
    file.write_text(json.dumps({key: value for key, value in row.items() if value is not None}))


def missing_part(folder: Path) -> None:
    index = {"weight_map": {"shared.weight": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def other_tokenizer(folder: Path) -> None:
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config.from_pretrained(folder)
    config.vocab_size = 100
    T5ForConditionalGeneration(config).save_pretrained(folder)


def configured(**changes: Any) -> Callable[[Path], None]:
    return lambda folder: edit(folder / "config.json", **changes)


def tokenizer_configured(**changes: Any) -> Callable[[Path], None]:
    return lambda folder: edit(folder / "tokenizer_config.json", **changes)


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def holding(name: str, text: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_text(text)


CONFIG, TOKENIZER, WEIGHTS = "config.json", "tokenizer_config.json", "model.safetensors"
BROKEN = "truncated or not in safetensors format"
no_pad_token = tokenizer_configured(pad_token=None)
BAD: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    "missing": (shutil.rmtree, "a file of the model is missing", CONFIG),  # the plan reads it first
    "no configuration": (without(CONFIG), "a file of the model is missing", CONFIG),
    "broken configuration": (holding(CONFIG, '{"model_type": "t5",'), "is not JSON", CONFIG),
    "pickled": (
        lambda folder: (folder / WEIGHTS).rename(folder / "pytorch_model.bin"),
        "the weights are pickled",
        "pytorch_model.bin",
    ),
    "no weights": (without(WEIGHTS), "the folder has no weights", WEIGHTS),
    "truncated": (
        lambda folder: os.truncate(folder / WEIGHTS, (folder / WEIGHTS).stat().st_size - 1000), BROKEN, WEIGHTS
    ),
    "empty": (holding(WEIGHTS, ""), BROKEN, WEIGHTS),
    "missing part": (missing_part, "a part of the weights is missing", "model-00002-of-00002.safetensors"),
    "index without parts": (
        holding("model.safetensors.index.json", '{"weight_map": ["model.safetensors"]}'),
        "the index of the weights does not list them",
        "weight_map",
    ),
    "other shapes": (configured(d_ff=48), "weights have other shapes than config.json says", "model"),
    "non-numeric size": (configured(num_heads="two"), "cannot load", "num_heads"),
    "other tokenizer": (other_tokenizer, "the model knows 100", "model"),
    "own code": (
        configured(auto_map={"AutoModel": "modeling_mine.Mine"}), "its own code, which dstill never runs", CONFIG
    ),
    "own code of the tokenizer": (
        tokenizer_configured(auto_map={"AutoTokenizer": ["tokenization_mine.Mine", None]}), "its own code", TOKENIZER
    ),
    "GGUF file elsewhere": (
        tokenizer_configured(gguf_file="/elsewhere/model.gguf"), "names another file (gguf_file)", TOKENIZER
    ),
    "encoder only": (configured(model_type="vit"), "the architecture 'vit' does not generate text", CONFIG),
    "unknown architecture": (configured(model_type="nonsense"), "no architecture 'nonsense'", CONFIG),
    "no tokenizer": (without("tokenizer.json"), "the folder has no tokenizer", "tokenizer.json"),
    "adapter": (holding("adapter_config.json", "{}"), "an adapter, not a base", "adapter_config.json"),
    "no pad token": (no_pad_token, "the tokenizer has no pad token", TOKENIZER),
}  # fmt: skip


@pytest.fixture
def folder(t5: Path, tmp_path: Path) -> Path:
    """A copy of the T5, which a test may damage."""
    return shutil.copytree(t5, tmp_path / "model")


def test_check_names_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such model folder"):
        model_loading.check(tmp_path / "nowhere")


@pytest.mark.parametrize(("spoil", "what", "where"), BAD.values(), ids=BAD)
def test_model_folder_that_is_unsafe_or_broken_is_refused(
    spoil: Callable[[Path], None], what: str, where: str, folder: Path, tmp_path: Path
) -> None:
    spoil(folder)
    with pytest.raises(DataError) as caught:
        fit(hf_student(folder), Full(), tmp_path / "student")
    assert what in caught.value.what
    assert where in caught.value.where
    assert caught.value.exit_code == 4


def test_pad_token_can_be_configured(folder: Path, tmp_path: Path) -> None:
    no_pad_token(folder)
    student = hf_student(folder, pad_token="</s>")
    fit(student, Full(), tmp_path / "student", max_steps=1)
    assert answers(tmp_path / "student", "predict: all")
    with pytest.raises(DataError, match="no token '<nothing>'"):
        fit(hf_student(folder, pad_token="<nothing>"), Full(), tmp_path / "student")


@pytest.mark.parametrize("base", ["", "a b", "x/y/z", "http://host/model"])
def test_name_that_is_neither_folder_nor_hub_id_is_refused(base: str) -> None:
    with pytest.raises(UsageError) as caught:
        model_loading.config_of(base)
    assert "--student hf:BASE" in caught.value.where


def test_unreachable_hub_id_is_a_one_line_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, as the hub's client itself would be: no request is made."""
    from huggingface_hub import constants

    from dstill.errors import DstillError

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DstillError) as caught:
        model_loading.config_of("nobody/nothing-of-this-name")
    assert caught.value.exit_code in (4, 7)
    assert "nobody/nothing-of-this-name" in caught.value.what
    assert "\n" not in caught.value.where


# --- no pickles, no model code, no network ------------------------------------------------


def test_pickled_weights_next_to_safetensors_are_not_opened(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"not even a pickle")
    assert model_loading.load_model(str(folder), {}).config.model_type == "t5"


def test_missing_weights_are_not_initialized_at_random(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    gone = next(name for name in weights if name.startswith("decoder") and name.endswith("q.weight"))
    del weights[gone]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DataError, match="1 of the model's weights are missing") as caught:
        model_loading.load_model(str(folder), {})
    assert gone in caught.value.what


@pytest.mark.parametrize("kind", [Full, Lora])
def test_weights_that_are_not_finite_are_refused(kind: type[Modality], t5: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    student = hf_student(t5)
    fit(student, kind(), tmp_path, max_steps=1)
    file = tmp_path / f"{'model' if kind is Full else 'adapter_model'}.safetensors"
    weights = load_file(file)
    name = next(iter(weights))
    weights[name].view(-1)[0] = math.nan
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(DataError, match="a weight of the model is not a finite number") as caught:
        student.load(tmp_path)
    assert name.rpartition(".")[0] in caught.value.where


@pytest.mark.parametrize("kind", [Full, Lora])
def test_adapter_without_safetensors_is_refused(kind: type[Modality], t5: Path, tmp_path: Path) -> None:
    student = hf_student(t5)
    fit(student, kind(), tmp_path, max_steps=1)
    name = "model" if kind is Full else "adapter_model"
    (tmp_path / f"{name}.safetensors").rename(tmp_path / f"{'pytorch_' * (kind is Full)}{name}.bin")
    with pytest.raises(DataError):
        student.load(tmp_path)


@pytest.mark.parametrize("kind", [Full, Lora])
def test_folder_needs_no_network(
    kind: type[Modality], t5: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    called: list[Any] = []

    def refuse(self: Any, address: Any) -> None:
        called.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    student = hf_student(t5)
    student.spec()
    fit(student, kind(), tmp_path, max_steps=1)
    assert answers(tmp_path, "predict: all")
    assert called == []


@pytest.fixture
def cached(t5: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache as a download of ``some/t5`` leaves it, with the network off."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    model, commit = tmp_path / "models--some--t5", "a" * 40
    shutil.copytree(t5, model / "snapshots" / commit)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(commit)
    return model / "snapshots" / commit


def test_cached_hub_id_needs_no_network(cached: Path, tmp_path: Path) -> None:
    student = hf_student("some/t5")
    fit(student, Lora(), tmp_path / "student", max_steps=1)
    assert answers(tmp_path / "student", "predict: all")
    facts = json.loads((tmp_path / "student" / "student.json").read_text())
    assert (facts["base"], facts["base_sha256"]) == ("some/t5", "")


def test_cached_hub_id_passes_the_same_checks(cached: Path) -> None:
    """Pickled weights, code of its own, no tokenizer."""
    (cached / "model.safetensors").rename(cached / "pytorch_model.bin")
    with pytest.raises(DataError, match="no weights in safetensors; pickled ones can run code"):
        model_loading.load_model("some/t5", {})
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (cached / file).unlink()
    with pytest.raises(DataError, match="'some/t5' has no tokenizer"):
        model_loading.load_tokenizer("some/t5")
    (cached / "mine.py").write_text("raise SystemExit('it ran')")
    edit(cached / "config.json", model_type="mine", auto_map={"AutoConfig": "mine.Mine"})
    with pytest.raises(DataError, match="its own code, which dstill never runs"):
        model_loading.config_of("some/t5")


@pytest.mark.parametrize(
    ("base", "reads"),
    [("/models/t5", ["/models/t5"]), ("base", ["{folder}/base"]), ("", []), ("someone/t5", ["someone/t5"])],
)
def test_external_models_names_the_base_outside_the_run(tmp_path: Path, base: str, reads: list[str]) -> None:
    """What the user is asked about before it is opened, where it lies outside of the run."""
    facts = Facts(
        student="hf",
        base=base,
        modality="lora",
        adapter=True,
        four_bit=False,
        encoder_decoder=True,
        new_tokens=(),
        seed=0,
        max_length=64,
        max_target_length=64,
    )
    assert list(Hf().external_models(tmp_path)) == []  # nothing there yet
    facts.write(tmp_path)
    assert list(Hf().external_models(tmp_path)) == [one.format(folder=tmp_path) for one in reads]


# --- hostile files ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"num_layers": 2**31 - 1}, "num_layers is 2,147,483,647, more than the 1,000"),
        ({"num_decoder_layers": 10**400}, "num_decoder_layers is a number of 400 digits"),
        ({"vocab_size": 2**40}, "vocab_size is 1,099,511,627,776, more than"),
        ({"num_labels": 2**40}, "num_labels is"),
        ({"text_config": {"nested": [{"num_hidden_layers": 5000}]}}, "num_hidden_layers is 5,000"),
    ],
)
def test_unrealistic_sizes_are_refused(folder: Path, changes: dict[str, Any], what: str) -> None:
    edit(folder / "config.json", **changes)
    loaders = (model_loading.config_of, model_loading.load_tokenizer, lambda base: model_loading.load_model(base, {}))
    for load in loaders:
        with pytest.raises(DataError) as caught:
            load(str(folder))
        assert caught.value.what.startswith(what)


@pytest.mark.parametrize("changes", [{"d_model": -1}, {"num_heads": "four"}, {"d_kv": 0.5}, {"num_layers": 1e9}])
def test_configuration_without_a_model_is_refused(folder: Path, changes: dict[str, Any]) -> None:
    edit(folder / "config.json", **changes)
    with pytest.raises(DataError, match=r"cannot load|no model can be built"):
        hf_student(folder).spec()


def test_deeply_nested_file_is_refused(folder: Path) -> None:
    (folder / "config.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match="is not JSON"):
        model_loading.config_of(str(folder))


def test_fifo_in_a_model_folder_does_not_block(folder: Path) -> None:
    os.mkfifo(folder / "added_tokens.json")
    with pytest.raises(DataError, match="is a fifo"):
        model_loading.load_tokenizer(str(folder))


def test_special_files_below_a_model_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "additional_chat_templates").mkdir()
    os.mkfifo(folder / "additional_chat_templates" / "other.jinja")
    with pytest.raises(DataError, match="is a fifo"):
        model_loading.load_tokenizer(str(folder))
    shutil.move(folder / "additional_chat_templates", tmp_path / "templates")
    (folder / "additional_chat_templates").symlink_to(tmp_path / "templates")
    with pytest.raises(DataError, match="a folder of the model is a link"):
        model_loading.load_tokenizer(str(folder))


def test_fingerprint_does_not_wait_for_a_fifo(folder: Path) -> None:
    os.mkfifo(folder / "more.safetensors")
    with pytest.raises(DataError, match="is a fifo"):
        model_loading.fingerprint(str(folder))


def test_links_to_files_are_followed_as_in_the_cache_of_the_hub(t5: Path, tmp_path: Path) -> None:
    (tmp_path / "snapshot").mkdir()
    for file in t5.iterdir():
        (tmp_path / "snapshot" / file.name).symlink_to(file)
    assert len(model_loading.load_tokenizer(str(tmp_path / "snapshot"))) == len(model_loading.load_tokenizer(str(t5)))
    assert model_loading.fingerprint(str(tmp_path / "snapshot")) == model_loading.fingerprint(str(t5))


def test_oversized_text_file_is_not_read(folder: Path) -> None:
    with (folder / "tokenizer.json").open("ab") as file:
        file.truncate(2**28 + 1)
    with pytest.raises(DataError, match="larger than 256 MiB"):
        model_loading.load_tokenizer(str(folder))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("pre_tokenizer", {"type": "FixedLength", "length": 0}),
        ("normalizer", {"type": "Precompiled", "precompiled_charsmap": "AAAA"}),
        ("decoder", {"type": "Strip", "content": "a", "start": 5, "stop": 5}),
    ],
)
def test_panic_of_the_tokenizers_library_is_reported_as_damage(folder: Path, part: str, value: dict[str, Any]) -> None:
    edit(folder / "tokenizer.json", **{part: value})
    with pytest.raises(DataError) as caught:  # when it is loaded, or when it is used
        lossy_texts(model_loading.load_tokenizer(str(folder)), ["all red cars", "a"])
    assert caught.value.exit_code == 4
