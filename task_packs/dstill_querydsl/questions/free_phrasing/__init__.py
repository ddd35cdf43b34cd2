"""Freely phrased questions: whole sentences of many registers, with the gold that a careful person would write.

    question = draw_question(subject, random)
    question.example.question     "in may 2019, which branch had the most late orders"
    question.example.template     "asked/top_groups:boolean+month"

They are about any `Subject`: an invented schema, or an index of a user.

Modules: `subject`; `sentences`; what is asked for: `shape_parts`, `shapes`, `shapes_documents`, `shapes_fields`,
`refusals`; `conditions`, `numbers`, `adjectives`, `dates`, `participles`, `roles`; their words: `wording` (asked.toml,
mentions.toml). For an index: `nouns` (words for its fields), `for_index` (checked questions), and `in_splits`, which
adds these to the splits of a dataset.
"""
