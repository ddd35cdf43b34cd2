"""Model folders that are let in, and bad input 71: what is said about the rest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Callable

import pytest

from dstill.errors import DataError, UsageError
from dstill_finetune import folders
from dstill_finetune.hf import Hf, HfConfig
from dstill_finetune.modalities import Full


def edit(file: Path, **changes: Any) -> None:
    row = json.loads(file.read_text())
    row.update(changes)
    file.write_text(json.dumps({key: value for key, value in row.items() if value is not None}))


def missing(folder: Path) -> None:
    shutil.rmtree(folder)


def no_configuration(folder: Path) -> None:
    (folder / "config.json").unlink()


def broken_configuration(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "t5",')


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def truncated(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])


def empty(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def missing_part(folder: Path) -> None:
    index = {"weight_map": {"shared.weight": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def own_code(folder: Path) -> None:
    edit(folder / "config.json", auto_map={"AutoModel": "modeling_mine.Mine"})


def own_code_of_the_tokenizer(folder: Path) -> None:
    edit(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["tokenization_mine.Mine", None]})


def encoder_only(folder: Path) -> None:
    edit(folder / "config.json", model_type="vit")


def unknown_architecture(folder: Path) -> None:
    edit(folder / "config.json", model_type="nonsense")


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def adapter(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")


def no_pad_token(folder: Path) -> None:
    edit(folder / "tokenizer_config.json", pad_token=None)


BAD: list[tuple[Callable[[Path], None], str, str]] = [
    (missing, "no such model folder", "model"),
    (no_configuration, "a file of the model is missing", "config.json"),
    (broken_configuration, "is no JSON", "config.json"),
    (pickled, "the weights are pickled", "pytorch_model.bin"),
    (no_weights, "the folder has no weights", "model.safetensors"),
    (truncated, "truncated or no safetensors", "model.safetensors"),
    (empty, "truncated or no safetensors", "model.safetensors"),
    (missing_part, "a part of the weights is missing", "model-00002-of-00002.safetensors"),
    (own_code, "code of its own", "config.json"),
    (own_code_of_the_tokenizer, "code of its own", "tokenizer_config.json"),
    (encoder_only, "an architecture 'vit' does not write text", "config.json"),
    (unknown_architecture, "no architecture 'nonsense'", "config.json"),
    (no_tokenizer, "the folder has no tokenizer", "tokenizer.json"),
    (adapter, "an adapter, not a base", "adapter_config.json"),
    (no_pad_token, "the tokenizer has no pad token", "tokenizer_config.json"),
]


@pytest.mark.parametrize(("spoil", "what", "where"), BAD, ids=[spoil.__name__ for spoil, _, _ in BAD])
def test_bad_input_071(
    spoil: Callable[[Path], None], what: str, where: str, t5: Path, tmp_path: Path, fit: Callable[..., Any]
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(t5, folder)
    spoil(folder)
    student = Hf()
    student.base = str(folder)
    with pytest.raises(DataError) as caught:
        fit(student, Full(), tmp_path / "student")
    assert what in caught.value.what
    assert where in caught.value.where
    assert caught.value.exit_code == 4


def test_a_pad_token_can_be_named(t5: Path, tmp_path: Path, fit: Callable[..., Any]) -> None:
    folder = tmp_path / "model"
    shutil.copytree(t5, folder)
    no_pad_token(folder)
    student = Hf(HfConfig(pad_token="</s>"))
    student.base = str(folder)
    fit(student, Full(), tmp_path / "student", max_steps=1)
    assert list(student.load(tmp_path / "student").write(["predict: all"]))
    wrong = Hf(HfConfig(pad_token="<nothing>"))
    wrong.base = str(folder)
    with pytest.raises(DataError, match="no token '<nothing>'"):
        fit(wrong, Full(), tmp_path / "student")


@pytest.mark.parametrize("base", ["", "a b", "x/y/z", "http://host/model"])
def test_what_is_neither_folder_nor_hub_id_is_refused(base: str) -> None:
    with pytest.raises(UsageError) as caught:
        folders.config_of(base)
    assert "--student hf:BASE" in caught.value.where


def test_a_hub_id_that_cannot_be_fetched_is_an_error_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, as the hub's client itself would be: no request is made."""
    from huggingface_hub import constants

    from dstill.errors import DstillError

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DstillError) as caught:
        folders.config_of("nobody/nothing-of-this-name")
    assert caught.value.exit_code in (4, 7)
    assert "nobody/nothing-of-this-name" in caught.value.what
    assert "\n" not in caught.value.where
