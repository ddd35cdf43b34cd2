"""A run: a question's whole road, stage by stage, in one folder.

    from dstill import Run

    run = Run.create(Path("runs/mine"))     # configuration from dstill.toml, the environment, flags
    run.generate()                          # teacher → checked dataset
    run.train()                             # dataset → student
    scores = run.evaluate()                 # student → predictions → verdicts → scores

    dataset/README.md  dataset/data/{train,validation,test,test_unseen_templates,test_unseen_data}.jsonl
    rejects.jsonl  student/  predictions.jsonl  verdicts.jsonl

The command line is a thin layer on this class. A stage is a function (`dstill.pipeline.generate`,
`dstill.pipeline.train`, `dstill.pipeline.evaluate`): `Run` reads what it needs, calls it, and writes what it returns.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Iterator, Mapping, Sequence

from dstill.api.executor import Executor
from dstill.api.records import SPLITS, Example, Prediction, Record, Rejection, Verdict
from dstill.errors import DataError, Interrupted, UsageError
from dstill.factory import Setup, make_teacher
from dstill.io.files import replace_dir, write_text
from dstill.io.shell import command
from dstill.pipeline import augment, data_drift, error_analysis, teacher_eval
from dstill.pipeline import review as reviewing
from dstill.pipeline.augment import Focus
from dstill.pipeline.curate import Dataset, relabelled
from dstill.pipeline.data_monitor import monitored
from dstill.pipeline.dataset_card import dataset_card
from dstill.pipeline.efficiency import measured_efficiency
from dstill.pipeline.evaluate import BLOCK, baselines, evaluate, predicted, require_splits, scores, scoring
from dstill.pipeline.generate import Purchase, generate, questions, refuse_other_questions
from dstill.pipeline.steps import check_splits
from dstill.pipeline.train import TrainingFiles, planned, trained
from dstill.runs.contents import RunContents
from dstill.runs.folder import EXPORT, REQUESTS, STORE, RunFolder, data_file, find_run, system_file
from dstill.runs.provenance import commit, loaded, sha256, versions
from dstill.runs.review_log import decisions
from dstill.runtime import distributed

__all__ = ["Run", "focus_asked", "focus_in"]

# What Ctrl-C leaves, by stage.
KEPT = {
    "generate": "every reply is kept",
    "curate": "the dataset is whole, or as it was before",
    "train": "the student that was there before is kept",
    "review": "every decision is kept",
    "evaluate": f"answers are kept, but for those of the last block of {BLOCK}",
}
COMMANDS = {"curate": ("data", "curate"), "sweep": ("experiment", "sweep"), "ablate": ("experiment", "ablate")}
TOGETHER = "train"  # the one stage that several processes may do together
log = logging.getLogger("dstill")


class Run(RunContents):
    """One run. `create` or `open` it, then call stages; each is locked, logged and resumable."""

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[dict[str, Any]]:
        """As in `RunFolder`; Ctrl-C raises Interrupted, which says how to go on.

        Of several processes (`dstill.runtime.distributed`) only the first locks the run, logs and writes.
        """
        if distributed.world_size() > 1 and name != TOGETHER:
            raise UsageError(
                f"dstill {name.split()[0]} runs in one process, and here are {distributed.world_size()}",
                where="WORLD_SIZE in the environment",
                hint=f"start it without torchrun or accelerate; those are for dstill {TOGETHER}",
            )
        if not distributed.is_main():
            log.setLevel(logging.ERROR)
            yield {}
            return
        try:
            with super().stage(name) as facts:
                yield facts
        except KeyboardInterrupt:
            stage = name.split()[0]
            words = ("--out", self.folder) if stage == "generate" else (self.folder,)
            more = " …" if stage == "sweep" else ""  # its file
            raise Interrupted(
                f"stopped in {name}; {KEPT.get(stage, 'files at their final names are complete')}",
                where=str(self.folder),
                hint=f"go on with: {command(*COMMANDS.get(stage, (stage,)), *words)}{more}",
            ) from None

    @property
    def has_dataset(self) -> bool:
        return any(name.startswith("dataset/") for name in self.manifest["files"])

    def generate(self, *, resume_with_changes: bool = False) -> Mapping[str, Any]:
        """Questions → teacher → checks → dataset. Returns the counts. A rerun buys only what is missing.

        A run that has a dataset of other questions gets one of those of now only with `resume_with_changes` (RunError).
        """
        teacher = make_teacher(self.plugins, self.config)
        with self.stage("generate") as facts:
            focus = focus_asked(self.setup)
            examples = questions(self.task, self.settings, focus)
            if self.has_dataset and not resume_with_changes:
                where = self.settings.generate.questions or f"task '{self.task.name}'"
                before = [inquiry.example for inquiry in self.teacher_requests()]
                refuse_other_questions(examples, before, self.name, where)
            generated = generate(self.setup, teacher, examples, self._purchase())
            self.write(REQUESTS, generated.inquiries)
            facts.update(generated.facts)
            if focus is not None:
                facts["focus"] = focus.summary()
            self._save_dataset(generated.dataset, facts)
        return facts

    def curate(self) -> Mapping[str, Any]:
        """The replies that the run has → checks → dataset, anew. Returns the counts; nothing is bought.

        Raises DataError where no teacher was asked, or the reply store is not there.
        """
        from dstill.teacher.cache import ReplyStore

        inquiries = self.teacher_requests()
        if not inquiries:
            raise DataError(
                "nothing to curate: no teacher was asked",
                where=str(self.folder / REQUESTS),
                hint=command("generate", "--out", self.folder),
            )
        if not STORE.exists():  # opening it would make an empty one
            raise DataError(
                f"there is no {STORE} here, in which the run's replies are",
                where=str(STORE.absolute()),
                hint="run it in the project's folder; a store that was moved goes back there",
            )
        with self.stage("curate") as facts, ReplyStore(STORE) as store:
            dataset, about = relabelled(self.setup, inquiries, store)
            facts.update(about)
            generated = self.manifest["stages"].setdefault("generate", {})
            if cost := generated.get("cost"):
                facts["cost"] = cost  # of the replies, also of those that are not used
            self._save_dataset(dataset, facts)
            generated.update(facts)  # readers of the dataset's facts look there
        return facts

    def _purchase(self) -> Purchase:
        return Purchase(
            store=STORE,
            # a cap holds over all the times that the run is begun; runs of dstill 0.1.0 have no id
            buyer=f"{self.name} {self.manifest.get('id', self.manifest['created'])}",
            resume=command("generate", "--out", self.folder),
            where=str(self.folder),
        )

    def _save_dataset(self, dataset: Dataset, facts: dict[str, Any]) -> None:
        """Write the rows of every split, those that were rejected, and the card; the counts go to `facts`."""
        facts.update(dataset.counts)
        self.write("rejects.jsonl", dataset.rejections)
        if not dataset.records:
            reasons = ", ".join(f"{code} {n}" for code, n in facts["rejections"].items()) or "no questions"
            raise DataError(
                f"0 usable rows of {facts['questions']}; reasons: {reasons}",
                where=self.settings.generate.questions or f"task '{self.task.name}'",
                hint=f"{self.folder / 'rejects.jsonl'} says what is wrong with each",
            )
        check_splits(dataset.records, self.task)
        for split in SPLITS:
            of_split = [record for record in dataset.records if record.split == split]
            if of_split:
                self.write(data_file(split), of_split)
            else:
                self.discard(data_file(split))
        card = dataset_card(self.name, self.task, facts, dataset.records)
        write_text(self.folder / "dataset" / "README.md", card)
        for file in [file for file in self.manifest["files"] if file.startswith(EXPORT)]:
            self.discard(file)  # of the rows that were

    def train(
        self, *, restart: bool = False, resume_with_changes: bool = False, allow_unreviewed: bool = False
    ) -> Mapping[str, Any]:
        """Dataset → student. Returns what training came to. Raises DataError, TrainingError, UsageError.

        A training that was stopped goes on from its newest checkpoint: not with `restart`, and one whose
        settings or data have changed since only with `resume_with_changes` (RunError). What a model wrote and no person
        has looked at, or accepted too little of, is trained on only with `allow_unreviewed` (DataError).
        """
        with self.stage("train") as facts, distributed.in_step():
            records, validation = self.records("train"), self.records("validation")
            review = self.gate(allow=allow_unreviewed)
            if not records:
                everything = "a person rejected every row: generate others"
                hint = everything if review["n_rejected"] else "`dstill generate` first"
                raise DataError("no training rows", where=str(self.folder / data_file("train")), hint=hint)
            plan = planned(self.setup, records, validation)
            log.log(logging.INFO if review["sufficient"] else logging.WARNING, "%s", review["message"])
            checkpoints = self.folder / "checkpoints"
            if restart and distributed.is_main():
                shutil.rmtree(checkpoints, ignore_errors=True)
            with scoring(self.setup, validation) as score, self._new_student() as folder:
                files = TrainingFiles(student=folder, checkpoints=checkpoints, events=self.folder / "events")
                fitted = trained(self.setup, plan, files, resume_with_changes=resume_with_changes, score=score)
                if distributed.is_main():
                    learnt = data_drift.learnt_from(self.task, records, self.context, self._data())
                    write_text(folder / data_drift.FILE, learnt.to_json())
            if not distributed.is_main():
                return {}
            shutil.rmtree(checkpoints, ignore_errors=True)  # nobody goes on from here
            # the student on disk is of these settings from now on, also for `evaluate`
            self.save_settings()
            files_of = {split: self.folder / data_file(split) for split in ("train", "validation")}
            digests = {split: sha256(file) for split, file in files_of.items() if file.exists()}
            facts.update(fitted, review=review, dataset=digests, commit=commit())
            facts.update(versions=versions(self.plugins), plugins=loaded(self.plugins))
        return facts

    @contextlib.contextmanager
    def _new_student(self) -> Iterator[Path]:
        """Where the student is made: in the run; of several processes only the first one's stays."""
        if distributed.is_main():
            with replace_dir(self.folder / "student"):
                yield self.folder / "student"
        else:
            with TemporaryDirectory() as nowhere:
                yield Path(nowhere)

    def _data(self) -> Mapping[str, Any]:
        """What was seen of the data when the dataset was made."""
        data: Mapping[str, Any] = self.manifest["stages"].get("generate", {}).get("data", {})
        return data

    def evaluate(self) -> Mapping[str, Any]:
        """Student → predictions (those that are missing) → verdicts → scores of every system and set.

        Verdicts are made anew each time. Those of a second engine get files and a stage of their own.
        """
        splits = self.settings.evaluate.splits
        require_splits(splits)
        baselines(self.setup)  # an unknown name is an error before anything is done
        records = [record for split in dict.fromkeys(splits) for record in self.records(split)]
        if not records:
            raise DataError(
                f"nothing to evaluate: no rows in {', '.join(splits)}",
                where=str(self.folder / "dataset"),
                hint=f"`{command('generate', '--out', self.folder)}` writes them; "
                "--set 'evaluate.splits=[\"NAME\"]' takes others",
            )
        others = [*self.records("train"), *records] if "train" not in splits else records
        check_splits(others, self.task)
        with self.setup.opened_executor(judging=True) as executor:
            return self._evaluate([record.example for record in records], executor)

    def _evaluate(self, examples: Sequence[Example], executor: Executor | None) -> Mapping[str, Any]:
        label = executor.labels if executor else "not executed"
        done = self.manifest["stages"]
        before = done.get("evaluate", {})
        says_nothing = bool(before.get("invalid")) and f"evaluate on {label}" not in done  # then it gives way
        first = before.get("engine", label) == label or says_nothing
        engine = "" if first else label
        with (
            self.stage("evaluate" if first else f"evaluate on {label}") as facts,
            monitored(executor, examples, facts, made_from=self._data()),
            monitored(executor and executor.second, examples, facts, made_from=self._data()),
        ):
            self.plugins.judges.clear()
            systems = ["student", *baselines(self.setup)]
            predictions = {system: self._predicted(system, examples) for system in systems}
            evaluation = evaluate(self.setup, examples, predictions, executor)
            for system, verdicts in evaluation.verdicts.items():
                self.write(system_file("verdicts", system, engine), verdicts)
            parameters = self.manifest["stages"].get("train", {}).get("all_parameters")
            facts.update(evaluation.facts)
            facts.update(measured_efficiency(predictions["student"], self.folder / "student", parameters))
            facts["teacher"] = self._teacher(executor, engine)
            facts["judged_by"] = self.plugins.judged_by()
            facts["plugins"] = loaded(self.plugins)
            if reviewed := self._reviewed():
                facts["notes"] = [*facts.get("notes", ()), reviewed]
        return facts

    def _predicted(self, system: str, examples: Sequence[Example]) -> list[Prediction]:
        """The predictions on disk, when they are of these examples and this student; else made now and written.

        Those that are done when it is stopped are kept in a file of their own until the last one is there.
        """
        file, partial = system_file("predictions", system), system_file("unfinished-predictions", system)
        made_of = self._made_of(constrained=system == "student" and self.settings.evaluate.constrain)
        kept = self._kept(file, made_of)
        if kept.keys() >= {e.id for e in examples}:
            return [kept[e.id] for e in examples]

        def save(predictions: Sequence[Prediction], to: str = partial) -> None:
            self.write(to, predictions)
            self.manifest["files"][to]["provenance"] = made_of

        self.progress(f"answering ({system})", 0, len(examples))
        writer = self.generator(system)
        done = self._kept(partial, made_of)
        predictions = predicted(self.setup, writer, system, examples, done=done, save=save)
        save(predictions, file)
        self.discard(partial)
        return predictions

    def _teacher(self, executor: Executor | None, engine: str) -> dict[str, Any]:
        """The teacher's own scores, or why there are none."""
        splits = self.settings.evaluate.splits
        golds = [
            i.example for i in self.teacher_requests() if i.example.answer is not None and i.example.split in splits
        ]
        teacher = self.manifest["stages"].get("generate", {}).get("teacher", "")
        if why := teacher_eval.unmeasured(self.plugins, teacher, golds):
            return {"why": why, "scores": {}}
        rows: list[Record | Rejection] = [*self.rejections()]
        rows += (record for split in splits for record in self.records(split, raw=True))
        verdicts = list(teacher_eval.judged(self.setup, golds, rows, executor))
        self.write(system_file("verdicts", "teacher", engine), verdicts)
        return {"why": "", "scores": scores(self.setup, verdicts)}

    def _reviewed(self) -> str:
        """What a person's review did to the sets that are scored; empty: nothing."""
        rows = [record for split in self.settings.evaluate.splits for record in self.records(split, raw=True)]
        after = reviewing.applied(rows, decisions(self))
        counts = {
            "left out as a person rejected their gold": after.rejected,
            "scored against a gold that a person wrote": after.edited,
        }
        return ", ".join(f"{n} of {len(rows)} questions {what}" for what, n in counts.items() if n)


def focus_asked(setup: Setup) -> Focus | None:
    """Where ``augment.cause`` asks for more questions; None: nowhere. Raises UsageError, RunError."""
    label, name = setup.settings.augment.cause, setup.settings.augment.from_run
    if not label and not name:
        return None
    if not label or not name:
        raise UsageError(
            "--augment-cause and --from-run need each other",
            where="augment.cause" if label else "augment.from_run",
            hint="give --augment-cause LABEL and --from-run RUN",
        )
    return focus_in(name, label, error_analysis.labels(setup.task))


def focus_in(name: str, label: str, labels: Sequence[str]) -> Focus:
    """Where the failures of `label` lie in the run `name`. Raises UsageError, RunError."""
    augment.require_label(label, labels)
    folder = RunFolder.read(find_run(name))
    verdicts = list(folder.load(Verdict, system_file("verdicts")))
    asked = [record for split in SPLITS for record in folder.load(Record, data_file(split))]
    return augment.focus_of(label, folder.name, verdicts, asked, where=name)
