"""A run: the whole way from questions to scores, stage by stage, in one folder.

    from dstill import Run

    run = Run.create(Path("runs/mine"))     # configuration from dstill.toml, the environment, flags
    run.generate()                          # teacher → checked dataset
    run.train()                             # dataset → student
    scores = run.evaluate()                 # student → predictions → verdicts → scores

    dataset/README.md  dataset/data/{train,validation,test,test_unseen_templates,test_unseen_data}.jsonl
    rejects.jsonl  student/  predictions.jsonl  verdicts.jsonl

The command line is a thin layer on this class. A stage is a function (`dstill.stages.generate`,
`dstill.stages.train`, `dstill.stages.evaluate`): `Run` reads its inputs, calls it, and writes its result.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dstill import trust
from dstill.answering.steps import check_splits
from dstill.api.executor import Executor
from dstill.api.recipe import services_in
from dstill.api.records import SPLITS, Record, TeacherRequest
from dstill.errors import DataError, DstillError, MissingExtra, UsageError
from dstill.factory import make_teacher
from dstill.inputs import hub_datasets
from dstill.inputs.leakage import SEEN
from dstill.io.files import replace_dir, write_text
from dstill.io.logs import log
from dstill.io.plain_files import sha256
from dstill.io.shell import command
from dstill.quality import data_drift
from dstill.runs import evaluation_files, stage_facts
from dstill.runs.dataset_files import save_dataset, save_teacher_answers
from dstill.runs.evaluation_files import KeptAnswers
from dstill.runs.focus import configured_focus
from dstill.runs.folder import REQUESTS, SETTINGS, STORE, data_file
from dstill.runs.provenance import commit, judged_with, loaded, versions
from dstill.runs.results import RunResults
from dstill.runs.resuming import require_one_process, resumable
from dstill.runtime import distributed, spooled
from dstill.stages.evaluate import evaluate
from dstill.stages.evaluate.answering import Answerer, Source
from dstill.stages.evaluate.systems import baselines, require_splits
from dstill.stages.generate import generate, questions, refuse_other_questions
from dstill.stages.generate.curate import relabelled
from dstill.stages.train import TrainingFiles, planned, trained
from dstill.stages.train.scoring import scoring

__all__ = ["Run"]


class Run(RunResults):
    """One run. `create` or `open` it, then call stages; each is locked, logged and resumable.

    A stage returns the object that it writes to run.json under ``stages`` (`dstill.runs.stage_facts`).
    """

    answerer: Answerer | None = None  # makes the answers of the student that `evaluate` scores; None: this process

    @contextlib.contextmanager
    def stage(self, name: str, *options: str) -> Iterator[dict[str, Any]]:
        """As in `RunFolder`; Ctrl-C raises Interrupted with the command that continues, with `options`.

        If there are several processes (`dstill.runtime.distributed`), only the first locks the run, logs and writes.
        """
        require_one_process(name)
        if not distributed.is_main():
            log.setLevel(logging.ERROR)
            yield {}
            return
        with resumable(self, name, options), super().stage(name) as facts:
            yield facts

    @property
    def has_dataset(self) -> bool:
        """Whether the run has rows of any split."""
        return any(name.startswith("dataset/") for name in self.manifest["files"])

    def generate(self, *, resume_with_changes: bool = False) -> Mapping[str, Any]:
        """Questions → teacher → checks → dataset. Returns the counts. A rerun buys only the missing replies.

        Raises RunError when the dataset of the run was made from other questions, unless `resume_with_changes`; also
        DataError, ConfigError, BudgetError, ServiceError, AuthError, Interrupted.
        """
        teacher = make_teacher(self.plugins, self.config)
        with self.stage("generate") as facts:
            if self.settings.generate.execute != "none":
                self.setup.executor()  # raises for a misspelt one, before the task makes its questions
            focus = configured_focus(self.setup)
            examples = questions(self.task, self.settings, focus, self.progress)
            if self.has_dataset and not resume_with_changes:
                where = self.settings.generate.questions or f"task '{self.task.name}'"
                before = (request.example for request in self.load(TeacherRequest, REQUESTS))
                refuse_other_questions(examples, before, self.name, where)
            purchase = self.purchase(resume=command("generate", "--out", self.folder))
            generated = generate(self.setup, teacher, examples, purchase)
            origin = hub_datasets.origin(self.settings.generate.questions)
            self.write(REQUESTS, generated.requests)
            save_teacher_answers(self, generated.requests, generated.rows)
            save_dataset(self, generated.dataset, generated.source, generated.cost, origin)
            facts.update(stage_facts.generated(generated, focus, origin))
        return facts

    def curate(self) -> Mapping[str, Any]:
        """Stored replies of the run → checks → dataset. Returns the counts. Buys no replies.

        Raises DataError when no teacher was asked, when the reply store is missing, or when no row is usable.
        """
        from dstill.teacher.cache import ReplyStore

        requests = self.teacher_requests()
        if not requests:
            raise DataError(
                "nothing to curate: no teacher was asked",
                where=str(self.folder / REQUESTS),
                hint=command("generate", "--out", self.folder),
            )
        if not STORE.exists():  # opening it would create an empty one
            raise DataError(
                f"the replies of the run are in {STORE}, which does not exist here",
                where=str(STORE.absolute()),
                hint="run the command in the project folder; if the store was moved, move it back",
            )
        with self.stage("curate") as facts, ReplyStore(STORE) as store:
            outcome = relabelled(self.setup, requests, store)
            cost = stage_facts.cost_of(self.stages.get("generate", {}))
            save_teacher_answers(self, requests, outcome.rows)
            origin = stage_facts.origin_of(self.stages)
            save_dataset(self, outcome.dataset, outcome.source, cost, origin)
            facts.update(stage_facts.relabelled(outcome, cost))
            stage_facts.recount(self.manifest["stages"], facts)
        return facts

    def train(
        self, *, restart: bool = False, resume_with_changes: bool = False, allow_unreviewed: bool = False
    ) -> Mapping[str, Any]:
        """Dataset → student. Raises DataError, TrainingError, UsageError, RunError.

        A stopped training resumes from its newest checkpoint, unless `restart`. If settings or data have changed since,
        it raises RunError unless `resume_with_changes`. A trained run raises UsageError (`refuse_retraining`), unless
        `restart`: the new student replaces the old one when it is complete. If the review does not suffice
        (`dstill.quality.review.gate`), it raises DataError unless `allow_unreviewed`. Returns an empty object in every
        process but the first.
        """
        self.refuse_retraining(restart=restart)
        flags = {"--allow-unreviewed": allow_unreviewed, "--resume-with-changes": resume_with_changes}
        options = [option for option, is_given in flags.items() if is_given]
        with self.stage("train", *options) as facts, distributed.in_step():
            records, validation = self.records("train"), self.records("validation")
            review = self.gate(allow=allow_unreviewed)
            if not records:
                all_rejected = "a person rejected every row: generate others"
                hint = all_rejected if review.n_rejected else "`dstill generate` first"
                raise DataError("no training rows", where=str(self.folder / data_file("train")), hint=hint)
            plan = planned(self.setup, records, validation)
            log.log(logging.INFO if review.sufficient else logging.WARNING, "%s", review.message)
            checkpoints = self.folder / "checkpoints"
            if restart and distributed.is_main():
                shutil.rmtree(checkpoints, ignore_errors=True)
            with scoring(self.setup, validation) as score, self._new_student() as folder:
                files = TrainingFiles(student=folder, checkpoints=checkpoints, events=self.folder / "events")
                result = trained(self.setup, plan, files, resume_with_changes=resume_with_changes, score=score)
                if distributed.is_main():
                    learnt = data_drift.learnt_from(self.task, records, self.context, stage_facts.data_of(self.stages))
                    write_text(folder / data_drift.FILE, learnt.to_json())
            if not distributed.is_main():
                return {}
            shutil.rmtree(checkpoints, ignore_errors=True)  # training is complete
            # `evaluate` needs the settings of the student on disk
            self.save_settings()
            files_of = {split: self.folder / data_file(split) for split in ("train", "validation")}
            digests = {split: sha256(file) for split, file in files_of.items() if file.exists()}
            facts.update(stage_facts.trained(result, review), dataset=digests, commit=commit())
            facts.update(versions=versions(self.plugins), plugins=loaded(self.plugins))
        return facts

    def refuse_retraining(self, *, restart: bool) -> None:
        """Raises UsageError if the run is trained and no later training was stopped, unless `restart`."""
        status = self.manifest["status"]
        stopped = (status.startswith("train: ") and status != "train: done") or (self.folder / "checkpoints").exists()
        if "train" in self.stages and (self.folder / "student").exists() and not (restart or stopped):
            raise UsageError(
                f"run '{self.name}' is trained already",
                where=str(self.folder / "student"),
                hint=f"to train again and replace this student: {command('train', self.folder)} --restart",
            )

    @contextlib.contextmanager
    def _new_student(self) -> Iterator[Path]:
        """The folder to write the student to: in the run; a temporary one in every process but the first."""
        student = self.folder / "student"
        if distributed.is_main():
            if "train" not in self.stages:  # left by a training that was killed
                shutil.rmtree(student, ignore_errors=True)
            with replace_dir(student):
                yield student
        else:
            with TemporaryDirectory() as folder:
                yield Path(folder)

    def evaluate(self) -> Mapping[str, Any]:
        """Student → missing predictions → verdicts → scores of every system and split.

        Verdicts are always made again. Those of a second engine have separate files and a separate stage. Raises
        DataError, ConfigError, RunError without a student, ServiceError when the engine is away.
        """
        splits = self.settings.evaluate.splits
        require_splits(splits)
        baselines(self.setup)  # raises for an unknown name before any work
        records = self.scored()
        if not records:
            raise DataError(
                f"nothing to evaluate: no rows in {', '.join(splits)}",
                where=str(self.folder / "dataset"),
                hint=f"`{command('generate', '--out', self.folder)}` writes them; "
                "--set 'evaluate.splits=[\"NAME\"]' takes others",
            )
        seen = {split: self.records(split) for split in SEEN}
        others = chain.from_iterable(seen[split] for split in SEEN if split not in splits)
        check_splits(spooled.records(chain(others, records)), self.task)
        reports = bool(services_in(self.settings.train.report_to))
        if reports:
            trust.require(self.config, "train")
        with self.setup.opened_executor(judging=True) as executor:
            require_one_process("evaluate")
            self.require_student()
            facts = self._evaluate(records, seen, executor)
        if reports and not facts["invalid"]:
            try:
                self.track()
            except DstillError as error:  # the scores are there
                again = command("runs", "track", self.folder)
                log.warning("the scores were not sent: %s; to try again: %s", error.what, again)
        return facts

    def _evaluate(
        self, records: Sequence[Record], seen: Mapping[str, Sequence[Record]], executor: Executor | None
    ) -> Mapping[str, Any]:
        label = executor.labels if executor else "not executed"
        before = self.stages.get("evaluate", {})
        replaceable = bool(before.get("invalid")) and f"evaluate on {label}" not in self.stages
        is_first = before.get("engine", label) == label or replaceable
        with self.stage("evaluate" if is_first else f"evaluate on {label}") as facts:
            inputs = evaluation_files.inputs_of(self, records, seen, is_first=is_first)
            source = Source(store=KeptAnswers(self), load=self.generator, answerer=self.answerer)
            result = evaluate(self.setup, inputs, source, executor)
            evaluation_files.save(self, result, engine="" if is_first else label)
            notes = evaluation_files.review_notes(self)
            facts |= stage_facts.evaluated(result, splits=self.settings.evaluate.splits, notes=notes)
            facts.update(judged_with(self.plugins, self.task, executor))
        return facts

    def scored(self) -> Sequence[Record]:
        """The rows that `evaluate` scores, split by split."""
        splits = dict.fromkeys(self.settings.evaluate.splits)
        return spooled.records(record for split in splits for record in self.records(split))

    def track(self) -> Mapping[str, str]:
        """Send scores, report and student to the services of ``train.report_to``: service → id of the run there.

        Those that only training can report to are missing. A training that reported to a service continues its run.
        Raises UsageError without a service or an evaluation, MissingExtra, TrustError, AuthError, ServiceError.
        """
        if not services_in(self.settings.train.report_to):
            raise UsageError(
                "train.report_to names no service",
                where=str(self.folder / SETTINGS),
                hint=f"{command('runs', 'track', self.folder)} --set train.report_to=mlflow",
            )
        if "evaluate" not in self.stages:
            hint = command("evaluate", self.folder)
            raise UsageError(f"run '{self.name}' is not evaluated", where=str(self.folder), hint=hint)
        trust.require(self.config, "train")
        with self.stage("track") as facts:
            try:
                page = self.plugins.write_report(self)
            except MissingExtra as error:
                log.warning("no report is sent: %s", error.what)
                page = None
            facts["services"] = self.plugins.track_run(self, page)
        return dict(facts["services"])

    def unscored(self) -> dict[str, int]:
        """The test splits that `evaluate.splits` leaves out, with their numbers of questions."""
        left = [split for split in SPLITS if split.startswith("test") and split not in self.settings.evaluate.splits]
        return {split: n for split in left if (n := len(self.records(split)))}
