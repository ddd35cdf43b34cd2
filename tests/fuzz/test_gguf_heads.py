"""GGUF files that are damaged, or say that they are larger than any model."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.foreign import Project, fewer, time_limit
from support.gguf_files import write_llama

from dstill.errors import DstillError

SIZES = st.sampled_from([0, 1, 3, 63, 1001, 2**14, 2**17, 2**21, 2**24, 2**31 - 1, 2**32 - 1])
COUNTS = st.sampled_from([0, 1, 2**20, 2**31 - 1, 2**40, 2**63, 2**64 - 1])
SETTINGS = (
    *("context_length", "embedding_length", "feed_forward_length", "block_count", "vocab_size"),
    *("attention.head_count", "attention.head_count_kv", "attention.layer_norm_rms_epsilon", "rope.dimension_count"),
)


@pytest.fixture(scope="session")
def gguf_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("gguf") / "whole.gguf"
    write_llama(file)
    return file.read_bytes()


def check(project: Project, content: bytes) -> None:
    """The head is read and the model counted, as `plan` does it; then weights and tokenizer, as training does."""
    import torch
    import transformers

    from dstill_finetune import gguf_files

    with project.copy() as made:
        file = made / "file.gguf"
        file.write_bytes(content)
        project.check_commands(made, ("experiment", "plan", "--student", f"hf:{file}"))
        with time_limit("load"), contextlib.suppress(DstillError):
            gguf_files.load_tokenizer(file)("all red cars")
            gguf_files.load_model(file, transformers.AutoModelForCausalLM, {"dtype": torch.float32})


@pytest.mark.slow
@given(name=st.sampled_from(SETTINGS), size=SIZES)
@settings(max_examples=fewer(8))
def test_survives_settings_of_any_size(project: Project, gguf_bytes: bytes, name: str, size: int) -> None:
    at = gguf_bytes.index(f"llama.{name}".encode()) + len(f"llama.{name}") + 4
    check(project, gguf_bytes[:at] + struct.pack("<I", size) + gguf_bytes[at + 4 :])


@given(data=st.data())
@settings(max_examples=fewer(5))
def test_survives_damaged_header(project: Project, gguf_bytes: bytes, data: st.DataObject) -> None:
    content = bytearray(gguf_bytes)
    end = gguf_bytes.index(b"blk.1.ffn_down.weight") + 60  # of the head; weights may be any
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, 64) | st.integers(0, end))
        new = data.draw(st.binary(min_size=1, max_size=8) | COUNTS.map(lambda count: struct.pack("<Q", count)))
        content[at : at + data.draw(st.sampled_from([len(new), len(new), 0]))] = new
    check(project, bytes(content))
