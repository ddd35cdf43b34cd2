"""The linked form of search bodies: fields and words of the question as positions, bodies as tokens that point to them.

    form = QueryForm(profiles)
    reading = form.read(example)                              # "errors of rosa": 3 words and the fields
    form.encode('{"query":{"term":{"user.name":"rosa"}}}', reading)
    →  ["{", "query:", "{", "bool:", "{", "filter:", "[", "{", "term:", "{", 5, "{", "value:", 2]
    form.decode(tokens, reading)                              →  the body in canonical form

Modules: `items` (fields as items), `tokens` (pieces of structure), `encoding` (body → tokens), `decoding` (tokens →
body), `places` (what an object of a body is). For constrained
decoding: `cursor` (a place in a body that is being written), `allowed_places` (keys and fields that may come there) and
`allowed_values` (tokens of values).
"""
