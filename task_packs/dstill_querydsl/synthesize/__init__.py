"""Make questions about `weblogs` from handwritten templates, with gold and rationale.

    for example in synthesize(bundled("weblogs"), n=2, seed=0): …
    Example(id="weblogs-0-00000", question="how many requests on host web-03 returned 503?", answer='{"size":0,…}',
            rationale="host.name is keyword: term. …", category="count", template="count:host+status", …)

`synthesize` gives questions of all templates. `split_examples` gives the splits for training and
evaluation. The same seed and index give the same bytes.
"""

from __future__ import annotations

from dstill_querydsl.synthesize.compose import split_examples, synthesize

__all__ = ["split_examples", "synthesize"]
