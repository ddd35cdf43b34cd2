"""A run: the whole way from questions to scores, stage by stage, in one folder.

    from dstill import Run

    run = Run.create(Path("runs/mine"))     # configuration from dstill.toml, the environment, flags
    run.generate()                          # teacher → checked dataset
    run.train()                             # dataset → student
    scores = run.evaluate()                 # student → predictions → verdicts → scores

    dataset/README.md  dataset/data/{train,validation,test,test_unseen_templates,test_unseen_data}.jsonl
    rejects.jsonl  student/  predictions.jsonl  verdicts.jsonl

The command line is a thin layer on this class. A stage is a function (`dstill.pipeline.generate`,
`dstill.pipeline.train`, `dstill.pipeline.evaluate`): `Run` reads its inputs, calls it, and writes its result.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dstill import trust
from dstill.api.executor import Executor
from dstill.api.recipe import services_in
from dstill.api.records import SPLITS, Example, Prediction, Record, Rejection, TeacherRequest, Verdict
from dstill.api.student import Generator
from dstill.config import command_line
from dstill.errors import DataError, DstillError, Interrupted, MissingExtra, UsageError
from dstill.factory import Setup, make_teacher
from dstill.io.files import replace_dir, write_text
from dstill.io.logs import log
from dstill.io.plain_files import sha256
from dstill.io.shell import command
from dstill.pipeline import (
    augment,
    calibration,
    confidence,
    data_drift,
    error_analysis,
    given,
    hub_datasets,
    prompted,
    spooled,
    steps,
    teacher_eval,
)
from dstill.pipeline import review as reviewing
from dstill.pipeline.augment import Focus
from dstill.pipeline.cascade import cascade
from dstill.pipeline.cascade import questions as cascade_questions
from dstill.pipeline.confidence import Confidence
from dstill.pipeline.curate import Dataset, LabelSource, relabelled
from dstill.pipeline.data_monitor import DataMonitor
from dstill.pipeline.dataset_card import dataset_card
from dstill.pipeline.efficiency import AnswerCost, Timing, measured_efficiency, timings
from dstill.pipeline.evaluate import (
    BLOCK,
    Evaluation,
    baselines,
    evaluate,
    predicted,
    require_splits,
    scores,
    scoring,
)
from dstill.pipeline.generate import generate, questions, refuse_other_questions
from dstill.pipeline.leakage import SEEN, by_split
from dstill.pipeline.selective import WRONG
from dstill.pipeline.steps import check_splits
from dstill.pipeline.teacher_eval import TeacherScores
from dstill.pipeline.train import TrainingFiles, planned, trained
from dstill.runs import stage_facts
from dstill.runs.folder import (
    EXPORT,
    REQUESTS,
    SETTINGS,
    STORE,
    UNFINISHED,
    RunFolder,
    data_file,
    find_run,
    system_file,
)
from dstill.runs.provenance import commit, judged_by, loaded, owners, versions
from dstill.runs.results import RunResults
from dstill.runs.review_log import decisions
from dstill.runtime import distributed
from dstill.runtime.progress import silent
from dstill.teacher.cost import ReplyCost

__all__ = ["Run", "configured_focus", "run_focus"]

# What remains after Ctrl-C, by stage.
KEPT = {
    "generate": "every reply is kept",
    "curate": "the dataset is complete, or unchanged",
    "train": "checkpoints and an earlier student are kept",
    "review": "every decision is kept",
    "evaluate": f"answers are kept, except those of the last block of {BLOCK}",
}
COMMANDS = {
    "curate": ("data", "curate"),
    "review": ("data", "review"),
    "sweep": ("experiment", "sweep"),
    "ablate": ("experiment", "ablate"),
}
# Gets examples, predictions of a stopped evaluation by id, and what saves a block of `BLOCK`: as `predicted`.
Answerer = Callable[
    [Sequence[Example], Mapping[str, Prediction], Callable[[Sequence[Prediction]], None]], Sequence[Prediction]
]
TEACHER_ANSWERS = system_file("predictions", "teacher")
TIMINGS = "timings.jsonl"
WRITING = "writing the dataset"
DISTRIBUTED = "train"  # the only stage that may run in several processes


def _require_one_process(stage: str) -> None:
    """Raises UsageError if there are several processes, unless `stage` may run in them."""
    if distributed.world_size() > 1 and stage != DISTRIBUTED:
        raise UsageError(
            f"dstill {stage.split()[0]} runs in one process, and here are {distributed.world_size()}",
            where="WORLD_SIZE in the environment",
            hint=f"start it without torchrun or accelerate; those are for dstill {DISTRIBUTED}",
        )


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
        _require_one_process(name)
        if not distributed.is_main():
            log.setLevel(logging.ERROR)
            yield {}
            return
        try:
            with super().stage(name) as facts:
                yield facts
        except Interrupted as stopped:
            if name == "train" and distributed.world_size() == 1:  # else the launcher's command is what resumes it
                stopped.hint = f"resume with: {self._again(name, options)}"
            raise
        except KeyboardInterrupt:
            stage = name.split()[0]
            raise Interrupted(
                f"stopped in {name}; {KEPT.get(stage, 'files at their final names are complete')}",
                where=str(self.folder),
                hint=f"resume with: {self._again(stage, options)}",
            ) from None

    def _again(self, stage: str, options: Sequence[str]) -> str:
        """The command that continues a stage, with the settings that this call gave: they are not in the run yet."""
        words = COMMANDS.get(stage, (stage,))
        if stage == "generate":  # whose settings are in the run's config.toml
            return command_line(self.plugins.files, *words, "--out", self.folder)
        more = " …" if stage == "sweep" else ""  # stands for the file of the sweep
        return command_line(self.plugins.files, *words, self.folder, *options, settings=self.config.from_flags()) + more

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
            self._save_teacher_answers(generated.requests, generated.rows)
            self._save_dataset(generated.dataset, generated.source, generated.cost, origin)
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
            made = relabelled(self.setup, requests, store)
            cost = stage_facts.cost_of(self.stages.get("generate", {}))
            self._save_teacher_answers(requests, made.rows)
            origin = stage_facts.origin_of(self.stages)
            self._save_dataset(made.dataset, made.source, cost, origin)
            facts.update(stage_facts.relabelled(made, cost))
            stage_facts.recount(self.manifest["stages"], facts)
        return facts

    def _save_teacher_answers(self, requests: Sequence[TeacherRequest], rows: Sequence[Record | Rejection]) -> None:
        """Write what `evaluate` scores the teacher by: the dataset has the answers that came with the questions."""
        answers = teacher_eval.answers(self.setup, requests, rows)
        if answers is None:
            self.discard(TEACHER_ANSWERS)
        else:
            self.write(TEACHER_ANSWERS, answers)

    def _save_dataset(
        self, dataset: Dataset, source: LabelSource, cost: ReplyCost | None, origin: Mapping[str, str]
    ) -> None:
        """Write the rows of every split, the rejected ones, and the card. `origin`: of the questions, on the hub.

        Raises DataError when there are no rows, or when only given answers to score against are left.
        """
        self.progress(WRITING, 0, 1)
        self.write("rejects.jsonl", dataset.rejections)
        learns = any(request.example.split == "train" for request in self.load(TeacherRequest, REQUESTS))
        if not any(record.teacher or record.split == "train" or not learns for record in dataset.records):
            rejections = dataset.counts.rejections
            reasons = ", ".join(f"{code} {n}" for code, n in rejections.items()) or "no questions"
            hint = f"{self.folder / 'rejects.jsonl'} says what is wrong with each"
            problems = dataset.rejections[0].problems if len(rejections) == 1 else ()
            if problems and problems[0].hint:  # all were rejected for one reason
                hint = f"{problems[0].hint}; {hint}"
            if problems and problems[0].layer == "teacher":
                reasons += f" ({problems[0].message})"
            raise DataError(
                f"0 usable rows of {dataset.counts.questions - len(dataset.records)}; reasons: {reasons}",
                where=self.settings.generate.questions or f"task '{self.task.name}'",
                hint=hint,
            )
        check_splits(dataset.records, self.task)
        of_split = by_split(dataset.records)
        for split in SPLITS:
            if split in of_split:
                self.write(data_file(split), of_split[split])
            else:
                self.discard(data_file(split))
        card = dataset_card(self.name, self.task, dataset, source, cost, origin=origin)
        self.write_file("dataset/README.md", card)
        for file in [file for file in self.manifest["files"] if file.startswith(EXPORT)]:
            self.discard(file)  # it has the rows from before
        self.progress(WRITING, 1, 1)

    def train(
        self, *, restart: bool = False, resume_with_changes: bool = False, allow_unreviewed: bool = False
    ) -> Mapping[str, Any]:
        """Dataset → student. Raises DataError, TrainingError, UsageError, RunError.

        A stopped training resumes from its newest checkpoint, unless `restart`. If settings or data have changed since,
        it raises RunError unless `resume_with_changes`. A trained run raises UsageError (`refuse_retraining`), unless
        `restart`: the new student replaces the old one when it is complete. If the review does not suffice
        (`dstill.pipeline.review.gate`), it raises DataError unless `allow_unreviewed`. Returns an empty object in every
        process but the first.
        """
        self.refuse_retraining(restart=restart)
        asked = {"--allow-unreviewed": allow_unreviewed, "--resume-with-changes": resume_with_changes}
        options = [option for option, is_given in asked.items() if is_given]
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
        others = (record for split in SEEN if split not in splits for record in self.records(split))
        check_splits(spooled.records(chain(others, records)), self.task)
        reports = bool(services_in(self.settings.train.report_to))
        if reports:
            trust.require(self.config, "train")
        with self.setup.opened_executor(judging=True) as executor:
            _require_one_process("evaluate")
            self.require_student()
            facts = self._evaluate(spooled.examples(record.example for record in records), executor)
        if reports and not facts["invalid"]:
            try:
                self.track()
            except DstillError as error:  # the scores are there
                again = command("runs", "track", self.folder)
                log.warning("the scores were not sent: %s; to try again: %s", error.what, again)
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

    def _evaluate(self, examples: Sequence[Example], executor: Executor | None) -> Mapping[str, Any]:
        label = executor.labels if executor else "not executed"
        before = self.stages.get("evaluate", {})
        replaceable = bool(before.get("invalid")) and f"evaluate on {label}" not in self.stages
        first = before.get("engine", label) == label or replaceable
        engine = "" if first else label
        with self.stage("evaluate" if first else f"evaluate on {label}") as facts:
            monitor = DataMonitor(executor, examples, made_from=stage_facts.data_of(self.stages))
            self.plugins.judges.clear()
            systems = ["student", *baselines(self.setup)]
            free = [system for system in systems if not prompted.is_prompted(system)]
            predictions: dict[str, Sequence[Prediction]] = {s: self._predicted(s, examples) for s in free}
            asked = {system: self._asked(system, examples) for system in systems if system not in free}
            predictions.update({system: found.predictions for system, found in asked.items()})
            evaluation = evaluate(self.setup, examples, predictions, executor)
            for system, verdicts in evaluation.verdicts.items():
                self.write(system_file("verdicts", system, engine), verdicts)
            parameters = self.stages.get("train", {}).get("all_parameters")
            timed = self._timings(examples)
            efficiency = measured_efficiency(timed, predictions["student"], self.folder / "student", parameters)
            rate = self.settings.evaluate.machine_usd_per_hour
            costs = {"student": AnswerCost.of_student(predictions["student"], rate)}
            costs.update({system: found.cost for system, found in asked.items()})
            teacher = self._teacher_scores(executor, engine)
            if first:
                found = self._confidence(predictions["student"], evaluation, executor)
                self._save_confidence(found)
                facts["confidence"] = found.summary(self.settings.evaluate.splits)
                facts["cascade"] = self._cascades(found, predictions["student"], asked, evaluation)
            facts |= stage_facts.evaluated(
                evaluation,
                data=monitor.report(),
                efficiency=efficiency,
                costs=costs,
                teacher=teacher,
                notes=[*self._review_notes(), *(found.note for found in asked.values() if found.note)],
            )
            facts.update(versions=versions(self.plugins), plugins=loaded(self.plugins))
            facts.update(judged_by=judged_by(self.plugins), packs=owners(self.plugins, self._judging_parts(executor)))
        return facts

    def _judging_parts(self, executor: Executor | None) -> list[tuple[str, str]]:
        """The task and the executors that decide what a right answer is, by kind and name."""
        executors = [one for one in (executor, executor.second if executor else None) if one is not None]
        return [("tasks", self.task.name), *(("executors", one.name) for one in executors)]

    def _confidence(
        self, predictions: Sequence[Prediction], evaluation: Evaluation, executor: Executor | None
    ) -> Confidence:
        """The confidence in the student's `predictions`, after it answered the validation questions too."""
        if executor is None or evaluation.invalid:
            return Confidence.none("no answer was executed" if executor is None else "the evaluation is invalid")
        if all(prediction.logprob is None for prediction in predictions):
            return Confidence.none("these answers have no log-probability")
        verdicts: Iterable[Verdict] = evaluation.verdicts["student"]
        validation = [record.example for record in self.records("validation")[: confidence.MOST]]
        if not validation:
            return Confidence.none("the run has no validation rows")
        written: Sequence[Prediction] = ()
        if confidence.VALIDATION not in self.settings.evaluate.splits:
            written = self._predicted("student", validation, kind="calibration-predictions")
            pairs = zip(validation, written, strict=True)
            verdicts = chain(verdicts, steps.judge(self.plugins, self.task, pairs, self.setup.objective, executor))
        draws = self.settings.evaluate.agreement
        both = spooled.predictions(chain(predictions, written))
        return confidence.assessed(both, spooled.verdicts(verdicts), draws=draws)

    def _save_confidence(self, found: Confidence) -> None:
        if found.calibration is None:
            self.discard(confidence.FILE)
            self.discard(calibration.FILE)
            return
        self.write(confidence.FILE, found.rows)
        self.write(calibration.FILE, [found.calibration])
        made_of = self._provenance(constrained=self.settings.evaluate.constrain)
        self.manifest["files"][calibration.FILE]["provenance"] = made_of

    def _cascades(
        self,
        found: Confidence,
        written: Sequence[Prediction],
        asked: Mapping[str, prompted.Prompted],
        evaluation: Evaluation,
    ) -> dict[str, dict[str, Any]]:
        """The student with each large model behind it, by model and split; empty without a calibration."""
        if found.calibration is None:
            return {}
        promises = [found.calibration.promise(most) for most in WRONG]
        rate = self.settings.evaluate.machine_usd_per_hour
        return {
            system: {
                split: cascade(of_split, promises).to_row()
                for split, of_split in cascade_questions(
                    found.rows, written, large, evaluation.verdicts[system], usd_per_hour=rate
                ).items()
            }
            for system, large in asked.items()
        }

    def _predicted(self, system: str, examples: Sequence[Example], kind: str = "predictions") -> Sequence[Prediction]:
        """The predictions on disk if they are of these examples and this student; else made and written now.

        Until all are there, a separate file keeps those of a stopped evaluation. `kind`: the beginning of both names.
        """
        file, partial = system_file(kind, system), system_file(f"{UNFINISHED}{kind}", system)
        wanted, student = self.settings.evaluate, system == "student"
        draws = wanted.agreement if student else 0
        provenance = self._provenance(constrained=student and wanted.constrain, draws=draws)
        provenance += self._plugins_behind(system)
        existing = self._predictions_from(file, provenance)
        if existing.keys() >= {e.id for e in examples}:
            return spooled.predictions(existing[e.id] for e in examples)

        def save(block: Sequence[Prediction]) -> None:
            self.extend(partial, block)
            self.manifest["files"][partial]["provenance"] = provenance

        self.progress(f"answering ({system})", 0, len(examples))
        elsewhere = self.answerer if student and kind == "predictions" else None
        generator: Generator | None = None
        done = self._predictions_from(partial, provenance)
        if not done:
            self.discard(partial)
        if elsewhere is not None:
            predictions: Sequence[Prediction] = elsewhere(examples, done, save)
        else:
            generator = self.generator(system)
            predictions = predicted(self.setup, generator, system, examples, done=done, save=save)
        self.write(file, predictions)
        self.manifest["files"][file]["provenance"] = provenance
        self.discard(partial)
        if student and kind == "predictions":
            self._timings(examples, generator)  # while it is loaded
        return predictions

    def _timings(self, examples: Sequence[Example], generator: Generator | None = None) -> list[Timing]:
        """How long this student takes for single questions, as measured before or now. `generator`: the loaded one."""
        wanted = self.settings.evaluate
        provenance = self._provenance(constrained=wanted.constrain, draws=wanted.agreement)
        if self.manifest["files"].get(TIMINGS, {}).get("provenance") == provenance:
            return list(self.load(Timing, TIMINGS))
        try:
            generator = generator or self.generator()
        except DstillError:  # the predictions are there, but this dstill does not load such students
            return []
        quiet = copy(self.setup)
        quiet.progress = silent
        self.progress("timing single answers", 0, 1)

        def answer(example: Example) -> None:
            predicted(quiet, generator, "student", [example], done={}, save=lambda _: None)

        found = timings(answer, examples)
        self.write(TIMINGS, found)
        self.manifest["files"][TIMINGS]["provenance"] = provenance
        return found

    def _asked(self, system: str, examples: Sequence[Example]) -> prompted.Prompted:
        """The answers of a prompted model, from the reply store or bought now."""
        purchase = self.purchase("evaluate", resume=command("evaluate", self.folder, "--baseline", system))
        found = prompted.answered(self.setup, system, examples, self.records("train"), purchase)
        self.write(system_file("predictions", system), found.predictions)
        return found

    def _teacher_scores(self, executor: Executor | None, engine: str) -> TeacherScores:
        """Score the teacher where that is possible, and write its verdicts."""
        splits = self.settings.evaluate.splits
        asked = [request.example for request in self.teacher_requests()]
        asked = [example for example in asked if not given.explains(example, self.settings.generate)]
        golds = [example for example in asked if example.answer is not None and example.split in splits]
        teacher = self.stages.get("generate", {}).get("teacher", "")
        if why := teacher_eval.unmeasured(self.plugins, teacher, golds):
            return TeacherScores(why=why)
        answers = self.load(Prediction, TEACHER_ANSWERS)
        verdicts = spooled.verdicts(teacher_eval.judged(self.setup, golds, answers, self.rejections(), executor))
        self.write(system_file("verdicts", "teacher", engine), verdicts)
        return TeacherScores(scores=scores(self.setup, verdicts))

    def _review_notes(self) -> list[str]:
        """What a person's review changed in the splits that are scored; empty: nothing."""
        rows = [record for split in self.settings.evaluate.splits for record in self.records(split, raw=True)]
        after = reviewing.applied(rows, decisions(self))
        counts = {
            "not scored, because a reviewer rejected the reference answer": after.rejected,
            "scored against a reference answer that a reviewer wrote": after.edited,
        }
        note = ", ".join(f"{n} of {len(rows)} questions {what}" for what, n in counts.items() if n)
        return [note] if note else []


def configured_focus(setup: Setup) -> Focus | None:
    """The focus that ``augment.cause`` and ``augment.from_run`` ask for; None: they are not set.

    Raises UsageError, RunError.
    """
    label, name = setup.settings.augment.cause, setup.settings.augment.from_run
    if not label and not name:
        return None
    if not label or not name:
        raise UsageError(
            "--augment-cause and --from-run need each other",
            where="augment.cause" if label else "augment.from_run",
            hint="give --augment-cause LABEL and --from-run RUN",
        )
    return run_focus(name, label, error_analysis.labels(setup.task))


def run_focus(name: str, label: str, labels: Sequence[str]) -> Focus:
    """The focus on the failures with `label`, one of `labels`, in the run `name`. Raises UsageError, RunError."""
    augment.require_label(label, labels)
    folder = RunFolder.read(find_run(name))
    verdicts = list(folder.load(Verdict, system_file("verdicts")))
    asked = [record for split in SPLITS for record in folder.load(Record, data_file(split))]
    return augment.focus_of(label, folder.name, verdicts, asked, where=name)
