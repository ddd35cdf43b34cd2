"""Mutated corpora: small data on which a gold differs from what a model might write instead.

`layout` says which fields there are and which are alike. `neighbours` changes the gold in one step
(`steps_*`, by `edits`). `leaves` reads a query as conditions on fields (`conditions`, `moments`),
`sketches` and `roles` say what documents must hold, `fill` writes them, `documents` puts them into
candidates. `choose` keeps those that tell the gold from its neighbours on the embedded engine
(`bench`). `make` is the way in; `keep` remembers on disk.
"""

from dstill_querydsl.testsuites.layout import Layout
from dstill_querydsl.testsuites.make import Maker, Place
from dstill_querydsl.testsuites.mutants import compact, neighbours

__all__ = ["Layout", "Maker", "Place", "compact", "neighbours"]
