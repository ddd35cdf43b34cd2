"""Peak memory of a training in a process of its own, for the planner's accuracy.

    python tests/support/planned.py '{"kind": "llama", "modality": "lora", "batch": 4, …}'
    → {"predicted": …, "measured": …, "held": …, "parts": {…}}     bytes, one line of JSON on stdout

The student is made from a configuration with random weights, and trained two steps on sequences that all have
the wanted lengths, or a little less. Runs with one thread. `measured` is above what the process held after its
imports, `held`: the resident set, on a GPU what torch's allocator holds (`torch.cuda.max_memory_allocated`; no GPU
has run this yet).
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Case:
    kind: str  # llama, qwen, gemma, t5
    hidden: int
    layers: int  # of an encoder–decoder: of each half
    vocabulary: int = 8000
    modality: str
    batch: int
    source: int
    target: int
    checkpointing: bool = False
    accumulation: int = 1
    objective: str = "label-only"
    targets: str = "attention"
    precision: Literal["fp32", "bf16"] = "fp32"
    device: Literal["cpu", "cuda"] = "cpu"

    @property
    def name(self) -> str:
        kind = f"{self.kind} {self.hidden}×{self.layers} {self.modality} {self.batch} × ({self.source} + {self.target})"
        marks = [self.objective] * (self.objective == "dss") + [self.targets] * (self.targets != "attention")
        marks += [self.precision] * (self.precision != "fp32") + [self.device] * (self.device != "cpu")
        marks += ["checkpointing"] * self.checkpointing + [f"÷{self.accumulation}"] * (self.accumulation > 1)
        return " ".join([kind, *marks])


def measured(case: Case) -> dict[str, Any]:
    """The case in a fresh process. Raises where it fails."""
    done = subprocess.run(
        [sys.executable, __file__, json.dumps(asdict(case))],
        capture_output=True,
        text=True,
        timeout=900,
        env={**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
    )
    if done.returncode:
        raise AssertionError(done.stderr[-3000:])
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def config_of(case: Case) -> Any:
    import transformers

    heads = case.hidden // 64
    if case.kind == "t5":
        return transformers.T5Config(
            vocab_size=case.vocabulary,
            d_model=case.hidden,
            d_kv=64,
            d_ff=case.hidden * 5 // 2,
            num_heads=heads,
            num_layers=case.layers,
            feed_forward_proj="gated-gelu",
            decoder_start_token_id=0,
            tie_word_embeddings=False,
        )
    name, more = {
        "llama": ("LlamaConfig", {"num_key_value_heads": heads}),
        "qwen": ("Qwen3Config", {"num_key_value_heads": max(1, heads // 4), "head_dim": 64}),
        "gemma": ("GemmaConfig", {"num_key_value_heads": 1, "head_dim": 64}),
    }[case.kind]
    return getattr(transformers, name)(
        vocab_size=case.vocabulary,
        hidden_size=case.hidden,
        intermediate_size=case.hidden * 11 // 4,
        num_hidden_layers=case.layers,
        num_attention_heads=heads,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
        **more,
    )


def make(case: Case, folder: Path) -> None:
    """The base, in a process that is not the measured one."""
    import torch
    import transformers

    from dstill_finetune.tokenizer import learn

    draw = random.Random(0)
    learn([" ".join(draw.choices(WORDS, k=20)) for _ in range(50)], 400).save_pretrained(folder)
    config = config_of(case)
    torch.manual_seed(0)
    kind = transformers.AutoModelForSeq2SeqLM if case.kind == "t5" else transformers.AutoModelForCausalLM
    kind.from_config(config).save_pretrained(folder)


WORDS = [f"w{n}" for n in range(10)]


def words(tokenizer: Any, tokens: int, prefix: str, draw: random.Random) -> str:
    """A text of as many tokens, with its prefix and its end."""
    text = ""
    while len(tokenizer(prefix + text)["input_ids"]) < tokens:
        text += draw.choice("abcdefgh") + " "
    return text.rstrip()


def run(case: Case, folder: Path) -> dict[str, Any]:
    import psutil  # type: ignore[import-untyped]
    from transformers import AutoTokenizer

    from dstill.api.modality import Modality
    from dstill.api.recipe import Recipe
    from dstill.api.records import Pair
    from dstill.api.student import TrainingJob
    from dstill.runtime import hardware
    from dstill_finetune.hf import Hf
    from dstill_torch.modalities import Full, Lora, Qlora

    tokenizer = AutoTokenizer.from_pretrained(folder / "base")
    draw = random.Random(0)
    records = []
    for number in range(case.batch * case.accumulation * 2):
        # one in each batch is shorter: without padding attention needs no mask, and real batches have some
        source = words(tokenizer, case.source - 4 * (number % case.batch == 0), "predict: ", draw)
        branches = ("predict: ", "explain: ") if case.objective == "dss" else ("predict: ",)
        target = words(tokenizer, case.target, "", draw)
        records.append(tuple(Pair(task_prefix=b, source=source, target=target, weight=0.5) for b in branches))
    recipe = Recipe(
        per_device_train_batch_size=case.batch,
        gradient_accumulation_steps=case.accumulation,
        max_length=case.source + 16,
        max_target_length=case.target + 16,
        max_steps=2,
        gradient_checkpointing=case.checkpointing,
        target_modules=case.targets,
        precision=case.precision,
        threads=1,
    )
    modalities: dict[str, type[Modality]] = {"full": Full, "lora": Lora, "qlora": Qlora}
    modality = modalities[case.modality]()
    student = Hf()
    student.base = str(folder / "base")
    device = hardware.device()
    if case.device == "cpu":  # where memory is short the allocator gives back what is freed: a plan counts what is live
        device = replace(device, kind="cpu", free=0)
    import bitsandbytes  # noqa: F401
    import peft  # noqa: F401

    import dstill_torch.training  # noqa: F401

    held = psutil.Process().memory_info().rss if case.device == "cpu" else 0  # torch's allocator holds nothing yet
    fitted = student.fit(
        TrainingJob(
            train=records,
            validation=(),
            modality=modality,
            recipe=recipe,
            device=device,
            folder=folder / "student",
            seed=0,
        )
    )
    batch = student.largest_batch(records, recipe)
    need = modality.memory_required(replace(student.spec(), batch=batch), recipe)
    return {
        "name": case.name,
        "predicted": need.total,
        "measured": fitted.peak_memory,
        "probe": dict(fitted.probe),
        "held": held,
        "parts": dict(need.parts),
        "parameters": student.spec().parameters,
        "seconds": fitted.seconds,
    }


def main() -> None:
    case = Case(**json.loads(sys.argv[1]))
    with TemporaryDirectory() as name:
        folder = Path(name)
        if len(sys.argv) > 2:
            make(case, Path(sys.argv[2]))
            return
        subprocess.run([sys.executable, __file__, sys.argv[1], str(folder / "base")], check=True, capture_output=True)
        print(json.dumps(run(case, folder)))


if __name__ == "__main__":
    main()
