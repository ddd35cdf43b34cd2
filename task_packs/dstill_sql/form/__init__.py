"""The linked form of SQL: tables, columns and words of the question as positions, queries as tokens that point to them.

    form = SqlForm(database_of)
    reading = form.read(example)           # "trips of Ann in May": 5 words, the tables and the columns
    form.encode("SELECT COUNT(*) FROM trips JOIN drivers ON … WHERE drivers.name = 'Ann' AND …", reading)
    →  ["count", 7, "where", "eq", 12, 2, "during", 9, 4]
    form.decode(tokens, reading)           →  the query

Modules: `items` (tables and columns as items), `joins` (FROM as it follows from the references), `functions` and
`patterns` (functions of three dialects, and which one a part of a query is), `tokens`, `periods` and `values` (literals
as words of the question), `scopes` and `encoding` (query → tokens), `writing` and `decoding` (tokens → query). For
constrained decoding: `cursor` (a place in a query that is being written), `states` (what is there so far), `goals`,
`goal_queries` and `goal_expressions` (what is still to come), and `allowed_values` (tokens of literals).
"""
