"""The conformance kit of task packs, `dstill pack check NAME` (docs/packs.md).

`kit.check` runs it. Each group of checks is a module: a check is a function from a `Pack` to its findings, and its
docstring says what a pack must do.

    questions       ids, splits, leaks, determinism          form            tokens and pointers, grammars
    teaching        prompts, replies, rationales             documentation   what users read of the pack
    answers         checks, canonical, causes, clauses       results         golds, `same`, mutants
    guard           hostile answers                          running         connections, threads, timeouts, memory
"""
