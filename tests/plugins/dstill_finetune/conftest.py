"""Small base models built here: a T5 and a Llama with some ten thousand weights and their tokenizers."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dstill.api.modality import Modality
from dstill.api.recipe import Device, Recipe
from dstill.api.records import Pair
from dstill.api.student import Student, TrainingJob, TrainResult

CPU = Device(name="test CPU", kind="cpu", total=2**34, free=2**34)
COLOURS = ("red", "green", "blue", "black", "white", "grey", "pink", "brown")
THINGS = ("cars", "hats", "doors", "birds", "ships", "cups")
RECIPE = Recipe(
    learning_rate=3e-3,
    per_device_train_batch_size=8,
    max_steps=6,
    max_length=48,
    max_target_length=48,
    r=4,
    lora_alpha=16,
    lora_dropout=0.0,
    target_modules="all-linear",
    warmup_ratio=0.0,
    threads=1,
)


def question(colour: str, thing: str) -> str:
    return f"all {colour} {thing}"


def answer(colour: str, thing: str) -> str:
    return f'{{"{thing}":{{"colour":"{colour}"}}}}'


def records(count: int = 48) -> list[tuple[Pair, Pair]]:
    """Label and rationale of `count` questions, as the objective dss gives them."""
    rows = []
    for number in range(count):
        colour, thing = COLOURS[number % len(COLOURS)], THINGS[number // len(COLOURS) % len(THINGS)]
        source = question(colour, thing)
        rows.append(
            (
                Pair(task_prefix="predict: ", source=source, target=answer(colour, thing), weight=0.5),
                Pair(task_prefix="explain: ", source=source, target=f"{colour} is a colour.", weight=0.5),
            )
        )
    return rows


def texts() -> list[str]:
    return [text for record in records() for pair in record for text in (pair.task_prefix + pair.source, pair.target)]


def fit(
    student: Student,
    modality: Modality,
    folder: Path,
    rows: Sequence[Sequence[Pair]] | None = None,
    *,
    seed: int = 0,
    device: Device = CPU,
    validation: Sequence[Sequence[Pair]] = (),
    job: Mapping[str, Any] | None = None,
    **changes: Any,
) -> TrainResult:
    """Train on small records. `job`: more of the TrainingJob; `changes`: of the recipe."""
    return student.fit(
        TrainingJob(
            train=[tuple(row) for row in (records() if rows is None else rows)],
            validation=[tuple(row) for row in validation],
            modality=modality,
            recipe=replace(RECIPE, **changes),
            device=device,
            folder=folder,
            seed=seed,
            **(job or {}),
        )
    )


@pytest.fixture
def cpu() -> Device:
    return CPU


@pytest.fixture(name="records", scope="session")
def _records() -> Callable[..., list[tuple[Pair, Pair]]]:
    return records


@pytest.fixture(name="fit", scope="session")
def _fit() -> Callable[..., TrainResult]:
    return fit


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    """Import what nearly every test needs, and freeze it for the garbage collector (see the root conftest)."""
    import peft  # noqa: F401
    from transformers import Trainer  # noqa: F401

    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Two threads on a busy machine wait for each other for longer than they work."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def t5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained T5, and a byte-level tokenizer."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    from dstill_finetune.tokenizer import learn

    folder = tmp_path_factory.mktemp("t5")
    tokenizer = learn(texts(), 320)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=64,
        d_kv=16,
        d_ff=128,
        num_heads=4,
        num_layers=1,
        dropout_rate=0.0,
        decoder_start_token_id=0,
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained Llama, and a byte-level tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from dstill_finetune.tokenizer import learn

    folder = tmp_path_factory.mktemp("llama")
    tokenizer = learn(texts(), 320)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=1,
        num_attention_heads=4,
        tie_word_embeddings=False,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def unigram() -> Callable[[], Any]:
    """Makes a T5-like Unigram tokenizer that has never seen a brace, a quote or a line break."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    def make() -> Any:
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
        )
        tokenizer.decoder = decoders.Metaspace()
        special = ["<pad>", "</s>", "<unk>"]
        trainer = trainers.UnigramTrainer(vocab_size=80, special_tokens=special, unk_token="<unk>", show_progress=False)
        plain = [pair.task_prefix + pair.source for record in records() for pair in record]
        tokenizer.train_from_iterator([*plain, *(pair.target for _, pair in records())], trainer)
        tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
        return PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
        )

    return make
