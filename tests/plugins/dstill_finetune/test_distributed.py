"""Training in two processes with torchrun equals training in one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.finetuned import fit

from dstill.errors import TrainingError, UsageError
from dstill.runtime import distributed, hardware
from dstill_finetune.collate import Collator
from dstill_finetune.tiny import Tiny
from dstill_torch.batches import BucketSampler
from dstill_torch.dataset import Dataset, Row
from dstill_torch.loss import tokens
from dstill_torch.modalities import Full

# --- rank and world size ----------------------------------------------------------------


@pytest.fixture
def rank_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is the second of two on one machine."""
    names = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}
    for name, value in names.items():
        monkeypatch.setenv(name, value)


def test_single_process_is_main() -> None:
    assert (distributed.world_size(), distributed.rank(), distributed.is_main()) == (1, 0, True)
    assert distributed.broadcast(lambda: 3) == 3
    assert distributed.all_gather("a") == ["a"]


@pytest.mark.usefixtures("rank_one")
def test_second_process_is_not_main(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (distributed.world_size(), distributed.rank(), distributed.is_main()) == (2, 1, False)
    monkeypatch.setattr(hardware, "available_memory", lambda: 6 * 2**30)
    assert hardware.device().free == 3 * 2**30


@pytest.mark.usefixtures("rank_one")
@pytest.mark.parametrize(
    ("raised", "becomes"),
    [
        (RuntimeError("[../gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:1"), TrainingError),
        (RuntimeError("shapes do not match"), RuntimeError),
        (KeyError("x"), KeyError),
    ],
)
def test_lost_process_is_an_error(raised: Exception, becomes: type[Exception]) -> None:
    with pytest.raises(becomes) as caught, distributed.in_step():
        raise raised
    if becomes is TrainingError:
        assert "another process of this training ended" in str(caught.value)
        assert "process 1 of 2" in str(caught.value)


@pytest.mark.usefixtures("rank_one")
def test_batch_is_halved_only_in_a_single_process(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="this training has 2"):
        fit(Tiny(), Full(), tmp_path / "student", auto_find_batch_size=True)


# --- shares -----------------------------------------------------------------------------


@pytest.mark.parametrize("records", [1, 7, 8, 9, 61, 64])
@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("epoch", [0, 1])
def test_each_record_is_seen_once_per_epoch(records: int, count: int, epoch: int) -> None:
    """Batches as accelerate distributes them; every process takes the same number of steps."""
    from accelerate.data_loader import BatchSamplerShard
    from torch.utils.data import BatchSampler

    lengths = [(number * 37) % 50 for number in range(records)]
    batch = 2
    shares = []
    for number in range(count):
        sampler: Any = BucketSampler(lengths, batch * count, seed=3, processes=count)
        sampler.set_epoch(epoch)
        shares.append(list(BatchSamplerShard(BatchSampler(sampler, batch, False), count, number)))
    assert len({len(share) for share in shares}) == 1
    seen = Counter(index for share in shares for step in share for index in step if index >= 0)
    assert seen == Counter(range(records))
    alone = BucketSampler(lengths, batch * count, seed=3)
    alone.set_epoch(epoch)
    order = list(alone)
    for step, parts in enumerate(zip(*shares, strict=True)):  # together they learn what one process would
        whole = order[step * batch * count : (step + 1) * batch * count]
        assert [index for part in parts for index in part if index >= 0] == whole


def test_padding_records_have_no_weight() -> None:
    record = (Row([5, 6], [7, 1], 0.5, "label"), Row([5, 6], [8, 9, 1], 0.5, "rationale"))
    data = Dataset(records=[record], n_too_long=0)
    collator = Collator(encoder_decoder=True, pad=0, branches=data.branches)
    assert tokens(collator([data[0], data[~0]]), 2).tolist() == [2, 3]
    assert data[~0][1].target == record[1].target


# --- torchrun ---------------------------------------------------------------------------

# Runs as `python -m dstill`, logs what is written into the run, and acts at step 5 of process 1.
SCRIPT = """
import contextlib, os, signal, sys
from dstill.cli import main, train

run, looks, deed = sys.argv[1:4]
sys.argv[1:4] = []
rank = os.environ.get("RANK", "0")

def watch(event, args):
    writes = event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate")
    if event == "open" and isinstance(args[2], int):
        writes = bool(args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    if writes and isinstance(args[0], str) and os.path.abspath(args[0]).startswith(run):
        with open(f"{looks}-{rank}", "a") as file:
            print(event, args[0], file=file)

sys.addaudithook(watch)
before = train.progress

@contextlib.contextmanager
def progress():
    with before() as report:
        def told(what, done, total, detail=""):
            report(what, done, total, detail)
            if rank == "1" and done == 5 and deed == "interrupt":
                os.kill(os.getpid(), signal.SIGINT)
            if rank == "1" and done == 5 and deed == "fail":
                raise MemoryError("no room left in process 1")
        yield told

train.progress = progress
main(sys.argv[1:])
"""

SETTINGS = """
[project]
task = "toy"
[train]
student = "tiny"
modality = "full"
learning_rate = 0.003
per_device_train_batch_size = 4
max_steps = 12
threads = 1
save_steps = 4
lora_dropout = 0.0
[student.tiny]
d_model = 32
d_ff = 64
num_layers = 1
num_decoder_layers = 1
"""


class Project:
    """A project with a dataset of 13 records, which no batch of 4 divides."""

    def __init__(self, folder: Path, toy: Path) -> None:
        self.folder, self.toy = folder, toy
        (folder / "dstill.toml").write_text(SETTINGS)
        (folder / "script.py").write_text(SCRIPT)
        self._ended("-m", "dstill", "--plugin", str(toy), "generate", "--teacher", "parrot", "--out", "made")

    def train(self, run: str, *settings: str, count: int, action: str = "") -> subprocess.CompletedProcess[str]:
        if not (self.folder / run).exists():
            shutil.copytree(self.folder / "made", self.folder / run)
        # so that all of them learn from one global batch of 4
        words = [*settings, f"train.per_device_train_batch_size={4 // count}"]
        launcher = ["-m", "torch.distributed.run", "--nproc-per-node", str(count)] if count > 1 else []
        look = [str(self.folder / run), str(self.folder / f"looks-{run}"), action or "none"]
        flags = [word for setting in words for word in ("--set", setting)]
        return self._ended(*launcher, "script.py", *look, "--plugin", str(self.toy), "train", run, *flags)

    def _ended(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def facts(self, run: str) -> dict[str, Any]:
        manifest = json.loads((self.folder / run / "run.json").read_text())
        assert manifest["status"] == "train: done"
        found: dict[str, Any] = manifest["stages"]["train"]
        return found

    def curve(self, run: str) -> dict[tuple[int, str], float]:
        names = ("loss", "eval_loss", "grad_norm", "learning_rate")
        rows = self.facts(run)["history"]
        return {(row["step"], name): row[name] for row in rows for name in names if name in row}


@pytest.fixture(scope="module")
def project_of_two(tmp_path_factory: pytest.TempPathFactory, toy_file: Path) -> Project:
    return Project(tmp_path_factory.mktemp("several"), toy_file)


SETTINGS_ALONE = {
    "accumulation": ["train.gradient_accumulation_steps=2"],
    "lora-decoder": ["train.modality=lora", "train.task_prefix=decoder"],
    "accuracy": ["train.early_stopping=accuracy", "train.eval_steps=3", "train.early_stopping_patience=2"],
}


# All of these settings at once, and each alone.
@pytest.mark.nightly
@pytest.mark.parametrize(
    "settings",
    [
        pytest.param([setting for settings in SETTINGS_ALONE.values() for setting in settings], id="together"),
        *(pytest.param(settings, id=name, marks=pytest.mark.nightly) for name, settings in SETTINGS_ALONE.items()),
    ],
)
def test_loss_curve_of_two_processes_matches_one(
    project_of_two: Project, settings: list[str], request: pytest.FixtureRequest
) -> None:
    one, two = (f"{request.node.callspec.id}-{count}" for count in (1, 2))
    alone, both = project_of_two.train(one, *settings, count=1), project_of_two.train(two, *settings, count=2)
    assert (alone.returncode, both.returncode) == (0, 0), alone.stderr + both.stderr
    assert project_of_two.curve(two) == pytest.approx(project_of_two.curve(one), rel=1e-4)
    mine, other = project_of_two.facts(two), project_of_two.facts(one)
    assert (mine["processes"], other["processes"]) == (2, 1)
    for name in ("steps", "tokens_seen", "best_step", "trained_parameters"):
        assert mine[name] == other[name]
    # only process 0 writes and prints
    assert not (project_of_two.folder / f"looks-{two}-1").exists()
    assert (project_of_two.folder / f"looks-{two}-0").exists()
    assert both.stdout.count(" steps in ") == 1
    assert both.stderr.count("training 1/12") == 1
    assert len(list((project_of_two.folder / two / "events").iterdir())) == 1


@pytest.mark.nightly
def test_signal_stops_both_processes_at_one_step_and_training_resumes(project_of_two: Project) -> None:
    project_of_two.train("whole", count=1)
    stopped = project_of_two.train("half", count=2, action="interrupt")
    assert stopped.returncode == 1  # torchrun's own
    assert (
        "error: stopped at step 6 of 12; checkpoint-6 is kept\nhint: run the same command again to continue"
        in stopped.stderr
    )
    assert json.loads((project_of_two.folder / "half" / "run.json").read_text())["status"] == "train: interrupted"
    kept = project_of_two.folder / "half" / "checkpoints" / "checkpoint-6"
    assert {"rng_state_0.pth", "rng_state_1.pth", "COMPLETE.json"} <= {path.name for path in kept.iterdir()}
    resumed = project_of_two.train("half", count=2)
    assert resumed.returncode == 0, resumed.stderr
    assert "training 6/12" not in resumed.stderr
    assert project_of_two.curve("half") == pytest.approx(project_of_two.curve("whole"), rel=1e-4)
    assert project_of_two.facts("half")["tokens_seen"] == project_of_two.facts("whole")["tokens_seen"]
    assert not (project_of_two.folder / "looks-half-1").exists()


@pytest.mark.nightly
def test_failed_process_stops_all_with_its_reason(project_of_two: Project) -> None:
    ended = project_of_two.train("broken", count=2, action="fail")
    assert ended.returncode == 1  # torchrun's own; it names the process and its exit code
    assert "process 1 of 2 (numbered from 0)\nerror: out of memory while training" in ended.stderr
    assert "exitcode  : 10" in ended.stderr
    status = json.loads((project_of_two.folder / "broken" / "run.json").read_text())["status"]
    # torchrun's SIGTERM may come first
    assert status in ("train: failed: another process of this training ended", "train: interrupted")


@pytest.mark.nightly
def test_shared_error_is_printed_once(project_of_two: Project) -> None:
    ended = project_of_two.train("wrong", "train.target_modules=nothing", "train.modality=lora", count=2)
    assert ended.returncode == 1
    assert ended.stderr.count("has no linear layer called 'nothing'") == 1
    assert "exitcode  : 2" in ended.stderr


@pytest.mark.parametrize("rank", [0, 1])
def test_other_stages_refuse_several_processes(
    rank: int, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("generate", "--task", "toy", "--teacher", "parrot", "--out", "made").code == 0
    monkeypatch.setattr("dstill.cli.PATIENCE", 0)  # by then torchrun has ended process 1
    for name, value in {"RANK": rank, "WORLD_SIZE": 2, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": 2}.items():
        monkeypatch.setenv(name, str(value))
    ended = cli("evaluate", "made")
    assert ended.code == 2
    said = "error: dstill evaluate runs in one process, and here are 2"
    assert ended.err.startswith(said if rank == 0 else f"process 1 of 2 (numbered from 0)\n{said}")
