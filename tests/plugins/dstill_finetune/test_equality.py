"""dstill's step gives the loss and the gradients of the published two-pass formula.

    α · CE(answer | "predict: " + question)  +  (1 − α) · CE(rationale | "explain: " + question)

The formula is written down here with transformers alone: each branch a pass of its own over one padded
batch, the loss is what the model computes from ``labels``, a mean over the branch's tokens. Against it
stands one optimizer step of `dstill_torch.training`, whose gradients are read as they are accumulated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
import torch
from support.bare_training import bare_training
from support.finetuned import CPU
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    Gemma3TextConfig,
    LlamaConfig,
    Qwen3Config,
    T5Config,
)

from dstill import Check, Task
from dstill.answering.steps import pairs
from dstill.api.modality import Modality
from dstill.api.objective import Objective
from dstill.api.recipe import Recipe
from dstill.api.records import Example, Record
from dstill_finetune.collate import Collator
from dstill_finetune.encoding import Encoder
from dstill_finetune.sharing import Sharing, sharing
from dstill_finetune.tokenizer import learn
from dstill_torch.modalities import Full, Lora
from dstill_torch.objectives import DistillStepByStep, LabelOnly, RationaleFirst
from dstill_torch.settings import quiet

ALPHA = 0.8  # far from 0.5, so that swapped branches are detected
WORDS = ["how", "many", "requests", "failed", "with", "an", "error", "on", "monday", "between", "nine", "and", "ten"]
RECORDS = [
    Record(
        id=str(number),
        question=" ".join(WORDS[: 3 + number]),
        answer="a" * (3 + 5 * (number % 3)),
        rationale="" if number == 5 else "because " * (1 + (7 * number) % 5),
    )
    for number in range(8)
]
WHOLE = {"per_device_train_batch_size": 8}  # all rows in one padded batch
BUCKETS = {"per_device_train_batch_size": 3, "gradient_accumulation_steps": 3}  # bucketed, and one batch is short
FAMILIES = ("t5", "llama", "gemma", "qwen")
FORMS = ("encoder", "decoder")
MODALITIES = (Full(), Lora())


class Sums(Task):
    name = "sums"
    checks: Any = (Check("any", lambda example, answer: ()),)

    def examples(self, split: str) -> Iterable[Example]:
        return ()


@cache
def tokenizer() -> Any:
    return learn([text for r in RECORDS for text in (r.question, r.answer, r.rationale)], 300)


def small_model(family: str, modality: Modality) -> Any:
    """A model of two layers; its weights, adapters among them, are random and always the same."""
    quiet()
    size = {"vocab_size": len(tokenizer()), "pad_token_id": 0, "eos_token_id": 1}
    decoder = {
        **size,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "bos_token_id": None,
        "initializer_range": 0.3,  # so that attention is not uniform
    }
    torch.manual_seed(0)
    if family == "t5":
        shape = T5Config(
            **size, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, dropout_rate=0.0, decoder_start_token_id=0
        )
        model = AutoModelForSeq2SeqLM.from_config(shape)
    else:
        kinds = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 8}
        config: Any = {"llama": LlamaConfig, "gemma": Gemma3TextConfig, "qwen": Qwen3Config}[family]
        model = AutoModelForCausalLM.from_config(config(**decoder, **(kinds if family == "gemma" else {})))
    recipe = Recipe(r=4, lora_alpha=16, lora_dropout=0.0, target_modules="all-linear")
    model = modality.prepare(model, recipe)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:  # they begin as zeros, and the gradients of lora_A with them
                weight.normal_(std=0.1)
    return model


# --- the formula ------------------------------------------------------------------------


@dataclass
class Result:
    loss: float
    gradients: dict[str, torch.Tensor]


def ids(text: str, end: bool = False) -> list[int]:
    found: list[int] = tokenizer()(text, add_special_tokens=False)["input_ids"]
    return [*found, 1] if end else found


def padded(rows: Sequence[list[int]], value: int) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [value] * (longest - len(row)) for row in rows])


def read(rows: Sequence[list[int]]) -> dict[str, torch.Tensor]:
    return {"input_ids": padded(rows, 0), "attention_mask": padded([[1] * len(row) for row in rows], 0)}


def branch_loss(model: Any, form: str, word: str, questions: Sequence[str], targets: Sequence[str]) -> torch.Tensor:
    """CE(target | word + question), a mean over all tokens of the targets."""
    before = word if form == "encoder" else ""
    written = [ids(target, end=True) for target in targets]
    task: list[int] = []
    if model.config.is_encoder_decoder:
        if form == "decoder":
            task = ids(word.strip())
        batch = read([ids(before + question, end=True) for question in questions])
        begun = padded([[0, *task, *target[:-1]] for target in written], 0)
        labels = padded([[-100] * len(task) + target for target in written], -100)
        out: torch.Tensor = model(**batch, decoder_input_ids=begun, labels=labels).loss
        return out
    if form == "decoder":
        task = ids(f"{word.strip()}\n")
    prompts = [ids(f"{before}{question}\n") + task for question in questions]
    labels = padded([[-100] * len(p) + target for p, target in zip(prompts, written, strict=True)], -100)
    rows = [p + target for p, target in zip(prompts, written, strict=True)]
    loss: torch.Tensor = model(**read(rows), labels=labels).loss
    return loss


def formula(model: Any, form: str, objective: str) -> Result:
    questions = [record.question for record in RECORDS]
    answers = [record.answer for record in RECORDS]
    if objective == "dss":
        explained = [(r.question, r.rationale) for r in RECORDS if r.rationale]
        loss = ALPHA * branch_loss(model, form, "predict: ", questions, answers)
        loss = loss + (1 - ALPHA) * branch_loss(model, form, "explain: ", *zip(*explained, strict=True))
    elif objective == "label-only":
        loss = branch_loss(model, form, "predict: ", questions, answers)
    else:  # the record without a rationale is left out
        explained = [(r.question, Sums().reply_text(r.rationale, r.answer)) for r in RECORDS if r.rationale]
        loss = branch_loss(model, form, "reason: ", *zip(*explained, strict=True))
    loss.backward()
    return Result(loss.item(), {n: p.grad for n, p in model.named_parameters() if p.grad is not None})


# --- dstill -----------------------------------------------------------------------------


def step(
    model: Any,
    form: Any,
    objective: Objective,
    *,
    shares: Callable[[Any], Sharing | None] = sharing,
    **batches: int,
) -> Result:
    objective.label_weight = ALPHA
    encoder_decoder = model.config.is_encoder_decoder
    encoder = Encoder(
        tokenizer(), encoder_decoder=encoder_decoder, max_length=200, max_target_length=200, task_prefix=form
    )
    data = encoder.encode(pairs(objective, Sums(), RECORDS))
    shared = None
    if form == "decoder":
        shared = shares(model)
    gradients: dict[str, torch.Tensor] = {}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            weight.register_post_accumulate_grad_hook(lambda w, name=name: gradients.update({name: w.grad.clone()}))
    losses: list[float] = []
    bare_training(
        model,
        Collator(encoder_decoder=encoder_decoder, pad=0, branches=data.branches, sharing=shared),
        data,
        encoder.encode([]),
        Recipe(max_steps=1, warmup_ratio=0.0, precision="fp32", task_prefix=form, **batches),  # type: ignore[arg-type]
        CPU,
        on_step=lambda step, of, values: losses.append(values["loss"]),
    )
    return Result(losses[0], gradients)


def assert_same(got: Result, want: Result) -> None:
    assert got.loss == pytest.approx(want.loss, rel=1e-4)
    assert got.gradients.keys() == want.gradients.keys()
    for name, gradient in want.gradients.items():
        off = (got.gradients[name] - gradient).norm() / gradient.norm().clamp(min=1e-8)
        assert off < 1e-4, f"{name}: {off:.2e}"


@pytest.mark.parametrize("batches", [WHOLE, BUCKETS], ids=["padded", "bucketed"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("modality", MODALITIES, ids=lambda m: m.name)
@pytest.mark.parametrize("family", FAMILIES)
def test_distilling_step_by_step_matches_the_published_formula(
    family: str, modality: Modality, form: str, batches: dict[str, int]
) -> None:
    want = formula(small_model(family, modality), form, "dss")
    assert_same(step(small_model(family, modality), form, DistillStepByStep(), **batches), want)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("objective", [DistillStepByStep(), LabelOnly(), RationaleFirst()], ids=lambda o: o.name)
@pytest.mark.parametrize("family", ["t5", "llama"])
def test_one_batch_of_all_equals_batches_of_one(family: str, objective: Objective, form: str) -> None:
    want = formula(small_model(family, Full()), form, objective.name)  # over all rows
    ones = {"per_device_train_batch_size": 1, "gradient_accumulation_steps": len(pairs(objective, Sums(), RECORDS))}
    assert_same(step(small_model(family, Full()), form, objective, **ones), want)


@pytest.mark.parametrize(
    ("family", "windows"),
    [
        ("gemma", {"full_attention": None, "sliding_attention": None}),  # no window where there is one
        ("gemma", {"full_attention": 8, "sliding_attention": 8}),
        ("llama", {"full_attention": 8}),
    ],
)
def test_wrong_attention_window_is_detected(family: str, windows: dict[str, int | None]) -> None:
    want = formula(small_model(family, Full()), "decoder", "dss")
    wrong = step(
        small_model(family, Full()),
        "decoder",
        DistillStepByStep(),
        shares=lambda model: Sharing(windows, additive=False),
        **WHOLE,
    )
    with pytest.raises(AssertionError):
        assert_same(wrong, want)


@pytest.mark.parametrize("family", ["t5", "llama"])
def test_one_row_per_branch_matches_the_formula(family: str) -> None:
    """The path of students that cannot share a row between branches; the encoder still runs once."""
    want = formula(small_model(family, Full()), "decoder", "dss")
    apart = step(small_model(family, Full()), "decoder", DistillStepByStep(), shares=lambda model: None, **BUCKETS)
    assert_same(apart, want)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_shares_one_row_between_branches(family: str) -> None:
    assert sharing(small_model(family, Full())) is not None


@pytest.mark.parametrize("family", ["t5", "llama"])
def test_encoder_and_decoder_prefix_differ(family: str) -> None:
    one, other = (formula(small_model(family, Full()), form, "dss").loss for form in FORMS)
    assert one != pytest.approx(other, rel=1e-3)
