"""GGUF files as students: a small one is trained in each modality, and bad ones are refused."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from support.finetuned import answers, card_answer, fit, hf_student, losses
from support.gguf_files import write_llama

from dstill.api.modality import Modality
from dstill.errors import DataError, MissingExtra
from dstill_finetune import gguf_files, model_loading
from dstill_finetune.hf import Hf
from dstill_torch.modalities import Full, Lora, Qlora

pytestmark = pytest.mark.slow

FP32 = {"dtype": torch.float32}
PROMPTS = ["predict: all red cars", "explain: all brown hats"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_llama(tmp_path / "small.gguf")
    return tmp_path / "small.gguf"


def test_weights_and_parameter_counts_match_the_file(tmp_path: Path) -> None:
    weights = write_llama(tmp_path / "Small.GGUF")
    student = hf_student(tmp_path / "Small.GGUF")
    assert student.spec().parameters == sum(array.size for array in weights.values())
    model = model_loading.load_model(student.base, FP32)
    head, down = torch.tensor(weights["output.weight"]), torch.tensor(weights["blk.1.ffn_down.weight"])
    assert torch.equal(model.lm_head.weight, head)
    assert torch.equal(model.model.layers[1].mlp.down_proj.weight, down)
    assert model_loading.load_model(student.base, {"dtype": torch.bfloat16}).dtype is torch.bfloat16


@pytest.mark.parametrize("kind", [Full, Lora, Qlora])
def test_transformers_and_peft_give_the_same_answers(
    kind: type[Modality], file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "student"
    fitted = fit(
        hf_student(Path(file.name)), kind(), folder, max_steps=20, learning_rate=2e-2 if kind is not Full else 3e-3
    )
    assert losses(fitted)[-1] < 0.8 * losses(fitted)[0]
    monkeypatch.chdir("/")  # the base is found from any folder
    given = answers(folder, *PROMPTS)
    assert given[0] != answers(folder, *PROMPTS, trained=False)[0]
    assert [card_answer(folder, f"{prompt}\n") for prompt in PROMPTS] == given
    facts = json.loads((folder / "student.json").read_text())
    assert facts["base"] == str(file)
    assert (facts["base_sha256"] != "") == (kind is not Full)
    if kind is Full:  # an independent student: the file may be deleted
        assert "quantization_config" not in json.loads((folder / "config.json").read_text())
        file.unlink()
        assert answers(folder, *PROMPTS) == given


@pytest.mark.parametrize("kind", [Lora, Qlora])
def test_adapter_finds_its_base_or_explains(kind: type[Modality], file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "student"
    fit(hf_student(file), kind(), folder, max_steps=10, learning_rate=2e-2)
    given = answers(folder, *PROMPTS)
    moved = file.rename(tmp_path / "elsewhere.gguf")
    with pytest.raises(DataError, match="is not where it was") as caught:
        answers(folder, *PROMPTS)
    assert caught.value.where == str(file)
    assert str(folder / "student.json") in caught.value.hint
    facts = json.loads((folder / "student.json").read_text())
    (folder / "student.json").write_text(json.dumps({**facts, "base": str(moved)}))  # as the hint says
    assert answers(folder, *PROMPTS) == given
    write_llama(moved, seed=1)
    with pytest.raises(DataError, match="other weights than the adapter was trained with") as caught:
        answers(folder, *PROMPTS)
    assert caught.value.exit_code == 4


def test_adapter_detects_changed_base_weights(t5: Path, tmp_path: Path) -> None:
    base, folder = tmp_path / "base", tmp_path / "student"
    shutil.copytree(t5, base)
    fit(hf_student(base), Lora(), folder, max_steps=1)
    assert len(answers(folder, *PROMPTS)) == 2
    model = model_loading.load_model(str(base), FP32)
    with torch.no_grad():
        model.shared.weight += 1
    model.save_pretrained(base)
    with pytest.raises(DataError, match="other weights"):
        answers(folder, *PROMPTS)
    shutil.rmtree(base)
    with pytest.raises(DataError, match="is not where it was"):
        answers(folder, *PROMPTS)


def test_adapter_answers_in_its_training_precision(t5: Path, tmp_path: Path) -> None:
    """Bases are published in bf16; an fp32 adapter on a base in another precision would answer differently."""
    base, folder = tmp_path / "base", tmp_path / "student"
    shutil.copytree(t5, base)
    model_loading.load_model(str(t5), {"dtype": torch.bfloat16}).save_pretrained(base)
    fit(hf_student(base), Lora(), folder, max_steps=2)
    assert json.loads((folder / "student.json").read_text())["precision"] == "fp32"
    writer: Any = Hf().load(folder)
    assert writer.model.dtype is torch.float32
    assert "dtype=torch.float32" in (folder / "README.md").read_text()


# --- bad files --------------------------------------------------------------------------


def of_type(number: int) -> Callable[[bytes], bytes]:
    def set_tensor_type(data: bytes) -> bytes:
        name = b"blk.0.attn_q.weight"
        at = data.index(name) + len(name) + 4 + 2 * 8  # after its number of dimensions, and those
        return data[:at] + struct.pack("<I", number) + data[at + 4 :]

    return set_tensor_type


DAMAGED = "the GGUF file is damaged, truncated or of an unknown version"
PACKED = "the weights are in a quantization that cannot be unpacked"
BAD: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut": (lambda data: data[:-5000], DAMAGED),
    "cut in the metadata": (lambda data: data[:2000], DAMAGED),
    "cut at the begin": (lambda data: data[:20], DAMAGED),
    "garbage": (lambda data: data[:24] + b"\xff" * 200 + data[224:], DAMAGED),
    "newer": (lambda data: data[:4] + struct.pack("<I", 9) + data[8:], DAMAGED),
    "other": (lambda data: b"PK\x03\x04" + data[4:], "this is not a GGUF file"),
    "nothing": (lambda data: b"", "this is not a GGUF file"),
    "of an unknown type": (of_type(99), PACKED),
    "I8, which gguf does not unpack": (of_type(24), PACKED),
}


@pytest.mark.parametrize(("spoil", "what"), BAD.values(), ids=BAD)
def test_bad_file_is_a_one_line_error(spoil: Callable[[bytes], bytes], what: str, file: Path) -> None:
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(DataError) as caught:
        model_loading.load_model(str(file), FP32)
    assert caught.value.what == what
    assert caught.value.where.startswith(str(file))
    assert caught.value.where.count(str(file)) == 1
    assert "\n" not in caught.value.where
    assert caught.value.exit_code == 4


def test_damaged_metadata_is_an_error_at_any_offset(file: Path) -> None:
    whole = file.read_bytes()
    refused = 0
    for at in range(24, 2000, 100):
        turned = bytes(byte ^ 0xFF for byte in whole[at : at + 100])
        file.write_bytes(whole[:at] + turned + whole[at + 100 :])
        try:
            model_loading.load_model(str(file), FP32)
        except DataError:  # nothing else
            refused += 1
    assert refused > 10


def setting(data: bytes, name: str, value: int) -> bytes:
    at = data.index(name.encode()) + len(name) + 4
    return data[:at] + struct.pack("<I", value) + data[at + 4 :]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("block_count", 2**31 - 1),
        ("attention.head_count", 2**31 - 1),
        ("vocab_size", 2**31 - 1),
        ("embedding_length", 2**31 - 1),
        ("feed_forward_length", 2**32 - 1),
    ],
)
def test_unrealistic_sizes_are_refused(file: Path, name: str, value: int) -> None:
    """Before a layer is built: 2,147,483,647 of them took memory until it ended."""
    file.write_bytes(setting(file.read_bytes(), f"llama.{name}", value))
    with pytest.raises(DataError, match=rf"llama\.{name} is {value:,}, more than the") as caught:
        model_loading.config_of(str(file))
    assert caught.value.where == str(file)


@pytest.mark.parametrize("at", [8, 16])
@pytest.mark.parametrize("count", [2**31 - 1, 2**63, 2**64 - 1])
def test_impossible_counts_are_refused(file: Path, at: int, count: int) -> None:
    data = file.read_bytes()
    file.write_bytes(data[:at] + struct.pack("<Q", count) + data[at + 8 :])
    with pytest.raises(DataError, match="is damaged") as caught:
        model_loading.config_of(str(file))
    assert f"{count:,}" in caught.value.where


@pytest.mark.parametrize("kind", [0, 4, 8, 9, 77])
def test_oversized_array_is_refused(file: Path, kind: int) -> None:
    data = file.read_bytes()
    at = data.index(b"tokenizer.ggml.scores") + len("tokenizer.ggml.scores") + 4
    file.write_bytes(data[:at] + struct.pack("<IQ", kind, 2**60) + data[at + 12 :])
    with pytest.raises(DataError, match="is damaged"):
        model_loading.config_of(str(file))


def test_missing_weights_are_not_initialized_at_random(file: Path) -> None:
    """A model of a billion parameters and a file of 200 kB: transformers would draw the rest at random."""
    file.write_bytes(setting(file.read_bytes(), "llama.feed_forward_length", 2**22))
    with pytest.raises(DataError, match=r"describes 1,610,\d{3},\d{3} parameters, and the weights are"):
        model_loading.load_model(str(file), FP32)


def test_missing_file_architecture_or_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such GGUF file"):
        model_loading.config_of(str(tmp_path / "none.gguf"))
    write_llama(tmp_path / "other.gguf", architecture="nonsense")
    with pytest.raises(DataError, match="cannot read a GGUF file of this architecture") as caught:
        model_loading.config_of(str(tmp_path / "other.gguf"))
    assert "nonsense" in caught.value.where
    write_llama(tmp_path / "part.gguf", leave_out=("blk.1.attn_q.weight", "blk.1.ffn_up.weight"))
    with pytest.raises(DataError, match="a part of the weights is missing") as caught:
        model_loading.load_model(str(tmp_path / "part.gguf"), FP32)
    assert "merged first" in caught.value.hint


def test_rewritten_file_is_read_again(file: Path) -> None:
    assert model_loading.config_of(str(file)).hidden_size == 64
    file.write_bytes(BAD["other"][0](file.read_bytes()))
    with pytest.raises(DataError):
        model_loading.config_of(str(file))


def test_missing_extra_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_files, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="needs the extra 'gguf'") as caught:
        model_loading.config_of(str(file))
    assert caught.value.hint == "pip install 'dstill[gguf]'"


def test_saved_adapters_exclude_the_base(file: Path, tmp_path: Path) -> None:
    fit(hf_student(file), Lora(), tmp_path / "student", max_steps=1)
    names = load_file(tmp_path / "student" / "adapter_model.safetensors")
    assert names
    assert all("lora_" in name for name in names)
    config = json.loads((tmp_path / "student" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(file)
