"""What the base of the student `linked` is trained on, and the vocabulary of the linked form that comes from it.

Modules: `data` (endless questions), `vocabulary` (writes task_packs/dstill_querydsl/linked/vocabulary.json).
"""
