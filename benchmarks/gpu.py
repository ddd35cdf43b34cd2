"""The training comparison and the modality table where there is a GPU: a table on stdout and build/bench-gpu.json.

    python -m benchmarks.gpu            # "no GPU", where there is none, and what it would report
    python -m benchmarks.gpu --student hf:Qwen/Qwen3-0.6B         # the recipe for a card of 24 GB
    python -m benchmarks.gpu --tiny     # the same code on the CPU, at a size that says nothing of speed
    python -m benchmarks.gpu --table MODALITY FOLDER [--tiny]     # one row of the table, as JSON

The comparison is that of `benchmarks.training`, with models of a GPU's size. The table trains an
encoder–decoder of the shape of FLAN-T5-large, from its configuration, with random weights: for each modality the
peak of a step as the planner has it and as it is (`torch.cuda.max_memory_allocated`, on a CPU the resident set),
and rows a second. Each modality has a process of its own.

The recipe is that of `benchmarks.pretrained`, for an instruct base of 0.6 to 4 billion parameters.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import pretrained, training
from benchmarks.measure import Figure, clock
from benchmarks.references import BATCH, EOS, PAD, Rows
from benchmarks.training import FACTORS, Size, rows, speed

OUT = Path("build") / "bench-gpu.json"
NO_GPU = """no GPU: nothing was measured. Where there is one,
make bench-gpu
    reports how fast dstill trains against the published algorithm and against TRL, and for each modality of a model of
    the size of FLAN-T5-large the planned memory, the peak and rows a second
make bench-gpu STUDENT=hf:Qwen/Qwen3-0.6B
    trains an adapter of an instruct base (0.6 to 4 billion parameters on a card of 24 GB) for 30 minutes, through its
    chat template and with the mapping in the prompt, and reports, before and after: how many answers are correct and
    how many silently wrong, on new questions and on an index that it never saw; steps, records a second, planned memory
    and peak
Both write build/bench-gpu.json."""
FORM = "encoder"  # of the table: as published, the task word before the input
MODALITIES = ("full", "lora", "qlora")
BASE = Size(width=768, feed_forward=2048, heads=12, layers=12, decoder_layers=24)  # FLAN-T5-base's, about
TINY = Size(width=32, feed_forward=64, heads=2, layers=1, decoder_layers=1)
LARGE = {"vocab_size": 32128, "d_model": 1024, "d_kv": 64, "d_ff": 2816, "num_layers": 24, "num_heads": 16}
TINY_LARGE = {"vocab_size": 4096, "d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2, "num_heads": 4}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--student", default="")
    parser.add_argument("--table", nargs=2, metavar=("MODALITY", "FOLDER"))
    asked = parser.parse_args()
    import torch

    if not (torch.cuda.is_available() or asked.tiny):
        print(NO_GPU)
        return 0
    if asked.student:
        return pretrained.main(["--student", asked.student, "--recipe", "gpu", "--out", str(OUT)])
    if asked.table:
        print(json.dumps(row(*asked.table, tiny=asked.tiny)))
        return 0
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU, tiny sizes: no figures of a GPU"
    print(device)
    figures = list(_printed(comparison(tiny=asked.tiny)))
    table = list(modalities(tiny=asked.tiny))
    OUT.parent.mkdir(exist_ok=True)
    found = {"device": device, "tiny": asked.tiny, "figures": [asdict(f) for f in figures], "modalities": table}
    OUT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    return 0


def _printed(figures: Iterator[Figure]) -> Iterator[Figure]:
    for made in figures:
        print(
            f"{made.name:<46} {made.ratio:8.2f}{made.unit} [{made.low:.2f}, {made.high:.2f}]  {made.note}", flush=True
        )
        yield made


def comparison(*, tiny: bool) -> Iterator[Figure]:
    from dstill_torch.settings import quiet

    quiet()
    data, size, number = (rows([0.05]), TINY, 1) if tiny else (rows(), BASE, training.ROUNDS)
    measured = training.rounds(training.ENCODER_DECODER, data, size, number)
    yield speed(measured, "paper", "reference", "bar 1.3; fp32, task word before the input")
    yield speed(measured, "once", "reference", "fp32, input encoded once")
    yield speed(measured, "once-bf16", "reference", "bar 3; input encoded once, bf16")
    measured = training.rounds(training.DECODER, data, size, number)
    yield speed(measured, "shared", "sequences", "bar 1.8; decoder-only, fp32, prompt shared")
    yield speed(measured, "shared", "trl", "bar 1.5; gradient checkpointing off on both sides")


def modalities(*, tiny: bool) -> Iterator[dict[str, Any]]:
    print(f"{'modality':>8} {'plan MiB':>10} {'peak MiB':>10} {'error':>7} {'rows/s':>8}")
    with TemporaryDirectory() as folder:
        _base(folder, tiny=tiny)
        for name in MODALITIES:
            words = [
                sys.executable,
                "-m",
                "benchmarks.gpu",
                "--table",
                name,
                folder,
                *(["--tiny"] if tiny else []),
            ]
            ended = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
            made = json.loads(ended.stdout.splitlines()[-1])
            plan, peak = made["plan"] / 2**20, made["peak"] / 2**20
            print(
                f"{name:>8} {plan:10,.0f} {peak:10,.0f} {plan / peak - 1:+7.0%} {made['rows_per_second']:8.2f}",
                flush=True,
            )
            yield made


def _base(folder: str, *, tiny: bool) -> None:
    """The model on disk, as a base that is loaded in each modality's own form."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(0)
    config = T5Config(
        **(TINY_LARGE if tiny else LARGE),
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        decoder_start_token_id=PAD,
        pad_token_id=PAD,
        eos_token_id=EOS,
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)


def row(name: str, folder: str, *, tiny: bool) -> dict[str, Any]:
    """One modality: what the planner says, what a step took at most, and how fast it trains."""
    from transformers import AutoModelForSeq2SeqLM

    from dstill.api.modality import Modality
    from dstill.api.recipe import Recipe
    from dstill.runtime import hardware
    from dstill_finetune.model_spec import shape_of
    from dstill_torch import modalities as kinds
    from dstill_torch.largest_batch import largest_batch
    from dstill_torch.peak_memory import PeakMemory
    from dstill_torch.settings import quiet, resolved

    quiet()
    data = rows([0.05] if tiny else FACTORS)
    device = hardware.device()
    recipe = resolved(Recipe(per_device_train_batch_size=BATCH), device)
    known: dict[str, type[Modality]] = {"full": kinds.Full, "lora": kinds.Lora, "qlora": kinds.Qlora}
    modality = known[name]()
    with PeakMemory(device.kind) as peak:
        model = AutoModelForSeq2SeqLM.from_pretrained(folder, **modality.load_options(recipe, device))
        collator, dataset = training.encoded(model, data, form=FORM)
        batch = largest_batch(collator, dataset, recipe)  # a record is two sequences
        plan = modality.memory_required(replace(shape_of(model.config), batch=batch), recipe).total
        model = modality.prepare(model, recipe)
        _epoch(model, data, recipe.precision)  # what is first done once does not count as speed
        started = clock()
        _epoch(model, data, recipe.precision)
        seconds = clock() - started
        return {"modality": name, "plan": plan, "peak": peak.bytes, "rows_per_second": len(data) / seconds}


def _epoch(model: Any, data: Rows, precision: str) -> None:
    training.dstill(model, data, form=FORM, precision=precision)


if __name__ == "__main__":
    sys.exit(main())
