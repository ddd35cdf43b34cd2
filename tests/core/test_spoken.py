"""Names in plain words: short, and no two alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.linked.spoken import listed, spoken_names


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["jobs.labour_eur", "user.name", "responseStatus"], ["labour eur", "name", "response status"]),
        (["jobs.id", "sites.id", "sites.town"], ["jobs id", "sites id", "town"]),
        (["tickets.id", "tickets.owner_id", "owner.id"], ["tickets id", "tickets owner id", "owner id"]),
        (["a.b_c", "a.bC"], ["a.b_c", "a.bC"]),
        (["jobs", "jobs.jobs"], ["jobs", "jobs jobs"]),
        (["!", "a.!", "Größe.cm"], ["!", "a", "cm"]),
    ],
)
def test_names_are_short_and_differ(names: list[str], words: list[str]) -> None:
    assert list(spoken_names(names).values()) == words


@given(st.lists(st.text(st.sampled_from("abAB._1! "), max_size=6), max_size=12))
def test_no_two_names_are_alike(names: list[str]) -> None:
    spoken = spoken_names(names)
    assert list(spoken) == list(dict.fromkeys(names))
    assert len(set(spoken.values())) == len(spoken)


@pytest.mark.parametrize(
    ("texts", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_lists_texts(texts: list[str], text: str) -> None:
    assert listed(texts) == text
    assert listed(texts, "or") == text.replace(" and ", " or ")
