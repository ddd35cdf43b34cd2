from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from dstill.errors import DataError
from dstill_finetune.tokenizer import learn, lossy_texts, repair

QUERY = '{"query":{"bool":{"filter":[{"term":{"status":503}},{"range":{"day":{"gte":"now-12d"}}}]}}}'
LEARNT = learn([QUERY, 'all of "status" 503 in 12 days', "a rationale, in words."] * 3, 400)


@given(st.text())
@settings(max_examples=100)
def test_learnt_tokenizer_round_trips_every_text(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    assert lossy_texts(LEARNT, [text]) == []


def test_structure_is_one_token_and_separate_from_numbers() -> None:
    big = learn([QUERY] * 50, 420)
    tokens = big.convert_ids_to_tokens(big(QUERY, add_special_tokens=False)["input_ids"])
    assert '{"query":{"bool":{"filter":[{"term":{"status":' in tokens
    assert not any(any(c.isdigit() for c in token) and not token.isdigit() for token in tokens)


def test_numbers_are_split_in_threes_from_the_right() -> None:
    """So that 148 ms in a question and 148 000 000 ns in an answer begin with the same tokens."""
    tokenizer = learn(["148 000 148000000"] * 50, 400)
    tokens = tokenizer.convert_ids_to_tokens(tokenizer("148000000", add_special_tokens=False)["input_ids"])
    assert tokens == ["148", "000", "000"]


def test_value_has_the_same_tokens_in_question_and_answer() -> None:
    tokenizer = learn(['{"city":"Lyon"}', "requests from Lyon", '{"city":"Lyon","x":"Lyon"}'] * 20, 400)
    answer = tokenizer.convert_ids_to_tokens(tokenizer('{"city":"Lyon"}', add_special_tokens=False)["input_ids"])
    assert "Lyon" in answer


def test_training_is_deterministic() -> None:
    one, other = learn([QUERY, "a b"], 350), learn([QUERY, "a b"], 350)
    assert one.backend_tokenizer.to_str() == other.backend_tokenizer.to_str()


def test_special_tokens_in_a_text_round_trip(tmp_path: Path) -> None:
    texts = ["<s>old</s>new", "<</s>>", "<pad>"]
    learn(texts, 350).save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert lossy_texts(tokenizer, texts) == []
    assert (tokenizer.pad_token_id, tokenizer.eos_token_id) == (0, 1)
    assert 1 not in tokenizer(texts[0], add_special_tokens=False)["input_ids"]


def test_sufficient_tokenizer_is_unchanged() -> None:
    before = LEARNT.backend_tokenizer.to_str()
    assert repair(LEARNT, [[QUERY]]) == (LEARNT, ())
    assert LEARNT.backend_tokenizer.to_str() == before


TARGETS = [QUERY, 'a\n  "b\\c" <d>\t{e}  f', "{}", "Größe: „5“"]


def test_unigram_tokenizer_without_braces_is_repaired(unigram: Callable[[], Any], tmp_path: Path) -> None:
    tokenizer = unigram()
    assert lossy_texts(tokenizer, TARGETS) == TARGETS
    size = len(tokenizer)
    repaired, new = repair(tokenizer, [TARGETS])
    assert lossy_texts(repaired, TARGETS) == []
    assert new == tuple(range(size, len(repaired)))
    assert {"{", "}", "\n", "\\", '"'} <= set(repaired.convert_ids_to_tokens(list(new)))
    repaired.save_pretrained(tmp_path)
    assert lossy_texts(AutoTokenizer.from_pretrained(tmp_path), TARGETS) == []


def test_repaired_t5_tokenizer_survives_saving(unigram: Callable[[], Any], tmp_path: Path) -> None:
    """T5's own class puts its pre-tokenizer back when it is loaded; the repaired one must not."""
    import json

    from transformers import T5Config, T5Tokenizer

    vocabulary = json.loads(unigram().backend_tokenizer.to_str())["model"]["vocab"]
    repaired, new = repair(T5Tokenizer(vocab=[tuple(piece) for piece in vocabulary], extra_ids=3), [TARGETS])
    assert new
    repaired.save_pretrained(tmp_path)
    T5Config().save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert lossy_texts(again, TARGETS) == []
    assert (again.pad_token, again.eos_token) == ("<pad>", "</s>")


def test_irreparable_tokenizer_is_refused_with_an_example() -> None:
    """A tokenizer like BERT's: lower case, and a space between any two tokens."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    pieces = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    pieces.normalizer = normalizers.Lowercase()
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pieces.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=200, special_tokens=["[UNK]"], show_progress=False)
    pieces.train_from_iterator([QUERY, "some words in lower case"], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=pieces, unk_token="[UNK]")
    with pytest.raises(DataError) as caught:
        repair(tokenizer, [["some words", "in words"], ["in words", '{"city":"Lyon"}'], ["{}"]], where="my-model")
    assert caught.value.what == "the student's tokenizer cannot write 2 of 3 records"
    assert caught.value.where.startswith("my-model: training record 2, from character 2: ")
    assert '"{\\"city\\":\\"Lyon\\"}" comes back as "{ ' in caught.value.where
    assert "keeps case, spaces and punctuation" in caught.value.hint
    assert caught.value.exit_code == 4


def test_lowercasing_tokenizer_gets_upper_case_letters(unigram: Callable[[], Any]) -> None:
    from tokenizers import normalizers

    tokenizer = unigram()
    tokenizer.backend_tokenizer.normalizer = normalizers.Lowercase()
    repaired, new = repair(tokenizer, [["Red cars"], ["GREEN doors"]])
    assert set("RGEN") <= set(repaired.convert_ids_to_tokens(list(new)))
    assert lossy_texts(repaired, ["Red cars", "GREEN doors"]) == []
