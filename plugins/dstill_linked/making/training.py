"""Trains a base in several processes with one thread each, and goes on from its checkpoint.

    train(partial(data_of, "sums"), Path("build/base/sums"), Schedule(hours=2, decay=0.4, processes=2))

Every process draws its own rows, and gradients are averaged at each step. The learning rate is constant for `hours` and
then falls to 0 within `decay` more hours (warmup, stable, decay: Hu et al. 2024, MiniCPM, section 4). A later call with
more hours goes on from where the learning rate was constant. A stop loses nothing, a kill the minutes since the last
checkpoint.

    state.pt, decay.pt     weights and moments of the constant part and of the decay; only this program reads them
    state.json, decay.json seconds, steps, rows and the curve of the loss
    start                  the student whose weights come first, if there is one
    average                a student with the moving average of the weights, at each checkpoint
    student                the student after the decay
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import distributed, nn
from torch.multiprocessing import get_context
from torch.multiprocessing.spawn import spawn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dstill.errors import Interrupted
from dstill.runtime.progress import Progress, silent
from dstill_linked.encoding import LinkedCollator, LinkedRow
from dstill_linked.making.data import BaseData
from dstill_linked.making.rows import rows
from dstill_linked.model import LinkedModel, Sources
from dstill_linked.saving import FILE, LinkedFacts, read_model, write_student
from dstill_linked.shape import Shape
from dstill_linked.tensors import renumbered
from dstill_linked.vocabulary import RELATIONS, Vocabulary
from dstill_torch.batches import IGNORED_LABEL
from dstill_torch.muon import muon

__all__ = ["SIZES", "Schedule", "State", "new_model", "read_state", "train", "write_start"]

BATCH = 48  # rows of one step of one process
BUFFER = 8  # batches that are drawn at once and sorted by length
AGAIN = 2  # steps with each batch: rows cost a quarter of a step
WARMUP = 300  # steps
LEARNING_RATE = 6e-3
AVERAGED = 0.9995  # of the moving average is kept at each step: it covers about 2,000 of them, some 25 minutes
WEIGHT_DECAY = 0.01
EVERY = 300  # seconds between checkpoints
SIZES = {"width": 192, "heads": 6, "hidden": 768, "encoder_layers": 4, "decoder_layers": 2, "longest": 96}
SOURCE_POSITIONS = 1024  # of a reading that the student takes


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long to train."""

    hours: float = 2.0  # with a constant learning rate, earlier calls included
    decay: float = 0.4  # hours in which it falls to 0
    processes: int = 1
    seed: int = 0

    @property
    def stable(self) -> float:
        """Seconds with a constant learning rate."""
        return 3600 * self.hours

    @property
    def end(self) -> float:
        """Seconds of the whole training."""
        return 3600 * (self.hours + self.decay)


@dataclass
class State:
    """What is done so far."""

    seconds: float = 0.0
    steps: int = 0
    rows: int = 0
    restarts: int = 0
    seed: int = 0
    decays_from: float = 0.0  # seconds; 0: the learning rate is constant
    decays_until: float = 0.0
    curve: list[Sequence[float]] = field(default_factory=list)  # seconds, rows, loss


def train(source: Callable[[], BaseData], out: Path, schedule: Schedule, progress: Progress = silent) -> State:
    """Train in the folder `out` until the schedule ends. `source` must be picklable: each process calls it.

    Raises Interrupted after Ctrl-C, when everything is saved.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "rendezvous").unlink(missing_ok=True)
    context = get_context("spawn")
    stop, shown = context.Event(), context.Array("d", 3)  # seconds, rows, loss
    started = spawn(  # type: ignore[no-untyped-call]
        _run, (source, out, schedule, stop, shown), nprocs=schedule.processes, join=False
    )
    interrupted = False
    while True:
        try:
            if started.join(timeout=1):
                break
            seconds, n_rows, loss = shown[:]
            detail = f"{round(n_rows):,} rows, loss {loss:.3f}" if n_rows else ""
            progress("training", round(min(seconds, schedule.end)), round(schedule.end), detail)
        except KeyboardInterrupt:
            interrupted = True
            stop.set()
    if interrupted:
        raise Interrupted("stopped; everything is saved", where=str(out), hint="the same command goes on from there")
    progress("training", round(schedule.end), round(schedule.end))
    return read_state(out / "student" / "training.json")


def new_model(vocabulary: Vocabulary) -> LinkedModel:
    """A model with random weights."""
    return LinkedModel(Shape(features=vocabulary.n_features, tokens=vocabulary.n_tokens, relations=RELATIONS, **SIZES))


def write_start(out: Path, model: LinkedModel, vocabulary: Vocabulary) -> None:
    """Write the weights that a training in `out` begins with."""
    _write(out / "start", model, model.shape, vocabulary, State())


def read_state(file: Path) -> State:
    """The state that a training wrote."""
    return State(**json.loads(file.read_text(encoding="utf-8")))


def _run(rank: int, source: Callable[[], BaseData], out: Path, schedule: Schedule, stop: Any, shown: Any) -> None:
    """One process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process of all decides
    torch.set_num_threads(1)
    rendezvous = f"file://{(out / 'rendezvous').absolute()}"
    distributed.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=schedule.processes)
    about = source()
    vocabulary = Vocabulary.of(about.form)
    torch.manual_seed(schedule.seed)
    if (out / "start" / FILE).is_file():
        model = read_model(out / "start", about.form)[0].train()
    else:
        model = new_model(vocabulary)
    optimizer = muon(model, learning_rate=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(AVERAGED))  # type: ignore[no-untyped-call]
    state = _resumed(out, model, average, optimizer, schedule)
    seed = 1_000 * state.seed + 100 * state.restarts + rank  # other rows after each start
    torch.manual_seed(seed)
    batches = _batches(rows(about.form, about.answers(seed), seed), Random(seed))
    started, saved, losses = time.monotonic() - state.seconds, state.seconds, list[float]()
    stopping = False
    while state.seconds < schedule.end and not stopping:
        loss = _loss(model, next(batches))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        state.seconds, stopping = _averaged(model, time.monotonic() - started, stop.is_set())
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if state.seconds >= schedule.stable and not state.decays_from:
            if rank == 0:
                _save(out / "state", model, average, optimizer, state)
            state.decays_from, state.decays_until = state.seconds, schedule.end
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * _factor(state, schedule)
        optimizer.step()
        average.update_parameters(model)
        state.steps += 1
        state.rows += BATCH * schedule.processes
        losses.append(loss.item())
        if rank == 0:
            shown[:] = (state.seconds, state.rows, losses[-1])
        if state.seconds - saved >= EVERY or state.seconds >= schedule.end or stopping:
            saved = state.seconds
            state.curve.append((round(saved), state.rows, round(sum(losses) / len(losses), 4)))
            losses.clear()
            if rank == 0:
                _save(out / ("decay" if state.decays_from else "state"), model, average, optimizer, state)
                averaged = average.module
                _write(out / "average", averaged, model.shape, vocabulary, state)
    if rank == 0 and state.seconds >= schedule.end:
        _write(out / "student", model, model.shape, vocabulary, state)
    distributed.barrier()
    distributed.destroy_process_group()


def _factor(state: State, schedule: Schedule) -> float:
    """The share of the learning rate at this step."""
    falls = (schedule.end - state.seconds) / max(1.0, schedule.end - schedule.stable) if state.decays_from else 1.0
    return max(0.0, min(1.0, (state.steps + 1) / WARMUP, falls))


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


def _averaged(model: LinkedModel, seconds: float, stopping: bool) -> tuple[float, bool]:
    """Average the gradients of all processes, and their `seconds`, so that all agree when to decay and when to stop."""
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    own = torch.tensor([seconds, float(stopping)])
    flat = torch.cat([*(gradient.flatten() for gradient in gradients), own])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    parts = torch.split(flat, [*(gradient.numel() for gradient in gradients), 2])
    for gradient, part in zip(gradients, parts, strict=False):
        gradient.copy_(part.view_as(gradient))
    return float(flat[-2]), bool(flat[-1] > 0)


def _resumed(out: Path, model: LinkedModel, average: nn.Module, optimizer: Any, schedule: Schedule) -> State:
    """Load the checkpoint in `out`, if there is one: that of a decay only if it is this one."""
    for name in ("decay", "state"):
        if not (out / f"{name}.json").is_file():
            continue
        state = read_state(out / f"{name}.json")
        if name == "decay" and (state.decays_until != schedule.end or state.decays_from < schedule.stable):
            continue
        saved = torch.load(out / f"{name}.pt", weights_only=True)
        model.load_state_dict(saved["model"])
        average.load_state_dict(saved["average"])
        optimizer.load_state_dict(saved["optimizer"])
        state.restarts += 1
        return state
    return State(seed=schedule.seed)


def _save(file: Path, model: LinkedModel, average: nn.Module, optimizer: Any, state: State) -> None:
    saved = {"model": model.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(saved, file.with_suffix(".new"))
    file.with_suffix(".new").replace(file.with_suffix(".pt"))
    file.with_suffix(".json").write_text(json.dumps(asdict(state)), encoding="utf-8")


def _write(folder: Path, model: nn.Module, shape: Shape, vocabulary: Vocabulary, state: State) -> None:
    facts = LinkedFacts(
        shape=shape.to_json(),
        tokens=vocabulary.tokens,
        features=vocabulary.features,
        branches=[""],
        modality="full",
        seed=state.seed,
        max_length=SOURCE_POSITIONS,
        max_target_length=SIZES["longest"],
    )
    write_student(folder, model.state_dict(), facts)
    (folder / "training.json").write_text(json.dumps(asdict(state)), encoding="utf-8")
