"""Run by `test_rpn` inside its environment, in the project's folder; prints one JSON object.

Plans a 7B decoder for cards around what each modality needs, and adapts the run's student with the modality
top to write its rationale first.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

# The shape of a 7B decoder; a plan reads the configuration only.
LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "vocab_size": 32000,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
}
MODALITIES = ("qlora", "lora", "top", "full")
NONE_FITS = 2  # exit code of a plan that has no modality for the card


def plan(vram: str, *settings: str) -> dict[str, Any]:
    from dstill.cli import run

    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        code = run(["experiment", "plan", "--student", "hf:./llama", "--vram", vram, "--json", *settings])
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert code in (0, NONE_FITS), lines
    return next(line for line in lines if "modalities" in line)


def train_top() -> dict[str, Any]:
    """What some steps in the modality top, towards another objective, came to, and which tensors they moved."""
    from safetensors.torch import load_file

    from dstill import Run

    shutil.copytree("run", "adapted", ignore=shutil.ignore_patterns("student"))
    flags = {
        "train.modality": "top",
        "train.student": "tiny:run/student",
        "train.objective": "rationale-first",
        "train.max_target_length": 128,
        "train.max_steps": 30,
    }
    facts = Run.open("adapted", flags=flags).train()
    before, after = (load_file(f"{folder}/student/model.safetensors") for folder in ("run", "adapted"))
    moved = sorted(name for name, tensor in after.items() if not tensor.equal(before[name]))
    return {
        "modality": facts["modality"],
        "moved": moved,
        "kept": len(after) - len(moved),
        "losses": [row["loss"] for row in facts["history"] if "loss" in row],
    }


def main() -> None:
    Path("llama").mkdir()
    Path("llama/config.json").write_text(json.dumps(LLAMA))
    needs = {row["modality"]: row["memory_required"] for row in plan("1000GB")["modalities"]}

    def chosen(need: float, *settings: str) -> Any:
        """The modality for a card that has just a little more than `need`, and CUDA's own half a GiB."""
        return plan(f"{need * 1.01 / 2**30 + 0.5:.3f}GB", *settings)["modality"]

    headroom = ("--set", "modality.top.headroom=0.3")
    result = {
        "needs": needs,
        "chosen": {name: chosen(needs[name]) for name in MODALITIES},
        "on the smallest card": chosen(needs["qlora"] / 2),
        "with headroom": [chosen(needs["top"], *headroom), chosen(needs["top"] * 1.5, *headroom)],
        **train_top(),
    }
    print(json.dumps(result))


main()
