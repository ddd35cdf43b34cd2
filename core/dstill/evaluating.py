"""The stage `evaluate`: student → predictions → verdicts → scores, the baselines beside it.

    evaluate(run) → {"engine": "embedded osmem-server 0.1.6", "scores": {"student": {"test": {…}}, "untrained": …}}

Predictions that are there and still of this student are kept; verdicts are made anew. A second
engine's verdicts get files and a stage of their own.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, Sequence

from dstill import causes, ceiling, hardware, processes, reviewing, stages
from dstill.constraining import Constrained
from dstill.errors import ConfigError, DataError, RunError, ServiceError, did_you_mean
from dstill.folder import data_file, system_file
from dstill.making import make_student, modalities
from dstill.parts import Executor, TrainingJob, Writer
from dstill.records import SPLITS, Example, Level, Prediction, Record, Verdict
from dstill.shell import command
from dstill.watching import lost, watched
from dstill.weighing import weighed

if TYPE_CHECKING:
    from dstill.run import Run

__all__ = ["BLOCK", "answers_of", "evaluate", "nearest_of", "scoring", "writer_of"]

BLOCK = 256  # answers that are kept at once


def evaluate(run: Run) -> Mapping[str, Any]:
    """Student → predictions (those that are missing) → verdicts → scores of every system and set."""
    for split in run.settings.evaluate.splits:
        if split not in SPLITS:
            raise ConfigError(
                f"no split '{split}'.{did_you_mean(split, SPLITS)}",
                where="evaluate.splits",
                hint=f"there are {', '.join(SPLITS)}",
            )
    records = [record for split in run.settings.evaluate.splits for record in run.records(split)]
    if not records:
        raise DataError(
            f"nothing to evaluate: no rows in {', '.join(run.settings.evaluate.splits)}",
            where=str(run.folder / "dataset"),
            hint=f"`{command('generate', '--out', run.folder)}` writes them; "
            "--set 'evaluate.splits=[\"NAME\"]' takes others",
        )
    stages.check_splits([*run.records("train"), *records])
    examples = [record.example for record in records]
    executor = run.executor()
    if executor is None:
        return _evaluate(run, examples, None)
    with executor.open(run.task, run.settings.engine):
        return _evaluate(run, examples, executor)


def _evaluate(run: Run, examples: Sequence[Example], executor: Executor | None) -> Mapping[str, Any]:
    label = executor.label if executor else "not executed"
    done = run.manifest["stages"]
    before = done.get("evaluate", {})
    says_nothing = bool(before.get("invalid")) and f"evaluate on {label}" not in done  # then it gives way
    first = before.get("engine", label) == label or says_nothing
    made_from = done.get("generate", {}).get("data", {})
    with (
        run.stage("evaluate" if first else f"evaluate on {label}") as facts,
        watched(executor, examples, facts, made_from=made_from),
    ):
        systems = ["student", *_baselines(run)]
        scores: dict[str, Any] = {}
        for system in systems:
            predictions = _predicted(run, system, examples)
            verdicts = []
            for verdict in stages.judge(
                run.plugins, run.task, zip(examples, predictions, strict=True), run.objective, executor
            ):
                verdicts.append(verdict)
                run.progress(f"judging {system}", len(verdicts), len(examples))
            run.write(system_file("verdicts", system, "" if first else label), verdicts)
            scores[system] = _scores(run, verdicts)
            if system == "student":
                facts["categories"] = _by_category(run, verdicts)
                facts["indices"] = _by_index(run, examples, verdicts)
                facts.update(weighed(predictions, run.folder / "student", _parameters(run)))
                facts["invalid"] = lost(verdicts)
                facts["corpora"] = _on_corpora(verdicts)
                facts["causes"] = causes.counted(verdicts, causes.labels(run.task))
        facts["teacher"] = _teacher(run, executor, "" if first else label)
        facts.update(engine=label, scores=scores, peak_memory=hardware.peak_memory())
        if judged := _judged(run):
            facts["notes"] = [*facts.get("notes", ()), judged]
    return facts


def _teacher(run: Run, executor: Executor | None, engine: str) -> dict[str, Any]:
    """The teacher's own scores, or why there are none."""
    if why := ceiling.unmeasured(run):
        return {"why": why, "scores": {}}
    verdicts = list(ceiling.judged(run, executor))
    run.write(system_file("verdicts", "teacher", engine), verdicts)
    return {"why": "", "scores": _scores(run, verdicts)}


def _judged(run: Run) -> str:
    """What a person's review did to the sets that are scored; empty: nothing."""
    rows = [record for split in run.settings.evaluate.splits for record in run.records(split, raw=True)]
    after = reviewing.applied(rows, reviewing.decisions(run))
    counts = {
        "left out as a person rejected their gold": after.rejected,
        "scored against a gold that a person wrote": after.edited,
    }
    return ", ".join(f"{n} of {len(rows)} questions {what}" for what, n in counts.items() if n)


def _baselines(run: Run) -> list[str]:
    installed = run.plugins.names("students")
    return [name for name in run.settings.evaluate.baselines if name == "untrained" or name in installed]


def _predicted(run: Run, system: str, examples: Sequence[Example]) -> list[Prediction]:
    """The predictions on disk, when they are of these examples; else made now and written.

    They are made in blocks, the same ones each time: those that are done when it is stopped are kept in a file
    of their own until the last is there.
    """
    file, partial = system_file("predictions", system), system_file("unfinished-predictions", system)
    constrained = system == "student" and run.settings.evaluate.constrain
    made_of = _made_of(run, constrained)
    kept = _kept(run, file, made_of)
    if kept.keys() >= {e.id for e in examples}:
        return [kept[e.id] for e in examples]
    run.progress(f"answering ({system})", 0, len(examples))
    writer = writer_of(run, system)
    done = _kept(run, partial, made_of)
    predictions: list[Prediction] = []
    for start in range(0, len(examples), BLOCK):
        block = examples[start : start + BLOCK]
        if done.keys() >= {e.id for e in block}:
            predictions += [done[e.id] for e in block]
            continue
        by = Constrained(writer, run.objective, run.task, block) if constrained else writer
        for prediction in stages.predict(by, run.objective, run.task, block):
            predictions.append(prediction)
            run.progress(f"answering ({system})", len(predictions), len(examples))
        _write(run, partial, predictions, made_of)
    _write(run, file, predictions, made_of)
    run.discard(partial)
    return predictions


def _kept(run: Run, file: str, made_of: list[str]) -> dict[str, Prediction]:
    """The predictions in `file` by their id; none when they are of another student."""
    if run.manifest["files"].get(file, {}).get("made_of") != made_of:
        return {}
    return {p.id: p for p in run.load(Prediction, file)}


def answers_of(run: Run) -> Mapping[str, Prediction]:
    """What the run's student answered in its evaluation, by id; none where it was held to a grammar, or is another."""
    return _kept(run, system_file("predictions", "student"), _made_of(run, False))


def _write(run: Run, file: str, predictions: Sequence[Prediction], made_of: list[str]) -> None:
    run.write(file, predictions)
    run.manifest["files"][file]["made_of"] = made_of


def _made_of(run: Run, constrained: bool) -> list[str]:
    """What predictions hang on: the training that made the student, the dataset, and whether a grammar held it.

    Copied runs keep it.
    """
    training = run.manifest["stages"].get("train", {}).get("id", "")
    data = run.manifest["files"].get(data_file("train"), {}).get("sha256", "")
    return [training, data, *(["constrained"] if constrained else [])]


@contextlib.contextmanager
def scoring(run: Run, validation: Sequence[Record]) -> Iterator[Callable[[Writer], float] | None]:
    """The accuracy of a student in training on the first validation questions; None where nobody asks for it.

    Executable accuracy where the task's answers are run, else the share of exact answers. Of several processes
    the first asks, for all.
    """
    recipe = run.settings.train
    if recipe.early_stopping != "accuracy" or not processes.leads():
        yield None
        return
    if not validation:
        raise DataError(
            "no validation rows to take the accuracy from",
            where="train.early_stopping = accuracy",
            hint="`dstill generate` makes a validation set; or set train.early_stopping = loss or none",
        )
    examples = [record.example for record in validation[: recipe.early_stopping_sample]]
    executor = run.executor()
    with contextlib.ExitStack() as opened:
        if executor is not None:
            opened.enter_context(executor.open(run.task, run.settings.engine))

        def score(writer: Writer) -> float:
            predictions = stages.predict(writer, run.objective, run.task, examples)
            pairs = zip(examples, predictions, strict=True)
            verdicts = list(stages.judge(run.plugins, run.task, pairs, run.objective, executor))
            if away := lost(verdicts):  # it would count as wrong answers, and choose another best step
                raise ServiceError(
                    away,
                    where="train.early_stopping = accuracy",
                    hint="when the engine is there again, the same command goes on from the newest checkpoint",
                )
            return sum(v.correct or (executor is None and v.exact is True) for v in verdicts) / len(verdicts)

        yield score


def writer_of(run: Run, system: str) -> Writer:
    """The run's student, or one of its baselines, ready to write. Raises RunError when it has none yet."""
    if system in ("student", "untrained"):
        folder = run.folder / "student"
        if not folder.exists():
            raise RunError(f"run '{run.name}' has no student yet", where=str(folder), hint=command("train", run.folder))
        return run.student.load(folder, trained=system == "student")
    # a baseline that is a student itself, fitted on the same pairs
    student = make_student(run.plugins, run.config, system)
    folder = run.folder / "baselines" / system
    folder.mkdir(parents=True, exist_ok=True)
    recipe = run.settings.train
    train = [tuple(run.objective.pairs(record, run.task)) for record in run.records("train")]
    _, modality = next(iter(modalities(run.plugins, run.config).items()))
    student.fit(
        TrainingJob(
            train=train,
            validation=(),
            modality=modality,
            recipe=recipe,
            device=hardware.device(),
            folder=folder,
            seed=run.settings.project.seed,
        )
    )
    return student.load(folder)


def nearest_of(run: Run) -> Writer | None:
    """The baseline that knows how near a question is to those of training (`Writer.closeness`), where the run has it.

    Raises DataError where it is damaged, MissingExtra.
    """
    for name in _baselines(run):
        folder = run.folder / "baselines" / name
        if folder.exists():
            return make_student(run.plugins, run.config, name).load(folder)
    return None


def _scores(run: Run, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Split → metric → score, over every set that was judged."""
    return {split: _metrics(run, [v for v in verdicts if v.split == split]) for split in run.settings.evaluate.splits}


def _by_category(run: Run, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    first = run.settings.evaluate.splits[0]
    categories = sorted({v.category for v in verdicts if v.category})
    return {c: _metrics(run, [v for v in verdicts if v.category == c and v.split == first]) for c in categories}


def _by_index(run: Run, examples: Sequence[Example], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Of the first set, where its questions are about several; else nothing more than the set says."""
    first = run.settings.evaluate.splits[0]
    names = {e.id: str(e.context.get("index") or "") for e in examples if e.split == first}
    indices = sorted(set(names.values()))
    if len(indices) < 2:
        return {}
    return {name: _metrics(run, [v for v in verdicts if names.get(v.id) == name]) for name in indices}


def _metrics(run: Run, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    return {name: run.plugins.metric(name)()(verdicts).to_row() for name in run.plugins.names("metrics")}


def _on_corpora(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Of answers that agree with the gold on the data, and are not the gold itself: what corpora said of them."""
    ran = [v for v in verdicts if v.corpora]
    return {
        "ran": len(ran),
        "told": sum(v.reached is Level.EXECUTED and v.checked is Level.CORRECT for v in ran),
        "not_checked": dict(Counter(v.unchecked for v in verdicts if v.unchecked)),
    }


def _parameters(run: Run) -> int | None:
    """Of the student, where its training says so."""
    counted: int | None = run.manifest["stages"].get("train", {}).get("all_parameters")
    return counted
