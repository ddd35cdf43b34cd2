"""The names of a dataset's splits."""

from __future__ import annotations

__all__ = ["SPLITS"]

# test: new questions from the templates of the training rows.
# test_unseen_templates: questions from templates that no training row has.
# test_unseen_data: questions about data (`Task.data_key`) that no training row is about.
# test_teacher: questions that a large model wrote as people ask (`dstill adapt --teacher`), which are not learnt.
SPLITS = ("train", "validation", "test", "test_unseen_templates", "test_unseen_data", "test_teacher")
