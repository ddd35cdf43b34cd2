"""What the bases of the student `linked` are trained on, and how they are made, scored and published.

Modules: `train` (hours), `publish` (writes the pack's folder `base`), `score` (a student's scores on development sets),
`pack` (what these know of a task pack), `rows` (endless questions → rows of the student), `written` (questions written
one by one), `faults` (of these), `meanings` (writes plugins/dstill_linked/meanings.safetensors). A package for
each task pack: `querydsl`, `sql`.
"""
