"""The memory model: modalities chosen for a 7B decoder, and monotonicity."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GPT2Config, LlamaConfig, T5Config

from dstill.api.modality import Batch, Memory, Modality, ModelSpec
from dstill.api.recipe import Recipe
from dstill.defaults import select_modality
from dstill.runtime.hardware import planned_device
from dstill_evaluate.nearest_neighbour import Nearest
from dstill_finetune.model_spec import shape_of
from dstill_torch.modalities import Full, Lora, Qlora
from dstill_torch.settings import resolved

GIB = 2**30
REFERENCE = Recipe(per_device_train_batch_size=2, max_length=1024, precision="bf16")
MODALITIES: tuple[Modality, ...] = (Full(), Lora(), Qlora())


@pytest.fixture(scope="module")
def seven_billion() -> ModelSpec:
    return shape_of(
        LlamaConfig(
            vocab_size=32000,
            hidden_size=4096,
            intermediate_size=11008,
            num_hidden_layers=32,
            num_attention_heads=32,
            tie_word_embeddings=False,
        )
    )


SMALL = shape_of(T5Config(d_model=64, d_ff=128, d_kv=16, num_heads=4, num_layers=2, vocab_size=500))


def chosen_modality(shape: ModelSpec, vram: str, recipe: Recipe = REFERENCE) -> str:
    return select_modality(MODALITIES, shape, recipe, planned_device(vram)).modality


def test_decoder_of_7b_is_counted_exactly(seven_billion: ModelSpec) -> None:
    assert seven_billion.parameters == 6_738_415_616  # Llama 2's own count
    assert seven_billion.linears["q_proj"] == (4096, 4096, 32)
    assert seven_billion.linears["down_proj"] == (11008, 4096, 32)
    assert seven_billion.embedding == 2 * 32000 * 4096 + 65 * 4096  # embedding, head, norms


@pytest.mark.slow
def test_full_is_chosen_wherever_it_fits() -> None:
    assert chosen_modality(SMALL, "8GB") == "full"


def test_student_without_weights_can_be_planned() -> None:
    assert chosen_modality(Nearest().spec(), "8GB") == "full"


def test_four_bit_base_is_about_a_quarter_of_bf16(seven_billion: ModelSpec) -> None:
    four = Qlora().memory_required(seven_billion, REFERENCE).parts
    whole = Lora().memory_required(seven_billion, REFERENCE).parts["weights"]
    assert 0.25 < (four["quantized_weights"] + four["weights"]) / whole < 0.35


def test_transposed_layers_of_gpt2_count_as_linear() -> None:
    shape = shape_of(GPT2Config(n_embd=64, n_layer=2, n_head=4, vocab_size=300))
    assert shape.linears["c_attn"] == (64, 192, 2)
    assert shape.feed_forward >= 192


RECIPES = st.builds(
    Recipe,
    per_device_train_batch_size=st.integers(1, 64),
    max_length=st.integers(8, 4096),
    max_target_length=st.integers(8, 1024),
    r=st.integers(1, 128),
    precision=st.sampled_from(["fp32", "bf16"]),
    gradient_checkpointing=st.booleans(),
    target_modules=st.sampled_from(["attention", "all-linear"]),
)


@pytest.mark.slow
@given(RECIPES, st.sampled_from(MODALITIES))
@settings(max_examples=150)
def test_memory_is_monotonic_in_every_size(recipe: Recipe, modality: Modality) -> None:
    def need(**changes: Any) -> Memory:
        return modality.memory_required(SMALL, replace(recipe, **changes))

    base = need()
    assert all(size >= 0 for size in base.parts.values())
    assert base.total == sum(base.parts.values())
    for name in ("per_device_train_batch_size", "max_length", "max_target_length", "r"):
        assert need(**{name: getattr(recipe, name) + 1}).total >= base.total
    if SMALL.layers > 1:
        assert need(gradient_checkpointing=True).total <= need(gradient_checkpointing=False).total + 2**20
    assert need(precision="bf16").parts["activations"] <= need(precision="fp32").parts["activations"]


@given(RECIPES)
@settings(max_examples=15)
def test_four_bit_weights_never_need_more_memory(recipe: Recipe) -> None:
    held = [
        sum(modality.memory_required(SMALL, recipe).parts.get(name, 0) for name in ("weights", "quantized_weights"))
        for modality in MODALITIES
    ]
    assert held[0] >= held[1] >= held[2]


def test_precision_auto_follows_the_device() -> None:
    assert resolved(Recipe(), planned_device("24GB")).precision == "bf16"
    assert resolved(Recipe(), replace(planned_device("24GB"), bf16=False)).precision == "fp32"
    cpu = replace(planned_device("24GB"), kind="cpu")  # one that has it: only when asked
    assert resolved(Recipe(), cpu).precision == "fp32"
    assert resolved(Recipe(precision="bf16"), cpu).precision == "bf16"


# --- batches ----------------------------------------------------------------------------


def test_largest_batch_of_the_dataset_overrides_the_limits_of_the_recipe() -> None:
    batch = Batch(source_shape=(4, 32), target_shape=(4, 16), loss_tokens=60)
    small = Full().memory_required(replace(SMALL, batch=batch), REFERENCE)
    assert small.total < Full().memory_required(SMALL, REFERENCE).total
    twice = replace(batch, source_shape=(8, 32), target_shape=(8, 16), loss_tokens=120)  # as a second branch does
    parts = [Lora().memory_required(replace(SMALL, batch=b), REFERENCE).parts for b in (batch, twice)]
    assert parts[1]["activations"] == pytest.approx(2 * parts[0]["activations"], abs=2)
    assert parts[1]["logits"] == 2 * parts[0]["logits"]


def test_accumulated_gradients_add_to_activations() -> None:
    plain = Full().memory_required(SMALL, REFERENCE)
    waiting = Full().memory_required(SMALL, replace(REFERENCE, gradient_accumulation_steps=4))
    assert plain.parts["gradients"] == 0  # at the peak: activations go as gradients come
    assert waiting.parts["gradients"] == 4 * SMALL.parameters
    assert waiting.total > plain.total


def test_new_rows_need_a_copy_of_the_embedding_and_its_gradient() -> None:
    batch = Batch(source_shape=(4, 32), target_shape=(4, 16), loss_tokens=60)
    with_rows = Lora().memory_required(replace(SMALL, batch=replace(batch, new_tokens=3)), REFERENCE)
    assert with_rows.parts["token_rows"] == 6 * SMALL.vocabulary * SMALL.hidden * (1 if SMALL.tied else 2)
    assert Lora().memory_required(replace(SMALL, batch=batch), REFERENCE).parts["token_rows"] == 0


def test_unknown_architecture_is_planned_by_rule(seven_billion: ModelSpec) -> None:
    """The rule is made for such a decoder, and must come near what is counted of it."""
    counted = Full().memory_required(seven_billion, REFERENCE).total
    ruled = Full().memory_required(replace(seven_billion, activation_bytes=lambda how, wide: None), REFERENCE).total
    assert ruled == pytest.approx(counted, rel=0.15)


def test_planned_cards_reserve_memory_for_cuda() -> None:
    need = Full().memory_required(SMALL, REFERENCE).total
    card = replace(planned_device("8GB"), total=need + 2**20, free=need + 2**20)
    assert Full().unfit_reason(SMALL, REFERENCE, card) is not None
    assert Full().unfit_reason(SMALL, REFERENCE, replace(card, is_local=True)) is None
