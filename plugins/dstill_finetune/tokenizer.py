"""Tokenizers: `learn` trains one on the dataset for `tiny`, `repair` makes sure that any other can write the targets.

`learn` trains a byte-level BPE. Its tokens are long where a language repeats itself
(``{"query":{"bool":{"filter":[{"term":{"`` becomes one) and short where values are copied: numbers are split into
groups of three digits, and a value is never merged with its surroundings.

`repair` checks that the targets survive encoding and decoding. T5's tokenizer has no ``{``, ``}``, ``<`` or line break
and would silently corrupt every JSON answer. Characters that get lost become new tokens.

    repair(tokenizer, [['{"match_all":{}}']]) → the tokenizer and the new tokens' ids
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from dstill.errors import DataError
from dstill_torch.damage import damaged

__all__ = ["learn", "lossy_texts", "repair"]

PAD, EOS = "<pad>", "</s>"
# Merges do not cross the borders of these pieces, which are split off in this order:
_PIECES = (
    r'(?<=")[^"\\]*(?="\s*[,}\]])',  # a JSON string that is a value, not a key
    r"\d{1,3}(?=(?:\d{3})*(?!\d))",  # digits in threes from the right: 148 ms and 148 000 000 ns start alike
    r"\s?[^\s]+(?:\s$)?",  # a word with the space before it, and with the one before a number
)


def learn(texts: Sequence[str], vocabulary: int) -> Any:
    """A tokenizer of at most `vocabulary` tokens; deterministic for the same texts in the same order."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    pad, eos = _unused(PAD, texts), _unused(EOS, texts)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            *(pre_tokenizers.Split(Regex(piece), "isolated") for piece in _PIECES),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[pad, eos],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),  # so that every text can be written
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {eos}", special_tokens=[(eos, tokenizer.token_to_id(eos))]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=pad, eos_token=eos)


def _unused(token: str, texts: Sequence[str]) -> str:
    """`token`, in more brackets if a text contains it: a target like "<s>old</s>" could not be written otherwise."""
    while any(token in text for text in texts):
        token = f"<{token}>"
    return token


@damaged("the tokenizer of the student is damaged", where="tokenizer.json")
def lossy_texts(tokenizer: Any, texts: Sequence[str]) -> list[str]:
    """The `texts` that ``decode(encode(text))`` changes."""
    if not texts:
        return []
    rows = tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False)["input_ids"]
    decoded = tokenizer.batch_decode(rows, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return [text for text, again in zip(texts, decoded, strict=True) if text != again]


def repair(
    tokenizer: Any, records: Sequence[Sequence[str]], *, where: str = "the tokenizer"
) -> tuple[Any, tuple[int, ...]]:
    """A tokenizer that can write every text, and the ids of the tokens that were added for that.

    Args:
        tokenizer: Changed only if it cannot write all texts.
        records: The texts of each record.
        where: For the error message.

    Raises:
        DataError: Some text is still changed by encoding and decoding.
    """
    texts = [text for record in records for text in record]
    size = len(tokenizer)
    missing = lossy_texts(tokenizer, texts)
    if not missing:
        return tokenizer, ()
    _add(tokenizer, missing)
    missing = lossy_texts(tokenizer, missing)
    if missing:
        # it adds a space after each new token, or collapses spaces: keep spaces unchanged
        tokenizer = _exact_spaces(tokenizer)
        _add(tokenizer, missing)
        missing = lossy_texts(tokenizer, texts)
    if missing:
        raise _unwritable(tokenizer, records, set(missing), where)
    return tokenizer, tuple(range(size, len(tokenizer)))


def _unwritable(tokenizer: Any, records: Sequence[Sequence[str]], missing: set[str], where: str) -> DataError:
    rows = [number for number, record in enumerate(records, 1) if missing.intersection(record)]
    text = next(text for text in records[rows[0] - 1] if text in missing)
    back = tokenizer.decode(
        tokenizer(text, add_special_tokens=False)["input_ids"],
        skip_special_tokens=True,
        clean_up_tokenization_spaces=False,
    )
    at = next((i for i, pair in enumerate(zip(text, back, strict=False)) if pair[0] != pair[1]), len(back))
    at = min(at, len(text))
    start = max(0, at - 20)
    return DataError(
        f"the student's tokenizer cannot write {len(rows)} of {len(records)} records",
        where=f"{where}: training record {rows[0]}, from character {at + 1}: "
        f"{_short(text[start:])} comes back as {_short(back[start:])}",
        hint="choose a student whose tokenizer keeps case, spaces and punctuation "
        "(T5, BART, Llama, Qwen, Gemma …), or tiny",
    )


def _add(tokenizer: Any, texts: Sequence[str]) -> None:
    """Add a token for every character that gets lost and every run of spaces that is collapsed."""
    from tokenizers import AddedToken

    characters = sorted(set("".join(texts)) - {" "})
    runs = sorted({run for text in texts for run in re.findall(" {2,}", text)}) if _collapses(tokenizer) else []
    tokenizer.add_tokens(
        [AddedToken(c, normalized=False, special=False) for c in [*lossy_texts(tokenizer, characters), *runs]]
    )


def _collapses(tokenizer: Any) -> bool:
    """Whether the tokenizer turns two spaces into one."""
    return bool(lossy_texts(tokenizer, ["a  b"])) and not lossy_texts(tokenizer, ["a b"])


def _exact_spaces(tokenizer: Any) -> Any:
    """The same vocabulary under a pre-tokenizer that neither adds nor drops a space."""
    from tokenizers import decoders, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    backend = tokenizer.backend_tokenizer
    if "Metaspace" not in str(backend.pre_tokenizer):
        return tokenizer
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    backend.decoder = decoders.Metaspace(prepend_scheme="first")
    # T5Tokenizer and others would restore their own pre-tokenizer on loading
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, chat_template=tokenizer.chat_template, **tokenizer.special_tokens_map
    )


def _short(text: str) -> str:
    return json.dumps(text if len(text) <= 60 else text[:57] + "…", ensure_ascii=False)
