"""Freely phrased questions: whole sentences of many registers, with the gold that a careful person would write.

    made = asked(subject, random)
    made.example.question     "in may 2019, which branch had the most late orders"
    made.example.template     "asked/top_groups:boolean+month"

They are about any `Subject`: an invented schema, or an index of a user.

Modules: `subject`, `sentences`, `shape`, `shapes` and `shapes_documents` (what is asked for), `wording`, `conditions`
and `dates` (asked.toml), `nouns` (words for the fields of an index), `of_index` (checked questions about an index).
"""
