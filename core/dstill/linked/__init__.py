"""Linked reading: a question and the schema that it is about, as positions with features and links between them.

    schema = Schema([Item(name="http.status", words=("http", "status"), kind="number", values=("404", "500")), …])
    reading = read("how many requests got a 404", schema)
    reading.words[5].text, reading.items[0].name     →  "404", "http.status"
    reading.links[5, 0]                              →  "value"

`Ranking` chooses the items of a wide schema that a question is about.

A student of the kind ``linked`` (`dstill_linked`) attends to positions and links, and writes an answer as structure
tokens and pointers to positions, so it can use names and values that it never saw in training. What the items are, and
how answers become tokens, is up to the task: `dstill.api.form.Form`.

Sources: relation-aware schema encoding and linking of RAT-SQL (Wang et al. 2020, section 4), matching of values of
BRIDGE (Lin et al. 2020, section 2.2), pointers of Pointer Networks (Vinyals et al. 2015).
"""

from dstill.linked.known import KnownTexts, partial_values, same_value, spans_of
from dstill.linked.linking import LINKS, Item, Schema
from dstill.linked.ranking import Ranking
from dstill.linked.reading import Reading, read
from dstill.linked.words import Word, words

__all__ = [
    "LINKS",
    "Item",
    "KnownTexts",
    "Ranking",
    "Reading",
    "Schema",
    "Word",
    "partial_values",
    "read",
    "same_value",
    "spans_of",
    "words",
]
