"""Shared computation: one prompt per record, one encoder pass, and the head only for learnt tokens."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

from dstill_finetune.collate import Collator
from dstill_finetune.loss import TransformersLosses
from dstill_finetune.sharing import PADDING, Sharing, layout, sharing
from dstill_torch.batches import IGNORED_LABEL
from dstill_torch.dataset import Row

PROMPT = [5, 6, 7]
RECORD = (Row(PROMPT, [8, 1], 0.5, "a", [3]), Row(PROMPT, [9, 9, 1], 0.5, "b", [4, 2]))
ONE_BRANCH = (Row([5], [8, 1], 1.0, "a", [3]),)
FULL_ATTENTION = Sharing({"full_attention": None}, additive=False)


def decoder(kind: str, **config: Any) -> Any:
    from transformers import AutoConfig

    torch.manual_seed(0)
    small = {"vocab_size": 32, "num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 4}
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **{**small, **config}))


def test_positions_of_each_branch_continue_after_the_prompt() -> None:
    assert layout(3, [2, 1]) == ([0, 1, 2, 3, 4, 3], [0, 0, 0, 1, 1, 2])


def test_branch_attends_to_the_prompt_and_itself() -> None:
    positions, segments = torch.tensor([[0, 1, 2, 3, 2, 3, 0]]), torch.tensor([[0, 0, 1, 1, 2, 2, PADDING]])
    sees = FULL_ATTENTION.mask(positions, segments)[0, 0].int().tolist()
    assert sees == [
        [1, 0, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0],
        [1, 1, 0, 0, 1, 0, 0],  # the other branch: not the first one
        [1, 1, 0, 0, 1, 1, 0],
        [1, 1, 0, 0, 0, 0, 1],  # padding: nothing sees it but itself
    ]


def test_sliding_window_uses_branch_positions() -> None:
    positions, segments = (torch.tensor([row]) for row in layout(2, [2, 2]))
    sees = Sharing({"sliding_attention": 2}, additive=False).mask(positions, segments)[0, 0].int().tolist()
    assert sees[4] == [0, 1, 0, 0, 1, 0]  # the prompt's last token, although two others lie between
    assert sees[5] == [0, 0, 0, 0, 1, 1]


def test_prompt_and_branches_share_a_row_with_task_words_masked() -> None:
    batch = Collator(encoder_decoder=False, pad=0, branches="ab", sharing=FULL_ATTENTION)([RECORD, ONE_BRANCH])
    assert batch["input_ids"].tolist() == [[5, 6, 7, 3, 8, 4, 2, 9, 9], [5, 3, 8, 0, 0, 0, 0, 0, 0]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 4, 3, 4, 5, 6], [0, 1, 2, 0, 0, 0, 0, 0, 0]]
    no = IGNORED_LABEL
    assert batch["labels"].tolist() == [[no, no, no, 8, 1, no, 9, 9, 1], [no, 8, 1, no, no, no, no, no, no]]
    assert batch["branch"][0].tolist()[3:] == [0, 0, 1, 1, 1, 1]


def test_source_is_encoded_once_and_the_head_sees_only_learnt_tokens() -> None:
    from transformers import T5Config

    config = T5Config(vocab_size=32, d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=4, decoder_start_token_id=0)
    model = AutoModelForSeq2SeqLM.from_config(config)
    losses = TransformersLosses(model)
    rows: dict[str, Any] = {}
    model.encoder.block[0].register_forward_hook(lambda m, i, o: rows.update(encoder=i[0].shape[0]))
    model.lm_head.register_forward_hook(lambda m, i, o: rows.update(head=i[0].shape[:-1].numel()))
    batch = Collator(encoder_decoder=True, pad=0, branches="ab")([RECORD, ONE_BRANCH])
    for name in ("weight", "branch"):
        del batch[name]
    found, _ = losses(model, batch)
    assert rows == {"encoder": 2, "head": 7}
    assert found.shape == (7,)


@pytest.mark.parametrize(
    ("kind", "kernel"),
    [("llama", "sdpa"), ("llama", "eager"), ("gpt2", "sdpa"), ("mistral", "sdpa"), ("gemma2", "eager")],
)
def test_common_architectures_share_a_prompt(kind: str, kernel: str) -> None:
    found = sharing(decoder(kind, attn_implementation=kernel, num_key_value_heads=2, head_dim=8))
    assert found is not None
    assert found.additive == (kernel == "eager")


def test_decoder_with_learnt_positions_does_not_share() -> None:
    from transformers import BartConfig

    torch.manual_seed(0)
    small = BartConfig(
        vocab_size=32,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
    )
    assert sharing(AutoModelForSeq2SeqLM.from_config(small)) is None


def test_encoder_decoder_branches_share_a_row() -> None:
    batch = Collator(encoder_decoder=True, pad=0, branches="ab", sharing=FULL_ATTENTION)([RECORD, ONE_BRANCH])
    assert batch["input_ids"].tolist() == [[5, 6, 7], [5, 0, 0]]
    assert batch["decoder_input_ids"].tolist() == [[0, 3, 8, 0, 4, 2, 9, 9], [0, 3, 8, 0, 0, 0, 0, 0]]
    no = IGNORED_LABEL
    assert batch["labels"].tolist() == [[no, 8, 1, no, no, 9, 9, 1], [no, 8, 1, no, no, no, no, no]]
    assert batch["decoder_attention_mask"].shape == (2, 1, 8, 8)


@pytest.mark.parametrize("kind", ["bloom", "mamba", "falcon_h1"])
def test_model_with_own_positions_or_state_does_not_share(kind: str) -> None:
    assert sharing(decoder(kind)) is None
