"""Test databases: small data on which a gold differs from its mutants (test-suite accuracy, Zhong et al. 2020).

`layout` lists the fields and which are similar. `mutants` changes the gold in one step (`steps_*`, with `mutations`).
`leaves` reads a query as conditions on fields (`conditions`, `instants`). `document_specs` and `roles` say what
documents must have, `document_filler` writes them, and `documents` makes candidates of them. `choose` selects
candidates that kill mutants on the embedded engine (`embedded_runner`). `make` is the entry point, and `cache` stores
databases on disk.
"""

from dstill_querydsl.testdata.layout import Layout
from dstill_querydsl.testdata.make import DatabaseMaker, IndexSchema
from dstill_querydsl.testdata.mutants import compact, mutants_of

__all__ = ["DatabaseMaker", "IndexSchema", "Layout", "compact", "mutants_of"]
