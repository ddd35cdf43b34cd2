"""Adapters of many architectures: as many as planned, none on the head, and all of them learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from support.finetuned import fit, hf_student
from transformers import CONFIG_MAPPING

from dstill.api.recipe import Recipe
from dstill.errors import ConfigError, UsageError
from dstill.runtime.hardware import planned_device
from dstill_finetune.model_loading import is_encoder_decoder
from dstill_finetune.model_spec import shape_of
from dstill_torch.memory import adapter_parameters
from dstill_torch.modalities import Full, Lora, Qlora
from dstill_torch.settings import quiet

V: dict[str, Any] = {"vocab_size": 64, "pad_token_id": 0, "bos_token_id": None, "eos_token_id": 1}
S: dict[str, Any] = {**V, "hidden_size": 32, "num_hidden_layers": 2}
D: dict[str, Any] = {**S, "num_attention_heads": 4, "intermediate_size": 48}
KV: dict[str, Any] = {**D, "num_key_value_heads": 2}
N: dict[str, Any] = {**V, "n_embd": 32, "n_layer": 2, "n_head": 4}
EXPERTS: dict[str, Any] = {**KV, "num_experts_per_tok": 2}
DEEPSEEK: dict[str, Any] = {
    **D, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "n_routed_experts": 4, "n_group": 2, "topk_group": 1,
    "kv_lora_rank": 8, "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 8, "first_k_dense_replace": 1,
}  # fmt: skip
T5: dict[str, Any] = {**V, "d_model": 32, "d_ff": 48, "d_kv": 8, "num_heads": 4, "num_layers": 2}
SPARSE: dict[str, Any] = {"num_experts": 4, "num_sparse_encoder_layers": 1, "num_sparse_decoder_layers": 1}
BOTH: dict[str, Any] = {
    f"{side}_{name}": size
    for side in ("encoder", "decoder")
    for name, size in {"layers": 1, "attention_heads": 2, "ffn_dim": 48}.items()
}
BART: dict[str, Any] = {**V, **BOTH, "d_model": 32, "max_position_embeddings": 64}
STATES: dict[str, Any] = {**S, "state_size": 8}
SHORT: dict[str, Any] = {"max_length": 32, "max_target_length": 16}  # a state space is followed token by token
CONFIGS: dict[str, dict[str, Any]] = {
    "llama": KV,
    "gemma3_text": {**KV, "head_dim": 8},
    "phi3": D,
    "gpt2": N,
    "gptj": {**N, "rotary_dim": 4},
    "gpt_bigcode": N,
    "gpt_neox": D,
    "bloom": {**V, "hidden_size": 32, "n_layer": 2, "n_head": 4},
    "falcon": {**S, "num_attention_heads": 4},
    "mpt": {**V, "d_model": 32, "n_layers": 2, "n_heads": 4},
    "opt": {**S, "num_attention_heads": 4, "ffn_dim": 48, "word_embed_proj_dim": 32},
    "bert": {**D, "is_decoder": True},
    "ctrl": {**N, "dff": 48},
    "xlnet": {**V, "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 48},
    "mixtral": {**EXPERTS, "num_local_experts": 4},
    "qwen2_moe": {**EXPERTS, "num_experts": 4, "moe_intermediate_size": 16, "shared_expert_intermediate_size": 16},
    "qwen3_moe": {**EXPERTS, "num_experts": 4, "moe_intermediate_size": 16, "head_dim": 8},
    "olmoe": {**EXPERTS, "num_experts": 4},
    "gpt_oss": {**EXPERTS, "num_local_experts": 4, "head_dim": 8},
    "deepseek_v2": {**DEEPSEEK, "q_lora_rank": None},
    "deepseek_v3": {**DEEPSEEK, "q_lora_rank": 8},
    "mamba": STATES,
    "mamba2": {**STATES, "num_heads": 8, "head_dim": 8, "n_groups": 1},
    "falcon_mamba": STATES,
    "bamba": {**KV, "mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 8, "attn_layer_indices": [1]},
    "rwkv": {**S, "attention_hidden_size": 32},
    "t5": T5,
    "switch_transformers": {**T5, **SPARSE, "num_decoder_layers": 2},
    "bart": BART,
    "bigbird_pegasus": BART,
    "led": {
        **V, **BOTH, "d_model": 32, "attention_window": 8,
        "max_encoder_position_embeddings": 64, "max_decoder_position_embeddings": 64,
    },
    "prophetnet": {
        **V, "hidden_size": 32, "num_encoder_layers": 1, "num_decoder_layers": 1, "num_encoder_attention_heads": 2,
        "num_decoder_attention_heads": 2, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "max_position_embeddings": 64,
    },
}  # fmt: skip
ROUTED = {"wi", "wo"}  # Switch's experts are layers: one that no token was sent to has learnt nothing yet
GLOBAL = {"query_global", "key_global", "value_global"}  # LED's, of tokens that see all others: there are none here


def config_of(kind: str) -> Any:
    config = CONFIG_MAPPING[kind](**CONFIGS[kind])
    if is_encoder_decoder(config):
        config.decoder_start_token_id = 0
    return config


def build(config: Any) -> Any:
    quiet()
    auto = transformers.AutoModelForSeq2SeqLM if is_encoder_decoder(config) else transformers.AutoModelForCausalLM
    torch.manual_seed(0)
    return auto.from_config(config)


def adapter_weights(model: Any) -> dict[str, Any]:
    """Layer path → the adapter matrix that is initialized to zero."""
    return {name.split(".lora_B")[0]: p for name, p in model.named_parameters() if ".lora_B" in name}


@pytest.mark.filterwarnings("ignore:fan_in_fan_out")  # peft sets it for GPT-2's layers
@pytest.mark.parametrize(
    ("kind", "wanted"),
    [  # in CI one of the two for each architecture
        pytest.param(kind, wanted, marks=() if (i + j) % 2 == 0 else pytest.mark.nightly)
        for i, kind in enumerate(CONFIGS)
        for j, wanted in enumerate(("attention", "all-linear"))
    ],
)
def test_planned_adapters_exist_and_learn(kind: str, wanted: str) -> None:
    config, recipe = config_of(kind), Recipe(r=2, target_modules=wanted)
    model = build(config)
    head = next(path for path, module in model.named_modules() if module is model.get_output_embeddings())
    prepared = Lora().prepare(model, recipe).train()
    trained = sum(p.numel() for p in prepared.parameters() if p.requires_grad)
    assert trained == adapter_parameters(shape_of(config), recipe) > 0
    assert f"base_model.model.{head}" not in adapter_weights(prepared)

    ids = torch.arange(5, 37).reshape(2, 16)
    more = {"decoder_input_ids": ids} if is_encoder_decoder(config) else {}
    logits = prepared(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False, **more).logits
    logits.square().sum().backward()
    idle = {
        path.rpartition(".")[2] for path, b in adapter_weights(prepared).items() if b.grad is None or not b.grad.any()
    }
    assert idle <= (ROUTED if kind == "switch_transformers" else GLOBAL if kind == "led" else set())


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("t5", {"q", "v"}),
        ("llama", {"q_proj", "v_proj"}),
        ("deepseek_v3", {"q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj"}),
        ("deepseek_v2", {"q_proj", "kv_a_proj_with_mqa", "kv_b_proj"}),
        ("led", {"query", "value", "q_proj", "v_proj"}),
        ("bigbird_pegasus", {"query", "value", "q_proj", "v_proj"}),
        ("prophetnet", {"query_proj", "value_proj"}),
        ("ctrl", {"Wq", "Wv"}),
        ("xlnet", {"layer_1", "layer_2"}),  # its projections are no layers: whatever is one
        ("mamba", {"in_proj"}),
    ],
)
def test_attention_selects_the_projections(kind: str, names: set[str]) -> None:
    prepared = Lora().prepare(build(config_of(kind)), Recipe(r=2, target_modules="attention"))
    assert {path.rpartition(".")[2] for path in adapter_weights(prepared)} == names


@pytest.mark.parametrize("name", ["lm_head", "gate_proj"])
def test_unsupported_target_layer_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"'{name}' cannot have an adapter") as caught:
        Lora().prepare(build(config_of("deepseek_v3")), Recipe(target_modules=f"o_proj, {name}"))
    assert caught.value.hint == (
        "attention, all-linear, or of: kv_a_proj_with_mqa, kv_b_proj, o_proj, q_a_proj, q_b_proj"
    )


def test_student_without_adapter_layers_needs_full_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dstill_torch.lora_targets.is_linear", lambda module: False)
    with pytest.raises(ConfigError, match="no linear layer that can have an adapter") as caught:
        Lora().prepare(build(config_of("llama")), Recipe())
    assert caught.value.hint == "train every weight: --modality full"


def test_mixture_of_experts_adapters_round_trip(llama: Path, tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = tmp_path / "base"
    tokenizer = AutoTokenizer.from_pretrained(llama)
    tokenizer.save_pretrained(base)
    config = config_of("mixtral")
    config.vocab_size = len(tokenizer)
    build(config).save_pretrained(base)
    student = hf_student(base)
    fitted = fit(student, Lora(), tmp_path / "out", max_steps=2, target_modules="all-linear", lora_dropout=0.1)
    assert fitted.trained_parameters == adapter_parameters(student.spec(), Recipe(r=4, target_modules="all-linear"))
    plain = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), str(tmp_path / "out"))
    assert {path.rpartition(".")[2] for path in adapter_weights(plain)} == {"q_proj", "k_proj", "v_proj", "o_proj"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mamba", "mamba2", "falcon_mamba", "rwkv"])
def test_student_without_attention_can_be_planned(kind: str) -> None:
    config = config_of(kind)
    shape, recipe = shape_of(config), Recipe(precision="fp32", **SHORT)
    assert shape.parameters == sum(p.numel() for p in build(config).parameters())
    assert (shape.heads, shape.layers, shape.hidden) == (0, 2, 32)
    needs = {modality.name: modality.memory_required(shape, recipe).parts for modality in (Full(), Lora(), Qlora())}
    assert needs["full"]["weights"] == needs["lora"]["weights"] == 4 * shape.parameters
    assert all(parts["activations"] + parts["working"] > 0 for parts in needs.values())


@pytest.mark.slow
def test_state_space_layers_are_not_quantized() -> None:
    config, card, recipe = config_of("mamba"), planned_device("24GB"), Recipe(**SHORT)
    unfit = Qlora().unfit_reason(shape_of(config), recipe, card)
    assert unfit == "cannot store a state space layer, whose kernels need unquantized weights, in 4 bits"
    assert Lora().unfit_reason(shape_of(config), recipe, card) is None
    assert Qlora().unfit_reason(shape_of(config_of("deepseek_v3")), recipe, card) is None
    with pytest.raises(UsageError, match="qlora cannot store a state space layer") as caught:
        Qlora().prepare(build(config), Recipe())
    assert caught.value.hint == "train with --modality lora or full"


def test_peft_is_consulted_only_for_mixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its import takes longer than the rest of a plan."""
    asked: list[str] = []
    monkeypatch.setattr("dstill_torch.lora_targets._is_fused_experts", lambda name, model: asked.append(name))
    shape_of(config_of("llama"))
    assert not asked
    shape_of(config_of("mixtral"))
    assert set(asked) == {"q_proj", "k_proj", "v_proj", "o_proj"}
