"""Invented databases of many domains, and endless questions about them: what a base student is trained on.

    for question in stream(seed=0): …        (`stream.stream`)

A domain (`domains.toml`) has tables with their words. A style names them as some database would; values come from
`words.toml`. All of it is dstill's own.

Not covered: questions that a person wrote.
"""
