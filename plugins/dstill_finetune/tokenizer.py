"""Tokenizers: one learnt from the dataset for `tiny`, and the round-trip check for every other.

`learn` makes a byte-level BPE whose tokens are long where a language repeats itself
(``{"query":{"bool":{"filter":[{"term":{"`` becomes one) and short where values are copied:
numbers are cut in threes, and a value is never merged with what is around it.

`repair` makes sure that a given tokenizer can write the targets at all: T5's has no
``{``, ``}``, ``<`` or line break and would corrupt every JSON answer in silence.
Characters that get lost become tokens of their own.

    repair(tokenizer, [['{"match_all":{}}']]) → the tokenizer and the new tokens' ids
"""

from __future__ import annotations

import json
import re
from typing import Any, Sequence

from dstill.errors import DataError
from dstill_finetune.damage import damaged

__all__ = ["learn", "lost", "repair"]

PAD, EOS = "<pad>", "</s>"
# Where merges stop, one after the other:
_PIECES = (
    r'(?<=")[^"\\]*(?="\s*[,}\]])',  # a JSON string that is a value, not a key
    r"\d{1,3}(?=(?:\d{3})*(?!\d))",  # digits in threes from the right: 148 ms and 148 000 000 ns begin alike
    r"\s?[^\s]+(?:\s$)?",  # a word with the space before it, and with the one before a number
)


def learn(texts: Sequence[str], vocabulary: int) -> Any:
    """A tokenizer of at most `vocabulary` tokens, the same one for the same texts in the same order."""
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
    """`token`, or what is like it where a text holds it: a target such as "<s>old</s>" could not be written."""
    while any(token in text for text in texts):
        token = f"<{token}>"
    return token


@damaged("the tokenizer of the student is damaged", where="tokenizer.json")
def lost(tokenizer: Any, texts: Sequence[str]) -> list[str]:
    """Those of `texts` that do not come back from ``decode(encode(text))``."""
    if not texts:
        return []
    rows = tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False)["input_ids"]
    back = tokenizer.batch_decode(rows, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return [text for text, again in zip(texts, back, strict=True) if text != again]


def repair(
    tokenizer: Any, records: Sequence[Sequence[str]], *, where: str = "the tokenizer"
) -> tuple[Any, tuple[int, ...]]:
    """A tokenizer that gives every text back, and the ids of the tokens that it needed for that.

    `records`: the texts of each row. Nothing is changed when `tokenizer` can write all of them
    already. Raises DataError with the first loss where it cannot be made to.
    """
    texts = [text for record in records for text in record]
    size = len(tokenizer)
    missing = lost(tokenizer, texts)
    if not missing:
        return tokenizer, ()
    _add(tokenizer, missing)
    missing = lost(tokenizer, missing)
    if missing:
        # it puts a space after each new token, or makes one of several: keep spaces as they are
        tokenizer = _exact_spaces(tokenizer)
        _add(tokenizer, missing)
        missing = lost(tokenizer, texts)
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
    began = max(0, at - 20)
    return DataError(
        f"the student's tokenizer cannot write {len(rows)} of {len(records)} rows",
        where=f"{where}: training row {rows[0]}, from character {at + 1}: "
        f"{_short(text[began:])} comes back as {_short(back[began:])}",
        hint="choose a student whose tokenizer keeps case, spaces and signs (T5, BART, Llama, Qwen, Gemma …), or tiny",
    )


def _add(tokenizer: Any, texts: Sequence[str]) -> None:
    """Every character that gets lost, and every run of spaces, becomes a token."""
    from tokenizers import AddedToken

    characters = sorted(set("".join(texts)) - {" "})
    runs = sorted({run for text in texts for run in re.findall(" {2,}", text)}) if _collapses(tokenizer) else []
    tokenizer.add_tokens(
        [AddedToken(c, normalized=False, special=False) for c in [*lost(tokenizer, characters), *runs]]
    )


def _collapses(tokenizer: Any) -> bool:
    """Whether it makes one space of two."""
    return bool(lost(tokenizer, ["a  b"])) and not lost(tokenizer, ["a b"])


def _exact_spaces(tokenizer: Any) -> Any:
    """The same vocabulary under a pre-tokenizer that neither adds nor drops a space."""
    from tokenizers import decoders, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    backend = tokenizer.backend_tokenizer
    if "Metaspace" not in str(backend.pre_tokenizer):
        return tokenizer
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    backend.decoder = decoders.Metaspace(prepend_scheme="first")
    # a class of its own, as T5Tokenizer, would put its pre-tokenizer back when it is loaded
    return PreTrainedTokenizerFast(tokenizer_object=backend, **tokenizer.special_tokens_map)


def _short(text: str) -> str:
    return json.dumps(text if len(text) <= 60 else text[:57] + "…", ensure_ascii=False)
