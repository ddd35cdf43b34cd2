"""Writes the table of FLAN-T5 in docs/training.md: what each modality needs, and the smallest card that has it.

    python docs/make_plans.py          # `make docs`

Shapes are those of the models' public configurations; nothing is downloaded. A test asserts that the file is what
this makes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "training.md"
BEGIN, END = "<!-- begin: docs/make_plans.py -->\n", "<!-- end: docs/make_plans.py -->\n"
CARDS = (8, 12, 16, 24, 40, 80)  # GB
# name: d_model, d_ff, heads, layers of encoder and of decoder; heads are 64 wide, the vocabulary has 32,128 tokens
SHAPES = {
    "small": (512, 1024, 6, 8),
    "base": (768, 2048, 12, 12),
    "large": (1024, 2816, 16, 24),
    "XL": (2048, 5120, 32, 24),
}


def config_of(name: str) -> Any:
    from transformers import T5Config

    hidden, feed_forward, heads, layers = SHAPES[name]
    return T5Config(
        vocab_size=32128,
        d_model=hidden,
        d_kv=64,
        d_ff=feed_forward,
        num_heads=heads,
        num_layers=layers,
        num_decoder_layers=layers,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        decoder_start_token_id=0,
    )


def table() -> str:
    from dstill.api.recipe import Recipe
    from dstill.runtime.hardware import planned_device
    from dstill_finetune.model_spec import shape_of
    from dstill_torch.modalities import Full, Lora, Qlora

    modalities = (Full(), Lora(), Qlora())
    recipe = Recipe(per_device_train_batch_size=2, max_length=1024, max_target_length=512, precision="bf16")
    devices = {f"{size} GB": planned_device(f"{size}GB") for size in CARDS}
    lines = [
        "| FLAN-T5 | parameters | full | LoRA | QLoRA |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name in SHAPES:
        shape = shape_of(config_of(name))
        cells = []
        for modality in modalities:
            fits = (card for card, device in devices.items() if modality.unfit_reason(shape, recipe, device) is None)
            card = next(fits, "none of these")
            cells.append(f"{modality.memory_required(shape, recipe).total / 2**30:.1f} GiB: {card}")
        lines.append(f"| {name} | {shape.parameters:,} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def text() -> str:
    """docs/training.md with the table as it is now."""
    before, rest = FILE.read_text(encoding="utf-8").split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
