"""A run: a question's whole road, stage by stage, in one folder.

    from dstill import Run

    run = Run.create(Path("runs/mine"))     # configuration from dstill.toml, the environment, flags
    run.generate()                          # teacher → checked dataset
    run.train()                             # dataset → student
    scores = run.evaluate()                 # student → predictions → verdicts → scores

    dataset/README.md  dataset/data/{train,validation,test,test_templates,test_index}.jsonl
    rejects.jsonl  student/  predictions.jsonl  verdicts.jsonl

The command line is a thin layer on this class. Only `Run` writes files; what happens to
a row is in `dstill.stages`.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping, Self, Sequence

from dstill import config as configuration
from dstill import hardware, stages
from dstill import plugins as plugin_loading
from dstill.card import dataset_card
from dstill.config import Config, Settings
from dstill.errors import ConfigError, DataError, Interrupted, RunError, did_you_mean
from dstill.files import renewed, write_text
from dstill.folder import RunFolder, find_run
from dstill.making import choose_modality, make_executor, make_student, make_task, modalities, task_name
from dstill.parts import Executor, Objective, Reason, Student, Teacher, TrainingJob, Writer
from dstill.plugins import Plugins
from dstill.records import SPLITS, Example, Prediction, Record, Rejection, Verdict
from dstill.rows import read_questions
from dstill.task import Task

if TYPE_CHECKING:
    from dstill.asking import Counts
    from dstill.store import ReplyStore

__all__ = ["Progress", "Run"]

# Called as progress(what, done, total); total 0: not known.
Progress = Callable[[str, int, int], None]
STORE = "replies.sqlite"
log = logging.getLogger("dstill")


def _silent(what: str, done: int, total: int) -> None:
    return None


class Run(RunFolder):
    """One run. `create` or `open` it, then call stages; each is locked, logged and resumable."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        super().__init__(folder, manifest)
        self.plugins: Plugins
        self.config: Config
        self.progress: Progress = _silent

    @classmethod
    def create(
        cls,
        folder: Path | str | None = None,
        *,
        config: Config | None = None,
        plugins: Plugins | None = None,
        arguments: Mapping[str, Any] | None = None,
    ) -> Self:
        """A new run at `folder` (None: a new name under ``./runs``). Raises UsageError, ConfigError."""
        plugins = plugins or plugin_loading.load()
        plugins.require_healthy()
        config = config or configuration.load(sections=plugin_loading.part_sections(plugins))
        stem = task_name(plugins, config.settings)
        # names that nobody knows are an error before there is a folder
        plugins.task(stem), plugins.teacher(config.settings.generate.teacher)
        run = cls.make(
            None if folder is None else Path(folder),
            stem=stem,
            arguments=arguments or {},
            seed=config.settings.project.seed,
        )
        run.plugins, run.config = plugins, config
        write_text(run.folder / "config.toml", config.to_toml())
        return run

    @classmethod
    def open(
        cls,
        name: Path | str,
        *,
        flags: Mapping[str, Any] | None = None,
        plugins: Plugins | None = None,
    ) -> Self:
        """A run that is there, by name under ``./runs`` or by path; `flags` go before its own configuration."""
        plugins = plugins or plugin_loading.load()
        plugins.require_healthy()
        run = cls.read(find_run(name))
        run.plugins = plugins
        run.config = configuration.load(
            run.folder / "config.toml", flags=flags, environment={}, sections=plugin_loading.part_sections(plugins)
        )
        return run

    # --- what the run is made of --------------------------------------------------------

    @property
    def settings(self) -> Settings:
        return self.config.settings

    @cached_property
    def task(self) -> Task:
        return make_task(self.plugins, self.config)

    @cached_property
    def objective(self) -> Objective:
        name = self.settings.train.objective
        objective = self.plugins.objective(name)(self.config.part("objective", name))
        objective.alpha = self.settings.train.alpha
        return objective

    @cached_property
    def student(self) -> Student:
        return make_student(self.plugins, self.config, self.settings.train.student)

    def executor(self) -> Executor | None:
        """What runs the task's answers, not opened yet; None where the task's answers are not run."""
        return make_executor(self.plugins, self.config, self.task)

    def records(self, split: str) -> list[Record]:
        return [Record.from_row(row) for row in self.rows(_data_file(split))]

    def rejections(self) -> list[Rejection]:
        return [Rejection.from_row(row) for row in self.rows("rejects.jsonl")]

    def predictions(self, system: str = "student") -> list[Prediction]:
        return [Prediction.from_row(row) for row in self.rows(_file("predictions", system))]

    def verdicts(self, system: str = "student", engine: str = "") -> list[Verdict]:
        """`engine`: the label of a second engine; empty: the one that the run was first scored on."""
        return [Verdict.from_row(row) for row in self.rows(_file("verdicts", system, engine))]

    # --- generate -----------------------------------------------------------------------

    def generate(self) -> Mapping[str, Any]:
        """Questions → teacher → checks → dataset. Returns the counts. A rerun buys only what is missing."""
        settings = self.settings.generate
        teacher = self.plugins.teacher(settings.teacher)(self.config.part("teacher", settings.teacher))
        executor = self.executor()  # a name that is none is told before a reply is bought
        with self.stage("generate") as facts:
            examples = self._questions()
            taught, counts = self._taught(teacher.open(self.task), examples)
            rows = self._executed(taught, executor)
            records = [row for row in rows if isinstance(row, Record)]
            rejections = [row for row in rows if isinstance(row, Rejection)]
            facts.update(_counts(examples, records, rejections), teacher=teacher.name, replies=asdict(counts))
            if not records:
                reasons = ", ".join(f"{code} {n}" for code, n in facts["rejections"].items()) or "no questions"
                raise DataError(f"0 usable rows of {len(examples)}; reasons: {reasons}")
            stages.check_splits(records)
            for split in SPLITS:
                of_split = [record for record in records if record.split == split]
                if of_split:
                    self.write(_data_file(split), of_split)
            self.write("rejects.jsonl", rejections)
            write_text(self.folder / "dataset" / "README.md", dataset_card(self.name, self.task, facts))
        return facts

    def _questions(self) -> list[Example]:
        settings = self.settings.generate
        if settings.questions:
            found = read_questions(Path(settings.questions), json_answers=self.task.json_answers)
        else:
            found = [example for split in SPLITS for example in self.task.examples(split)]
        found = [stages.split_of(example, self.settings.project.seed) for example in found]
        return stages.first(found, settings.limit) if settings.limit else found

    def _taught(self, teacher: Teacher, examples: Sequence[Example]) -> tuple[list[Record | Rejection], Counts]:
        """What the teacher's replies came to. Ctrl-C raises Interrupted, which says how many are kept."""
        from dstill import interrupts
        from dstill.asking import Counts
        from dstill.store import ReplyStore

        counts = Counts()

        rows: list[Record | Rejection] = []
        with ReplyStore(Path(STORE)) as store:
            try:
                interrupts.run(self._teach(teacher, examples, store, rows, counts))
            except KeyboardInterrupt:
                shots = self.settings.generate.shots
                kept = stages.saved(self.plugins, self.task, teacher, examples, store, shots=shots)
                resume = f"dstill generate --out {self.folder}"
                raise Interrupted(f"stopped; {kept}/{len(examples)} saved; resume with: {resume}") from None
        return rows, counts

    async def _teach(
        self,
        teacher: Teacher,
        examples: Sequence[Example],
        store: ReplyStore,
        rows: list[Record | Rejection],
        counts: Counts,
    ) -> None:
        settings = self.settings.generate
        async for row in stages.teach(
            self.plugins,
            self.task,
            teacher,
            examples,
            store,
            shots=settings.shots,
            concurrency=settings.concurrency,
            counts=counts,
        ):
            rows.append(row)
            self.progress("asking the teacher", len(rows), len(examples))

    def _executed(self, rows: list[Record | Rejection], executor: Executor | None) -> list[Record | Rejection]:
        which = self.settings.generate.execute
        if executor is None or which == "none":
            return rows
        held_out = {row.id for row in rows if isinstance(row, Record) and row.split not in ("train", "validation")}
        chosen = [row for row in rows if which == "all" or row.id in held_out]
        with executor.open(self.task, self.settings.engine):
            ran = {}
            for row in stages.execute(chosen, executor, self.task):
                ran[row.id] = row
                self.progress("running the answers", len(ran), len(chosen))
        return [ran.get(row.id, row) for row in rows]

    # --- train --------------------------------------------------------------------------

    def train(self) -> Mapping[str, Any]:
        """Dataset → student. Returns what training came to. Raises DataError, TrainingError, UsageError."""
        recipe = self.settings.train
        with self.stage("train") as facts:
            train, validation = self.records("train"), self.records("validation")
            if not train:
                raise DataError(
                    "no training rows", where=str(self.folder / _data_file("train")), hint="`dstill generate` first"
                )
            pairs = [tuple(self.objective.pairs(record, self.task)) for record in train]
            device = hardware.device()
            shape = self.student.shape(text for row in pairs for pair in row for text in (pair.source, pair.target))
            modality, choice = choose_modality(self.plugins, self.config, shape, device)
            log.info("modality %s on %s", choice.modality, device.name)
            job = TrainingJob(
                train=pairs,
                validation=[tuple(self.objective.pairs(record, self.task)) for record in validation],
                modality=modality,
                recipe=recipe,
                device=device,
                folder=self.folder / "student",
                seed=self.settings.project.seed,
                card={"task": self.task.name, "objective": recipe.objective, "rows": len(train)},
                on_step=lambda step, steps, values: self.progress("training", step, steps),
            )
            with renewed(job.folder):
                fitted = self.student.fit(job)
            # the student on disk is of these settings from now on, also for `evaluate`
            write_text(self.folder / "config.toml", self.config.to_toml())
            facts.update(asdict(fitted))
            facts.update(
                student=recipe.student,
                objective=recipe.objective,
                modality=choice.modality,
                device=asdict(device),
                choice=[_reason(reason) for reason in choice.reasons],
                student_seconds=fitted.seconds,
            )
        return facts

    # --- evaluate -----------------------------------------------------------------------

    def evaluate(self) -> Mapping[str, Any]:
        """Student → predictions (those that are missing) → verdicts → scores of every system and set."""
        for split in self.settings.evaluate.splits:
            if split not in SPLITS:
                raise ConfigError(
                    f"no split '{split}'.{did_you_mean(split, SPLITS)}",
                    where="evaluate.splits",
                    hint=f"there are {', '.join(SPLITS)}",
                )
        records = [record for split in self.settings.evaluate.splits for record in self.records(split)]
        if not records:
            raise DataError(
                f"nothing to evaluate: no rows in {', '.join(self.settings.evaluate.splits)}",
                where=str(self.folder / "dataset"),
            )
        stages.check_splits([*self.records("train"), *records])
        examples = [record.example for record in records]
        executor = self.executor()
        if executor is None:
            return self._evaluate(examples, None)
        with executor.open(self.task, self.settings.engine):
            return self._evaluate(examples, executor)

    def _evaluate(self, examples: Sequence[Example], executor: Executor | None) -> Mapping[str, Any]:
        label = executor.label if executor else "not executed"
        first = self.manifest["stages"].get("evaluate", {}).get("engine", label) == label
        with self.stage("evaluate" if first else f"evaluate on {label}") as facts:
            systems = ["student", *self._baselines()]
            scores: dict[str, Any] = {}
            for system in systems:
                predictions = self._predicted(system, examples)
                verdicts = []
                for verdict in stages.judge(
                    self.plugins, self.task, zip(examples, predictions, strict=True), self.objective, executor
                ):
                    verdicts.append(verdict)
                    self.progress(f"judging {system}", len(verdicts), len(examples))
                self.write(_file("verdicts", system, "" if first else label), verdicts)
                scores[system] = self._scores(verdicts)
                if system == "student":
                    facts["categories"] = self._by_category(verdicts)
                    facts["latency"] = _latency(predictions)
            facts.update(engine=label, scores=scores, peak_memory=hardware.peak_memory())
        return facts

    def _baselines(self) -> list[str]:
        installed = self.plugins.names("students")
        return [name for name in self.settings.evaluate.baselines if name == "untrained" or name in installed]

    def _predicted(self, system: str, examples: Sequence[Example]) -> list[Prediction]:
        """The predictions on disk, when they are of these examples; else made now and written."""
        kept = {p.id: p for p in self.predictions(system)}
        if set(kept) >= {e.id for e in examples} and self._fresh(system):
            return [kept[e.id] for e in examples]
        writer = self.writer(system)
        predictions = []
        for prediction in stages.predict(writer, self.objective, self.task, examples):
            predictions.append(prediction)
            self.progress(f"answering ({system})", len(predictions), len(examples))
        self.write(_file("predictions", system), predictions)
        return predictions

    def _fresh(self, system: str) -> bool:
        """Whether predictions are younger than the student that they are of, and than its dataset."""
        made = (self.folder / _file("predictions", system)).stat().st_mtime_ns
        sources = [*(self.folder / "student").rglob("*"), self.folder / _data_file("train")]
        return all(made >= source.stat().st_mtime_ns for source in sources if source.exists())

    def writer(self, system: str) -> Writer:
        """The run's student, or one of its baselines, ready to write. Raises RunError when it has none yet."""
        if system in ("student", "untrained"):
            folder = self.folder / "student"
            if not folder.exists():
                raise RunError(f"run '{self.name}' has no student yet", hint=f"dstill train {self.folder}")
            return self.student.load(folder, trained=system == "student")
        # a baseline that is a student itself, fitted on the same pairs
        student = make_student(self.plugins, self.config, system)
        folder = self.folder / "baselines" / system
        folder.mkdir(parents=True, exist_ok=True)
        recipe = self.settings.train
        train = [tuple(self.objective.pairs(record, self.task)) for record in self.records("train")]
        _, modality = next(iter(modalities(self.plugins, self.config).items()))
        student.fit(
            TrainingJob(
                train=train,
                validation=(),
                modality=modality,
                recipe=recipe,
                device=hardware.device(),
                folder=folder,
                seed=self.settings.project.seed,
            )
        )
        return student.load(folder)

    def _scores(self, verdicts: Sequence[Verdict]) -> dict[str, Any]:
        """Split → metric → score, over every set that was judged."""
        return {
            split: self._metrics([v for v in verdicts if v.split == split]) for split in self.settings.evaluate.splits
        }

    def _by_category(self, verdicts: Sequence[Verdict]) -> dict[str, Any]:
        first = self.settings.evaluate.splits[0]
        categories = sorted({v.category for v in verdicts if v.category})
        return {c: self._metrics([v for v in verdicts if v.category == c and v.split == first]) for c in categories}

    def _metrics(self, verdicts: Sequence[Verdict]) -> dict[str, Any]:
        return {name: self.plugins.metric(name)()(verdicts).to_row() for name in self.plugins.names("metrics")}


# --- small things -----------------------------------------------------------------------


def _data_file(split: str) -> str:
    return f"dataset/data/{split}.jsonl"


def _file(kind: str, system: str, engine: str = "") -> str:
    parts = [kind, *([] if system == "student" else [system]), *([_slug(engine)] if engine else [])]
    return "-".join(parts) + ".jsonl"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")


def _counts(examples: Sequence[Example], records: Sequence[Record], rejections: Sequence[Rejection]) -> dict[str, Any]:
    codes = Counter(next(p.code for p in r.problems if p.is_error) for r in rejections)
    return {
        "questions": len(examples),
        "accepted": len(records),
        "rejected": len(rejections),
        "splits": {split: n for split in SPLITS if (n := sum(r.split == split for r in records))},
        "categories": dict(sorted(Counter(r.category for r in records if r.category).items())),
        "rejections": dict(codes.most_common()),
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "modality": reason.modality,
        "fullness": reason.fullness,
        "need": reason.need.total,
        "parts": dict(reason.need.parts),
        "unfit": reason.unfit,
    }


def _latency(predictions: Iterable[Prediction]) -> dict[str, float | None]:
    """Seconds a question, p50 and p95, as measured while writing in batches."""
    import statistics

    seconds = sorted(p.seconds for p in predictions if p.seconds is not None)
    if len(seconds) < 2:
        return {"p50": None, "p95": None}
    cuts = statistics.quantiles(seconds, n=20)
    return {"p50": round(statistics.median(seconds), 6), "p95": round(cuts[18], 6)}
