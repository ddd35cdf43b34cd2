"""What the base of the student `linked` is trained on, and the vocabulary of the linked form that comes from it.

Modules: `data` (endless questions), `train` (hours), `publish` (writes task_packs/dstill_querydsl/base), `vocabulary`
(writes task_packs/dstill_querydsl/linked/vocabulary.json), `development` (questions whose errors developers may read),
`score` (a student's scores on them).
"""
