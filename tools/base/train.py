"""Trains the base from nothing, in several processes with one thread each, and goes on from its checkpoint.

    python -m tools.base.train --hours 2 --decay 0.4
    python -m tools.base.train --pack sql --start-pack querydsl --hours 2

Every process draws its own rows, and gradients are averaged at each step. The learning rate is constant for `--hours`
and then falls to 0 within `--decay` more hours (warmup, stable, decay: Hu et al. 2024, MiniCPM, section 4). A later
call with more hours goes on from where the learning rate was constant. A stop loses the minutes since the last
checkpoint, or the decay. `--start` begins with the weights of a student, such as the published one: give another
`--seed`, so that the rows are new. `--start-pack` begins with the published base of another pack (`transfer`).

    build/base/PACK/state.pt       weights and moments of the constant part; only this program reads it
    build/base/PACK/state.json     seconds, steps, rows and the curve of the loss
    build/base/PACK/average        a student with the moving average of the weights, at each checkpoint
    build/base/PACK/student        the student after the decay, for `--student linked:build/base/PACK/student`
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import distributed, nn
from torch.multiprocessing.spawn import spawn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dstill_linked.encoding import LinkedCollator, LinkedRow
from dstill_linked.model import LinkedModel, Sources
from dstill_linked.saving import LinkedFacts, read_model, write_student
from dstill_linked.shape import Shape
from dstill_linked.tensors import renumbered
from dstill_linked.vocabulary import RELATIONS, Vocabulary
from dstill_torch.batches import IGNORED_LABEL
from dstill_torch.muon import muon
from tools.base import pack
from tools.base.rows import rows
from tools.base.transfer import transferred

BATCH = 48  # rows of one step of one process
BUFFER = 8  # batches that are drawn at once and sorted by length
AGAIN = 2  # steps with each batch: rows cost a quarter of a step
WARMUP = 300  # steps
LEARNING_RATE = 6e-3
AVERAGED = 0.9995  # of the moving average is kept at each step: it covers about 2,000 of them, some 25 minutes
WEIGHT_DECAY = 0.01
EVERY = 300  # seconds between checkpoints
SIZES = {"width": 192, "heads": 6, "hidden": 768, "encoder_layers": 4, "decoder_layers": 2, "longest": 96}


@dataclass
class Progress:
    """What is done so far."""

    seconds: float = 0.0
    steps: int = 0
    rows: int = 0
    restarts: int = 0
    seed: int = 0
    curve: list[Sequence[float]] = field(default_factory=list)  # seconds, rows, loss; also of a decay


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the base of the student linked")
    parser.add_argument("--pack", default="querydsl", choices=pack.NAMES)
    parser.add_argument("--out", type=Path, help="default: build/base/PACK")
    parser.add_argument(
        "--hours", type=float, default=2.0, help="with a constant learning rate, earlier calls included"
    )
    parser.add_argument("--decay", type=float, default=0.4, help="hours in which it falls to 0")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="the folder of a student whose weights come first; default: random")
    parser.add_argument("--start-pack", choices=pack.NAMES, help="a pack whose base's weights come first")
    arguments = parser.parse_args()
    arguments.out = arguments.out or Path("build/base") / arguments.pack
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "rendezvous").unlink(missing_ok=True)
    spawn(_run, (arguments,), nprocs=arguments.processes)  # type: ignore[no-untyped-call]


def _run(rank: int, arguments: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    out: Path = arguments.out
    rendezvous = f"file://{(out / 'rendezvous').absolute()}"
    distributed.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=arguments.processes)
    about = pack.load(arguments.pack)
    vocabulary = Vocabulary.of(about.form)
    torch.manual_seed(arguments.seed)
    shape = Shape(features=vocabulary.n_features, tokens=vocabulary.n_tokens, relations=RELATIONS, **SIZES)
    model = LinkedModel(shape)
    optimizer = muon(model, learning_rate=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    if arguments.start:
        model.load_state_dict(read_model(arguments.start, about.form)[0].state_dict())
    if arguments.start_pack:
        other = pack.load(arguments.start_pack)
        known = read_model(other.folder, other.form)[0].state_dict()
        model.load_state_dict(transferred(known, Vocabulary.of(other.form), model.state_dict(), vocabulary))
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(AVERAGED))  # type: ignore[no-untyped-call]
    progress = _resumed(out, model, average, optimizer, arguments.seed)
    seed = 1_000 * progress.seed + 100 * progress.restarts + rank  # other rows after each start
    torch.manual_seed(seed)
    batches = _batches(rows(about.form, about.answers(seed), seed), Random(seed))
    stable, end = 3600 * arguments.hours, 3600 * (arguments.hours + arguments.decay)
    started, saved, losses, decays = time.monotonic() - progress.seconds, progress.seconds, list[float](), False
    while progress.seconds < end:
        loss = _loss(model, next(batches))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        progress.seconds = _averaged(model, time.monotonic() - started)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if progress.seconds >= stable and not decays:
            decays = True
            if rank == 0:
                _save(out, model, average, optimizer, progress)
        factor = min(1.0, (progress.steps + 1) / WARMUP, (end - progress.seconds) / (end - stable) if decays else 1.0)
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * max(0.0, factor)
        optimizer.step()
        average.update_parameters(model)
        progress.steps += 1
        progress.rows += BATCH * arguments.processes
        losses.append(loss.item())
        if progress.seconds - saved >= EVERY or progress.seconds >= end:
            saved = progress.seconds
            progress.curve.append((round(saved), progress.rows, round(sum(losses) / len(losses), 4)))
            losses.clear()
            if rank == 0:
                print(*progress.curve[-1], f"{progress.rows / saved:.0f} rows/s", flush=True)
                if not decays:
                    _save(out, model, average, optimizer, progress)
                _write(
                    out / ("student" if decays else "average"),
                    model if decays else average.module,
                    shape,
                    vocabulary,
                    progress,
                )
    distributed.destroy_process_group()


def _loss(model: LinkedModel, batch: Mapping[str, Any]) -> torch.Tensor:
    """The mean cross-entropy of the batch's tokens."""
    with torch.autocast("cpu", torch.bfloat16, enabled=_has_bf16()):
        sources = renumbered(Sources(**{name: batch[name] for name in Sources.__dataclass_fields__}))
        scores = model(sources, batch["previous"], batch.get("place"))
    labelled = batch["labels"] != IGNORED_LABEL
    return functional.cross_entropy(scores[labelled].float(), batch["labels"][labelled])


@cache
def _has_bf16() -> bool:
    """Whether the CPU computes in bfloat16; without its instructions that takes ten times as long."""
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def _batches(source: Iterator[LinkedRow], random: Random) -> Iterator[dict[str, Any]]:
    """Batches of rows of similar length, each of them `AGAIN` times, but not in a row."""
    collator = LinkedCollator([""])
    source = (row for row in source if len(row.target) <= SIZES["longest"])
    while True:
        drawn = sorted(islice(source, BATCH * BUFFER), key=lambda row: len(row.source))
        parts = [[(row,) for row in drawn[at : at + BATCH]] for at in range(0, len(drawn), BATCH)]
        for _ in range(AGAIN):
            random.shuffle(parts)
            for part in parts:
                yield collator(part)


def _averaged(model: LinkedModel, seconds: float) -> float:
    """Average the gradients of all processes, and their `seconds`, so that all agree when to stop."""
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    flat = torch.cat([*(gradient.flatten() for gradient in gradients), torch.tensor([seconds])])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    parts = torch.split(flat, [*(gradient.numel() for gradient in gradients), 1])
    for gradient, part in zip(gradients, parts, strict=False):
        gradient.copy_(part.view_as(gradient))
    return float(flat[-1])


def _resumed(out: Path, model: LinkedModel, average: nn.Module, optimizer: Any, seed: int) -> Progress:
    """Load the checkpoint in `out`, if there is one."""
    if not (out / "state.json").is_file():
        return Progress(seed=seed)
    state = torch.load(out / "state.pt", weights_only=True)
    model.load_state_dict(state["model"])
    average.load_state_dict(state["average"])
    optimizer.load_state_dict(state["optimizer"])
    progress = Progress(**json.loads((out / "state.json").read_text(encoding="utf-8")))
    progress.restarts += 1
    return progress


def _save(out: Path, model: LinkedModel, average: nn.Module, optimizer: Any, progress: Progress) -> None:
    state = {"model": model.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(state, out / "state.pt.new")
    (out / "state.pt.new").replace(out / "state.pt")
    (out / "state.json").write_text(json.dumps(asdict(progress)), encoding="utf-8")


def _write(folder: Path, model: nn.Module, shape: Shape, vocabulary: Vocabulary, progress: Progress) -> None:
    facts = LinkedFacts(
        shape=shape.to_json(),
        tokens=vocabulary.tokens,
        features=vocabulary.features,
        branches=[""],
        modality="full",
        seed=progress.seed,
        max_length=1024,
        max_target_length=96,
    )
    write_student(folder, model.state_dict(), facts)
    (folder / "training.json").write_text(json.dumps(asdict(progress)), encoding="utf-8")


if __name__ == "__main__":
    main()
