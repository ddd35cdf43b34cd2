"""Trains the base from nothing, in several processes with one thread each, and goes on from its checkpoint.

    python -m tools.base.train --out build/base --hours 2

Every process draws its own rows; gradients are averaged at each step. The learning rate falls with the share of
the time that is over, so a longer training is another one. A stop loses at most the minutes since the last checkpoint.

    build/base/state.pt            weights and moments; only this program reads it
    build/base/state.json          seconds, steps, rows and the curve of the loss
    build/base/student             the student, for `--student linked:build/base/student`
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import distributed, multiprocessing
from torch.nn import functional

from dstill_finetune.collate import IGNORED
from dstill_finetune.muon import muon
from dstill_finetune.trainer import learning_rate_factor
from dstill_linked.encoding import LinkedCollator, LinkedRow
from dstill_linked.model import LinkedModel, Shape, Sources
from dstill_linked.saving import LinkedFacts, write_student
from dstill_linked.tensors import RELATIONS, Vocabulary
from tools.base.data import FORM, rows

BATCH = 32  # rows of one step of one process
BUFFER = 8  # batches that are drawn at once and sorted by length
AGAIN = 2  # steps with each batch: rows cost a quarter of a step
WARMUP = 0.01
LEARNING_RATE = 8e-3
WEIGHT_DECAY = 0.01
EVERY = 300  # seconds between checkpoints
SIZES = {"width": 192, "heads": 6, "hidden": 768, "encoder_layers": 4, "decoder_layers": 2, "longest": 96}


@dataclass
class Progress:
    """What is done so far."""

    seconds: float = 0.0
    steps: int = 0
    restarts: int = 0
    curve: list[Sequence[float]] = field(default_factory=list)  # seconds, rows, loss


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the base of the student linked")
    parser.add_argument("--out", type=Path, default=Path("build/base"))
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "rendezvous").unlink(missing_ok=True)
    multiprocessing.spawn(_run, (arguments,), nprocs=arguments.processes)


def _run(rank: int, arguments: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    out: Path = arguments.out
    rendezvous = f"file://{(out / 'rendezvous').absolute()}"
    distributed.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=arguments.processes)
    vocabulary = Vocabulary.of(FORM)
    torch.manual_seed(arguments.seed)
    shape = Shape(features=vocabulary.n_features, tokens=vocabulary.n_tokens, relations=RELATIONS, **SIZES)
    model = LinkedModel(shape)
    optimizer = muon(model, learning_rate=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    progress = _resumed(out, model, optimizer)
    seed = 1_000 * arguments.seed + 100 * progress.restarts + rank  # other rows after each start
    torch.manual_seed(seed)
    batches = _batches(seed)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: learning_rate_factor(share[0], WARMUP))
    started, saved = time.monotonic() - progress.seconds, progress.seconds
    share, losses = [progress.seconds / (3600 * arguments.hours)], []
    while share[0] < 1:
        batch = next(batches)
        with torch.autocast("cpu", torch.bfloat16):
            sources = Sources(**{name: batch[name] for name in Sources.__dataclass_fields__})
            scores = model(sources, batch["previous"], batch.get("place"))
        loss = functional.cross_entropy(scores.float().flatten(0, 1), batch["labels"].flatten(), ignore_index=IGNORED)
        optimizer.zero_grad()
        loss.backward()
        progress.seconds = _averaged(model, time.monotonic() - started)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        share[0] = progress.seconds / (3600 * arguments.hours)
        schedule.step()
        optimizer.step()
        progress.steps += 1
        losses.append(loss.item())
        if progress.seconds - saved >= EVERY or share[0] >= 1:
            saved = progress.seconds
            n = progress.steps * BATCH * arguments.processes
            progress.curve.append((round(saved), n, round(sum(losses) / len(losses), 4)))
            losses.clear()
            if rank == 0:
                print(*progress.curve[-1], f"{n / saved:.0f} rows/s", flush=True)
                _save(out, model, optimizer, progress, vocabulary, arguments.seed)
    distributed.destroy_process_group()


def _batches(seed: int) -> Iterator[dict[str, Any]]:
    """Batches of rows of similar length, each of them `AGAIN` times, but not in a row."""
    random, source = Random(seed), rows(seed)
    collator = LinkedCollator([""])
    while True:
        drawn: list[LinkedRow] = sorted((next(source) for _ in range(BATCH * BUFFER)), key=lambda row: len(row.source))
        parts = [[(row,) for row in drawn[at : at + BATCH]] for at in range(0, len(drawn), BATCH)]
        for _ in range(AGAIN):
            random.shuffle(parts)
            for part in parts:
                yield collator(part)


def _averaged(model: LinkedModel, seconds: float) -> float:
    """Average the gradients of all processes. Returns the seconds of process 0."""
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    flat = torch.cat([*(gradient.flatten() for gradient in gradients), torch.tensor([seconds])])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for gradient, part in zip(gradients, flat.split([gradient.numel() for gradient in gradients] + [1]), strict=False):
        gradient.copy_(part.view_as(gradient))
    return float(flat[-1])


def _resumed(out: Path, model: LinkedModel, optimizer: Any) -> Progress:
    """Load the checkpoint in `out`, if there is one."""
    if not (out / "state.json").is_file():
        return Progress()
    state = torch.load(out / "state.pt", weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    progress = Progress(**json.loads((out / "state.json").read_text(encoding="utf-8")))
    progress.restarts += 1
    return progress


def _save(out: Path, model: LinkedModel, optimizer: Any, progress: Progress, vocabulary: Vocabulary, seed: int) -> None:
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, out / "state.pt.new")
    (out / "state.pt.new").replace(out / "state.pt")
    (out / "state.json").write_text(json.dumps(asdict(progress)), encoding="utf-8")
    facts = LinkedFacts(
        shape=model.shape.to_json(),
        tokens=vocabulary.tokens,
        features=vocabulary.features,
        branches=[""],
        modality="full",
        seed=seed,
        max_length=1024,
        max_target_length=96,
    )
    write_student(out / "student", model.state_dict(), facts)


if __name__ == "__main__":
    main()
