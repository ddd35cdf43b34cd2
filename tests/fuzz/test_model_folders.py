"""Students and base models whose JSON files hold other values, as they are loaded to answer."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.foreign import ODD, Project, fewer, places, replace_at, time_limit
from support.inputs import inputs

from dstill.errors import DstillError

TEXTS = ["all red cars", "all blue hats", '{"cars": "red"}']
SIZES = st.sampled_from([-1, 0, 1, 3, 2**17, 2**21, 2**31 - 1, 2**62])


@pytest.fixture(scope="session")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A T5 with random weights, as `train` leaves a student."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    from dstill_finetune.student_metadata import Facts
    from dstill_finetune.tokenizer import learn

    folder = tmp_path_factory.mktemp("student")
    tokenizer = learn(TEXTS, 280)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=16, d_kv=4, d_ff=16, num_heads=2, num_layers=1, decoder_start_token_id=0
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)
    Facts(
        student="hf",
        base="",
        modality="full",
        adapter=False,
        four_bit=False,
        encoder_decoder=True,
        new_tokens=(),
        seed=0,
        max_length=16,
        max_target_length=8,
    ).write(folder)
    return folder


@given(data=st.data())
@settings(max_examples=fewer(6))
def test_survives_other_json_values(
    project: Project, student: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    from dstill_finetune.hf import Hf

    folder = tmp_path_factory.mktemp("changed")
    shutil.copytree(student, folder, dirs_exist_ok=True)
    file = data.draw(st.sampled_from(sorted(folder.glob("*.json"))))
    value: Any = json.loads(file.read_text())
    path = data.draw(st.sampled_from([path for path in places(value) if "vocab" not in path]))
    value = replace_at(value, path, data.draw(ODD | SIZES), remove=data.draw(st.booleans()))
    file.write_text(json.dumps(value))
    with time_limit(f"{file.name} {path}"), contextlib.suppress(DstillError):
        list(Hf().load(folder).generate(inputs(*TEXTS)))
    shutil.rmtree(folder)
