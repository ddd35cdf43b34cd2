"""Adjectives of a measure link to its words."""

from dstill.linked.thesaurus import meant
from dstill_querydsl.questions.free_phrasing.adjectives import ADJECTIVES


def test_adjectives_link_to_what_they_measure() -> None:
    of_time = {"latest", "early", "earlier", "earliest"}
    for one in ADJECTIVES:
        for form in {form.split()[-1] for form in (*one.more, *one.less)} - of_time:
            assert not set(meant(form)).isdisjoint(one.nouns), form
