"""Databases of the domains of `dstill.synthesis.domains`, and endless questions about them: what a base is trained on.

    for question in stream(seed=0): …        (`stream.stream`)

Not covered: questions that a person wrote.
"""
