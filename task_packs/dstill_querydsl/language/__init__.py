"""The Query DSL itself: strict JSON, fields and their types, dates, values, and comparison of results.

Folders: `schema` and `guard` (what bodies may be), `mapping` (what fits an index), `canonical` (one spelling),
`results` (compared and shown), `readback` (said in plain words), `grammar` (for constrained decoding), `variants` (the
same index under other names).
`layers` lists the checks of an answer in their order.
"""
