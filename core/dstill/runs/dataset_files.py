"""Writes the dataset of a run, and what belongs to it.

dataset/data/{train,validation,test,…}.jsonl  dataset/README.md  rejects.jsonl  predictions-teacher.jsonl
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dstill.answering.steps import check_splits
from dstill.api.records import SPLITS, Record, Rejection, TeacherRequest
from dstill.errors import DataError
from dstill.inputs.leakage import by_split
from dstill.io.logs import log
from dstill.runs.contents import RunContents
from dstill.runs.folder import EXPORT, REQUESTS, TEACH, data_file, system_file
from dstill.stages.evaluate import teacher_answers
from dstill.stages.generate.curate import Dataset, LabelSource
from dstill.stages.generate.dataset_card import dataset_card
from dstill.teacher.cost import ReplyCost

__all__ = ["TEACHER_ANSWERS", "save_dataset", "save_teacher_answers"]

TEACHER_ANSWERS = system_file("predictions", "teacher")
PROGRESS = "writing the dataset"


def save_teacher_answers(
    run: RunContents, requests: Sequence[TeacherRequest], rows: Sequence[Record | Rejection]
) -> None:
    """Write what `evaluate` scores the teacher by: the dataset has the answers that came with the questions."""
    answers = teacher_answers.answers(run.setup, requests, rows)
    if answers is None:
        run.discard(TEACHER_ANSWERS)
    else:
        run.write(TEACHER_ANSWERS, answers)


def save_dataset(
    run: RunContents, dataset: Dataset, source: LabelSource, cost: ReplyCost | None, origin: Mapping[str, str]
) -> None:
    """Write the rows of every split, the rejected ones, and the card. `origin`: of the questions, on the hub.

    Raises DataError when there are no rows, or when only given answers to score against are left.
    """
    run.progress(PROGRESS, 0, 1)
    run.write("rejects.jsonl", dataset.rejections)
    if run.settings.generate.test_questions:
        _warn_of_unscored(run, dataset)
    learns = any(request.example.split == "train" for request in run.load(TeacherRequest, REQUESTS))
    if not any(record.teacher or record.split == "train" or not learns for record in dataset.records):
        raise _no_rows(run, dataset)
    check_splits(dataset.records, run.task)
    of_split = by_split(dataset.records)
    for split in SPLITS:
        if split in of_split:
            run.write(data_file(split), of_split[split])
        else:
            run.discard(data_file(split))
    card = dataset_card(run.name, run.task, dataset, source, cost, origin=origin)
    run.write_file("dataset/README.md", card)
    run.manifest["stages"].pop(TEACH, None)  # the questions of a teacher are not among these rows
    for file in [file for file in run.manifest["files"] if file.startswith(EXPORT)]:
        run.discard(file)  # it has the rows from before
    run.progress(PROGRESS, 1, 1)


def _warn_of_unscored(run: RunContents, dataset: Dataset) -> None:
    """Warn of questions that are there to be scored, and whose answers cannot be used."""
    requests = run.load(TeacherRequest, REQUESTS)
    apart = {request.example.id for request in requests if request.example.split == "test_written"}
    if rejected := [row for row in dataset.rejections if row.id in apart]:
        why = next((str(problem) for problem in rejected[0].problems if problem.is_error), "no row")
        log.warning(
            "%s of %s questions of generate.test_questions are not scored: their answers cannot be used; %s: %s (%s)",
            f"{len(rejected):,}",
            f"{len(apart):,}",
            rejected[0].id,
            why,
            run.folder / "rejects.jsonl",
        )


def _no_rows(run: RunContents, dataset: Dataset) -> DataError:
    rejections = dataset.counts.rejections
    reasons = ", ".join(f"{code} {n}" for code, n in rejections.items()) or "no questions"
    hint = f"{run.folder / 'rejects.jsonl'} says what is wrong with each"
    problems = dataset.rejections[0].problems if len(rejections) == 1 else ()
    if problems and problems[0].hint:  # all were rejected for one reason
        hint = f"{problems[0].hint}; {hint}"
    if problems and problems[0].layer == "teacher":
        reasons += f" ({problems[0].message})"
    return DataError(
        f"0 usable rows of {dataset.counts.questions - len(dataset.records)}; reasons: {reasons}",
        where=run.settings.generate.questions or f"task '{run.task.name}'",
        hint=hint,
    )
