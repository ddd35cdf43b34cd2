"""The names of a dataset's splits."""

from __future__ import annotations

__all__ = ["SPLITS", "TASK_SPLITS"]

# test: new questions from the templates of the training rows.
# test_unseen_templates: questions from templates that no training row has.
# test_unseen_data: questions about data (`Task.data_key`) that no training row is about.
# test_teacher: questions that a large model wrote as people ask (`dstill adapt --teacher`), which are not learnt.
# test_written: questions that were written apart from all training, from the file `generate.test_questions`.
TASK_SPLITS = (
    "train",
    "validation",
    "test",
    "test_unseen_templates",
    "test_unseen_data",
)  # that a task makes
SPLITS = (*TASK_SPLITS, "test_teacher", "test_written")
