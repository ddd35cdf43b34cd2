"""dstill's training against the published algorithm and against TRL: rows a second, padding, peak memory.

    python -m benchmarks training
    python -m benchmarks.training NAME      a step of one way in this process: its peak in bytes

One thread, one machine, one model from its configuration (random weights), the same rows for all, batches of 4:
600, 120 and 80 tokens of input, label and rationale in the mean, each at three quantiles of a spread that
questions have, four records each. That represents a set of hundreds of rows, where the batches of a
length-bucketed epoch are nearly of one length (2 % padding; twelve lengths of their own would not show it).

In a round every way trains one epoch, one after the other. Seconds are the processor's, of that one thread,
so that a busy machine counts little.
"""

from __future__ import annotations

import copy
import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks import references
from benchmarks.measure import Figure, clock, figure
from benchmarks.references import BATCH, EOS, EXPLAIN, PAD, PREDICT, Rows

if TYPE_CHECKING:
    from dstill_finetune.collate import Collator
    from dstill_torch.dataset import Dataset

__all__ = ["figures"]

INPUT, LABEL, RATIONALE = 600, 120, 80  # tokens, in the mean
FACTORS = (0.68, 0.95, 1.37)  # quantiles 1/6, 3/6, 5/6 of a lognormal spread of 0.36, with a mean of 1
ROUNDS = 5
PEAKS = 7  # processes of each way
VOCABULARY = 4096


def rows(factors: Sequence[float] = FACTORS) -> Rows:
    """Four records for each factor, of random tokens: long inputs have long answers."""
    draw = random.Random(0)

    def tokens(length: float) -> list[int]:
        return [*(draw.randrange(4, VOCABULARY) for _ in range(round(length) - 1)), EOS]

    def row(factor: float) -> dict[str, list[int]]:
        lengths = {"input": INPUT, "label": LABEL, "rationale": RATIONALE}
        return {name: tokens(length * factor) for name, length in lengths.items()}

    return [row(factor) for factor in factors for _ in range(BATCH)]


@dataclass(frozen=True, kw_only=True)
class Size:
    """Of a model."""

    width: int
    feed_forward: int
    heads: int
    layers: int  # of an encoder and of a decoder each
    decoder_layers: int  # of a decoder-only model


SMALL = Size(width=192, feed_forward=512, heads=3, layers=2, decoder_layers=3)


def t5(size: Size) -> Any:
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(0)
    return T5ForConditionalGeneration(
        T5Config(
            vocab_size=VOCABULARY,
            d_model=size.width,
            d_kv=size.width // size.heads,
            d_ff=size.feed_forward,
            num_layers=size.layers,
            num_heads=size.heads,
            feed_forward_proj="gated-gelu",
            dropout_rate=0.0,
            decoder_start_token_id=PAD,
        )
    )


def llama(size: Size) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=size.width,
            intermediate_size=size.feed_forward,
            num_hidden_layers=size.decoder_layers,
            num_attention_heads=size.heads,
            pad_token_id=PAD,
            bos_token_id=None,
            eos_token_id=EOS,
        )
    )


def encoded(model: Any, data: Rows, *, form: str) -> tuple[Collator, Dataset]:
    """The rows as dstill trains them: both branches of a record in one batch."""
    from dstill_finetune.collate import Collator
    from dstill_finetune.sharing import sharing
    from dstill_torch.dataset import Dataset, Row

    written = form == "decoder"
    records = [
        tuple(
            Row(
                row["input"] if written else [word, *row["input"]],
                row[target],
                0.5,
                target,
                [word] if written else [],
            )
            for word, target in ((PREDICT, "label"), (EXPLAIN, "rationale"))
        )
        for row in data
    ]
    dataset = Dataset(records=records, n_too_long=0)
    collator = Collator(
        encoder_decoder=model.config.is_encoder_decoder,
        pad=PAD,
        branches=dataset.branches,
        sharing=sharing(model) if written else None,
    )
    return collator, dataset


def dstill(model: Any, data: Rows, *, form: str, precision: str) -> float:
    """Seconds of one epoch with dstill's own trainer."""
    from dstill.api.recipe import Recipe
    from dstill.api.student import TrainingJob
    from dstill.runtime import hardware
    from dstill_finetune.generation import ModelGenerator
    from dstill_finetune.loss import TransformersLosses
    from dstill_finetune.model_spec import shape_of
    from dstill_torch.attempt import Attempt
    from dstill_torch.dataset import Dataset
    from dstill_torch.modalities import Full
    from dstill_torch.peak_memory import PeakMemory
    from dstill_torch.training import Training, train

    collator, dataset = encoded(model, data, form=form)
    recipe = Recipe(
        per_device_train_batch_size=BATCH,
        num_train_epochs=1,
        learning_rate=1e-4,
        precision=precision,  # type: ignore[arg-type]
        test_largest_batch=False,
    )
    device, spec = hardware.device(), shape_of(model.config)
    with TemporaryDirectory() as folder, PeakMemory(device.kind) as peak:
        job = TrainingJob(
            train=(), validation=(), modality=Full(), recipe=recipe, device=device, folder=Path(folder), seed=0
        )
        training = Training(
            attempt=Attempt(job=job, spec=spec, peak=peak, keeps_freed_memory=True, services=()),
            model=model,
            collator=collator,
            data=dataset,
            validation=Dataset(records=[], n_too_long=0),
            losses=TransformersLosses,
            generator=lambda: ModelGenerator(model, None),  # type: ignore[arg-type]
        )
        started = clock()
        train(training)
        return clock() - started


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to train one epoch."""

    model: Callable[[Size], Any]
    train: Callable[[Any, Rows], float]


WAYS = {
    "reference": Way(model=t5, train=references.two_passes),
    "paper": Way(model=t5, train=partial(dstill, form="encoder", precision="fp32")),
    "once": Way(model=t5, train=partial(dstill, form="decoder", precision="fp32")),
    "once-bf16": Way(model=t5, train=partial(dstill, form="decoder", precision="bf16")),
    "sequences": Way(model=llama, train=references.two_sequences),
    "trl": Way(model=llama, train=references.trl),
    "shared": Way(model=llama, train=partial(dstill, form="decoder", precision="fp32")),
}
ENCODER_DECODER = ("reference", "paper", "once", "once-bf16")
DECODER = ("sequences", "trl", "shared")


def rounds(names: Sequence[str], data: Rows, size: Size = SMALL, number: int = ROUNDS) -> list[dict[str, float]]:
    """Seconds of each way, round by round; one short round before them does not count."""
    fresh = WAYS[names[0]].model(size)
    for name in names:
        WAYS[name].train(copy.deepcopy(fresh), rows([0.1]))
    return [{name: WAYS[name].train(copy.deepcopy(fresh), data) for name in names} for _ in range(number)]


def figures() -> Iterator[Figure]:
    import torch

    from dstill.runtime import hardware
    from dstill_torch.settings import quiet

    quiet()
    torch.set_num_threads(1)
    bf16 = hardware.device().bf16
    ways = ENCODER_DECODER if bf16 else ENCODER_DECODER[:-1]
    yield padding()
    measured = rounds(ways, rows())
    yield speed(measured, "paper", "reference", "bar 1.3; fp32, task word before the input")
    yield speed(measured, "once", "reference", "fp32, input encoded once")
    if bf16:
        yield speed(measured, "once-bf16", "reference", "bar 3; input encoded once, bf16, which this CPU has")
    measured = rounds(DECODER, rows())
    yield speed(measured, "shared", "sequences", "bar 1.8; decoder-only, fp32, prompt shared")
    yield speed(measured, "shared", "trl", "bar 1.5; gradient checkpointing off on both sides")
    yield from peaks([way for way in ways if way != "once"])
    yield from peaks(("sequences", "shared"))


def padding() -> Figure:
    """Share of the input's positions that are padding: length-bucketed batches against batches as they come."""
    from dstill_torch.batches import BucketSampler

    lengths = [len(row["input"]) for row in rows()]
    draw = random.Random(0)
    theirs = statistics.fmean(
        _padding([lengths[i] for i in draw.sample(range(len(lengths)), len(lengths))]) for _ in range(99)
    )
    ours = _padding([lengths[i] for i in BucketSampler(lengths, BATCH, seed=0)])
    return figure(
        "padding paper / reference", [(ours, theirs)], f"{ours:.0%} against {theirs:.0%} of the input's positions"
    )


def _padding(lengths: Sequence[int]) -> float:
    batches = [lengths[at : at + BATCH] for at in range(0, len(lengths), BATCH)]
    return 1 - sum(lengths) / sum(len(batch) * max(batch) for batch in batches)


def speed(measured: list[dict[str, float]], ours: str, theirs: str, note: str) -> Figure:
    seconds = statistics.median(row[ours] for row in measured)
    pairs = [(row[theirs], row[ours]) for row in measured]
    return figure(f"rows/s {ours} / {theirs}", pairs, f"{len(FACTORS) * BATCH / seconds:.2f} rows/s; {note}")


def peaks(names: Sequence[str]) -> Iterator[Figure]:
    """Peak memory of a step over the longest rows against the first way's, each in a process of its own."""
    theirs = names[0]
    measured = [{name: _peak(name) for name in names} for _ in range(PEAKS)]
    for ours in names[1:]:
        mine, other = (statistics.median(row[name] for row in measured) / 2**20 for name in (ours, theirs))
        pairs = [(row[ours], row[theirs]) for row in measured]
        yield figure(f"peak memory {ours} / {theirs}", pairs, f"bar 1; {mine:.0f} against {other:.0f} MiB")


def _peak(name: str) -> int:
    words = [sys.executable, "-m", "benchmarks.training", name]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[-1])


def main() -> None:
    """Peak of an epoch of one batch, above what the process held with its libraries and a short step, in bytes."""
    import torch

    from dstill_torch.peak_memory import PeakMemory
    from dstill_torch.settings import quiet

    quiet()
    torch.set_num_threads(1)
    way = WAYS[sys.argv[1]]
    way.train(way.model(SMALL), rows([0.02]))
    longest = rows([max(FACTORS)])
    with PeakMemory("cpu") as peak:
        way.train(way.model(SMALL), longest)
        print(peak.bytes)


if __name__ == "__main__":
    main()
