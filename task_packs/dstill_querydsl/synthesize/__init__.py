"""The question synthesizer: a seed and an index in, questions with gold and rationale out.

    for example in synthesize(bundled("weblogs"), n=2, seed=0): …
    Example(id="weblogs-0-00000", question="how many requests on host web-03 returned 503?", answer='{"size":0,…}',
            rationale="host.name is keyword: term. …", category="count", template="count:host+status", …)

`synthesize` gives questions of all templates; `split_examples` gives the sets that a
student is trained and tested on. Both are the same bytes for the same seed and index.
"""

from __future__ import annotations

from dstill_querydsl.synthesize.compose import split_examples, synthesize

__all__ = ["split_examples", "synthesize"]
