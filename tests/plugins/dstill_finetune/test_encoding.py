from __future__ import annotations

import logging

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dstill.api.records import Pair
from dstill.errors import DataError
from dstill_finetune.collate import Collator
from dstill_finetune.encoding import Encoder
from dstill_finetune.tokenizer import learn
from dstill_torch.batches import IGNORED_LABEL, BucketSampler
from dstill_torch.dataset import Row

TOKENIZER = learn(["abc", "predict: "] * 3, 300)


def encoder(encoder_decoder: bool = True, limit: int = 32) -> Encoder:
    return Encoder(TOKENIZER, encoder_decoder=encoder_decoder, max_length=limit, max_target_length=limit)


def pair(source: str, target: str = "abc") -> tuple[Pair]:
    return (Pair(task_prefix="predict: ", source=source, target=target),)


def test_encoder_decoder_source_and_target_end_with_eos() -> None:
    (row,) = encoder().encode([pair("abc")])[0]
    assert TOKENIZER.decode(row.source) == "predict: abc</s>"
    assert TOKENIZER.decode(row.target) == "abc</s>"


def test_decoder_prompt_ends_with_a_line_break_without_eos() -> None:
    (row,) = encoder(False).encode([pair("abc")])[0]
    assert TOKENIZER.decode(row.source) == "predict: abc\n"
    assert TOKENIZER.decode(row.target) == "abc</s>"


def test_too_long_records_are_dropped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        data = encoder().encode([pair("abc")] * 39 + [pair("z" * 99)])
    assert (len(data), data.n_too_long) == (39, 1)
    assert caplog.messages == ["1 of 40 training records (2.5%) exceed the length limits and are not used"]


def test_more_than_five_percent_too_long_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        encoder().encode([pair("abc")] * 17 + [pair("z" * 99)] * 2 + [pair("abc", "z" * 99)])
    assert caught.value.what.startswith("3 of 20 records (15%) exceed the length limits: 2 sources")
    assert "1 targets over max_target_length 32" in caught.value.what
    assert caught.value.exit_code == 4


def test_position_limit_of_the_model_applies() -> None:
    """A decoder-only model places source, task word and target together; an encoder–decoder each on its side."""
    for kind, positions, kept in (
        (False, (24, 24), [True, False, False]),
        (True, (28, 6), [True, True, False]),
        (True, (20, 40), [True, False, True]),
    ):
        found = Encoder(TOKENIZER, encoder_decoder=kind, max_length=64, max_target_length=64, positions=positions)
        rows = [pair("abc"), pair("q" * 22), pair("abc", "q" * 22)]
        sizes = [len(found.encode([row], strict=False)) for row in rows]
        assert [bool(size) for size in sizes] == kept, (kind, positions)


def test_too_long_validation_rows_are_dropped_without_error() -> None:
    assert len(encoder().encode([pair("z" * 99)] * 3, strict=False)) == 0


def test_padding_goes_to_the_longest_row_and_is_masked() -> None:
    rows = [(Row([5, 6, 7], [8, 1], 0.5, "a"), Row([5], [8, 9, 1], 0.5, "b")), (Row([4], [1], 1.0, "a"),)]
    batch = Collator(encoder_decoder=True, pad=0, start=3, branches="ab")(rows)
    assert batch["input_ids"].tolist() == [[5, 6, 7], [5, 0, 0], [4, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0], [1, 0, 0]]
    assert batch["decoder_input_ids"].tolist() == [[3, 8, 0], [3, 8, 9], [3, 0, 0]]
    assert batch["labels"].tolist() == [[8, 1, IGNORED_LABEL], [8, 9, 1], [1, IGNORED_LABEL, IGNORED_LABEL]]
    assert batch["branch"][:, 0].tolist() == [0, 1, 0]


def test_decoder_loss_covers_only_the_shifted_target() -> None:
    batch = Collator(encoder_decoder=False, pad=0, branches="a")(
        [(Row([5, 6], [8, 1], 1.0, "a"),), (Row([5], [1], 1.0, "a"),)]
    )
    assert batch["input_ids"].tolist() == [[5, 6, 8], [5, 0, 0]]
    assert batch["labels"].tolist() == [[IGNORED_LABEL, 8, 1], [1, IGNORED_LABEL, IGNORED_LABEL]]


@given(st.lists(st.integers(1, 50), max_size=300), st.integers(1, 7), st.integers(0, 9))
@settings(max_examples=40)
def test_order_is_a_permutation_fixed_by_seed_and_epoch(lengths: list[int], batch: int, seed: int) -> None:
    one, other = BucketSampler(lengths, batch, seed), BucketSampler(lengths, batch, seed)
    one.set_epoch(3)
    other.set_epoch(3)
    order = list(one)
    assert order == list(other)
    assert sorted(order) == list(range(len(lengths)))


def test_batches_group_records_of_similar_length() -> None:
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(1, 100, (640,), generator=generator).tolist()
    order = list(BucketSampler(lengths, 8, 0))
    batches = [[lengths[i] for i in order[at : at + 8]] for at in range(0, 640, 8)]
    padded = sum(8 * max(batch) for batch in batches) / sum(lengths)
    assert padded < 1.08
    firsts = [batch[0] for batch in batches]
    assert firsts != sorted(firsts)  # short ones do not all come first
