"""Students whose weights are random, and what they write under a grammar at temperature 1.

    write(writer(t5(tokenizer)), Grammar(ebnf=…), 1_000)     -> 1,000 texts

The tokenizer is learnt from questions and golds as `tiny` learns its own: an answer is a sequence of its subwords.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from support.inputs import inputs
from transformers import LlamaConfig, LlamaForCausalLM, T5Config, T5ForConditionalGeneration

from dstill.api.recipe import Recipe
from dstill.api.records import Example, Grammar
from dstill.api.student import Generation
from dstill_finetune.encoding import Encoder
from dstill_finetune.generation import ModelGenerator
from dstill_finetune.setup import set_generation_config
from dstill_finetune.tokenizer import learn
from dstill_querydsl.bundle.indices import HELD_OUT, NAMES, Index, bundled
from dstill_querydsl.language.variants import vary
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.questions.templates import Rules, splits
from dstill_querydsl.settings import Settings

__all__ = ["SYNTHESIZED", "WIDE", "golds", "index_of", "learnt", "llama", "pack", "t5", "write", "writer"]

WIDE = "wide"  # a variant of flights among 900 further fields
SEED = 5
SYNTHESIZED = tuple(name for name in NAMES if name not in HELD_OUT[1:])  # the others have hand-written questions


@cache
def index_of(name: str, documents: int = 300) -> Index:
    return vary(bundled("flights", documents), 1, distractors=900).index if name == WIDE else bundled(name, documents)


def pack(name: str, documents: int = 300) -> tuple[QueryDsl, Example]:
    """The task, and an example that is about that index."""
    index = index_of(name, documents)
    wide = {"mapping": index.mapping, "values": index.values.to_json()} if name == WIDE else {}
    return QueryDsl(Settings(documents=documents)), Example(
        id="1", question="how many?", context={"index": name, **wide}
    )


@cache
def golds(name: str, count: int = 60) -> tuple[Example, ...]:
    """The synthesizer's own golds of one bundled index."""
    index = index_of(name)
    made = splits(index, count, SEED, Rules(), variants=False)
    return tuple(example for split in made.values() for example in split if "mapping" not in example.context)


@cache
def learnt(size: int = 1_500, names: tuple[str, ...] = SYNTHESIZED) -> Any:
    """A byte-level tokenizer of the golds of these bundled indices; those of weblogs need no engine."""
    return learn([t for name in names for e in golds(name) for t in (e.question, e.answer or "")], size)


def t5(tokenizer: Any, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return T5ForConditionalGeneration(
        T5Config(vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=64, num_heads=4, num_layers=1,
                 decoder_start_token_id=0, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id)
    )  # fmt: skip


def llama(tokenizer: Any, seed: int = 0, places: int = 30_000) -> Any:
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=1,
                    num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=places,
                    pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id)
    )  # fmt: skip


def writer(model: Any, tokenizer: Any, temperature: float = 1.0) -> ModelGenerator:
    set_generation_config(model, tokenizer, Recipe())
    encoder = Encoder(
        tokenizer, encoder_decoder=bool(model.config.is_encoder_decoder), max_length=64, max_target_length=128
    )
    return ModelGenerator(model, encoder, temperature=temperature, threads=1)


def write(by: ModelGenerator, grammar: Grammar | None, count: int, seed: int = 1) -> list[Generation]:
    sources = inputs(*(f"predict: question {number}" for number in range(count)))
    torch.manual_seed(seed)
    return list(by.generate_constrained(sources, [grammar] * count))
