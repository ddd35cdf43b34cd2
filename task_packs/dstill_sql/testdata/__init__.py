"""Test databases: small data on which a gold differs from its mutants (test-suite accuracy, Zhong et al. 2020).

`mutants` changes the gold in one step (`edits_conditions`, `edits_outputs`, `edits_rows`, by `edits`). `hints` reads
what the gold compares, and `boundary_values` lists values at and beside its constants. `pools` holds what a column may
have, and `filler` writes tables of such values. `choose` selects those that tell the gold from mutants, which run on a
`small_engine` of their own. `suites` is the entry point.
"""
