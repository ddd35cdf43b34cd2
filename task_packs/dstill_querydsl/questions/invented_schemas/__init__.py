"""Endless questions about invented schemas, in many voices: what a base student is trained on.

    for question in stream(seed=0): …
    question.text       "hi, avg build time of builds on branch main per runner, thanks"
    question.answer     '{"aggs":{"groups":{"aggs":{"value":{"avg":{"field":"bld_tm"}}},"terms":…'  (canonical)
    question.profile    the mapping and the known values that a `QueryForm` reads
    question.tokens     the answer in the linked form

A schema has fields of one of 260 domains, named in one of many styles. Two in five questions come from the general
synthesizer (`templates`), so they have the shapes of its templates, except those that are held out. Voices say them in
other words, in other forms of dates and numbers, with typing errors. The others are freely phrased (`free_phrasing`),
and have further shapes, such as the busiest day. An answer is only given if the linked form gives it back.

Not covered: questions that a person wrote.

Modules: `vocabulary` (words.toml), `naming` (names of fields), `schemas`, `deferred_wordings`,
`field_phrases`, `condition_text` and `question_text` (phrases.toml), `voices` (wordings.toml), `stream`.
"""
