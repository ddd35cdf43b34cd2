"""Questions with gold and rationale for any schema.

    splits_of(Settings(), seed=0)["train"]       (`dstill_sql.questions.example_splits`)

A template (`plan.toml`) says what is asked for and with which conditions. A row of the database gives the values, so
that something matches. `wordings.toml` has the words, a lexicon the nouns. Golds are run on the rows; for a schema
without rows, on invented ones.

Modules: `entities` (what questions see of a database), `draw`, `scope` (a SELECT while it is built), `conditions`,
`spans` (dates), `relations` (linked rows), `ask_parts`, `asks`, `asks_groups`, `refusals`, `compose`, `voices`,
`trial`, `generate`, `example_splits`. `invented_schemas` makes databases of many domains.
"""
