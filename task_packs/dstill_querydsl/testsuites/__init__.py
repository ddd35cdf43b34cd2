"""Test databases: small data on which a reference differs from its mutants (test-suite accuracy, Zhong et al. 2020).

`layout` says which fields there are and which are alike. `mutants` changes the reference in one step (`steps_*`, by
`mutations`). `leaves` reads a query as conditions on fields (`conditions`, `instants`), `document_specs` and `roles`
say what documents must hold, `document_filler` writes them, `documents` puts them into candidates. `choose` keeps the
candidates that tell the reference from its mutants on the embedded engine (`embedded_runner`). `make` is the entry
point; `cache` remembers on disk.
"""

from dstill_querydsl.testsuites.layout import Layout
from dstill_querydsl.testsuites.make import Maker, Place
from dstill_querydsl.testsuites.mutants import compact, mutants_of

__all__ = ["Layout", "Maker", "Place", "compact", "mutants_of"]
