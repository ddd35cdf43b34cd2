"""Domains of invented data, and their rows."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.synthesis.domains.definitions import DomainAttribute, domains, read
from dstill.synthesis.domains.naming import PLAIN, Style
from dstill.synthesis.domains.rows import rows_of


def test_a_line_is_an_entity() -> None:
    text = """
    team / teams / clubs: name=title, founded=year 1900..2000
    game / games > home team=team, guest=team? (visited|visited by): played=date?, goals=int 0..9 goals,
        result={won|lost}, notes=text?
    """.replace("\n    ", "\n")
    domain = read("sport", text)
    team, game = domain.entities
    assert team.nouns == ("teams", "clubs")
    assert [one.role for one in game.relations] == ["home team", "guest"]
    assert game.relations[1].nullable
    assert game.relations[1].passive == "visited by"
    assert game.attributes[0] == DomainAttribute(words="played", kind="date", nullable=True)
    assert game.attributes[1] == DomainAttribute(words="goals", kind="int", low=0, high=9, unit="goals")
    assert game.attributes[2].options == ("won", "lost")
    assert game.attributes[3].nullable


@pytest.mark.parametrize("line", ["team / teams", "game > team: name=title", "team: what"])
def test_a_wrong_line_is_named(line: str) -> None:
    with pytest.raises(ValueError, match=line.split()[0]):
        read("sport", line)


def test_a_style_spells_names() -> None:
    assert PLAIN.attribute("unit price", "order line") == "unit_price"
    assert Style(case="camel", attribute_prefix="noun").attribute("unit price", "order line") == "orderLineUnitPrice"
    assert Style(case="upper", short=True).attribute("quantity", "order") == "QTY"
    assert Style(key="own").primary("order line") == "order_line_id"
    assert Style(case="pascal", foreign="").relation("home team") == "HomeTeam"


@given(st.sampled_from(sorted(domains())), st.integers(0, 9))
def test_relations_of_rows_hold(name: str, seed: int) -> None:
    domain = domains()[name]
    rows = rows_of(domain, seed, now=datetime(2024, 6, 18), size=12)
    assert rows == rows_of(domain, seed, now=datetime(2024, 6, 18), size=12)
    for entity in domain.entities:
        assert [row[0] for row in rows[entity.noun]] == list(range(1, len(rows[entity.noun]) + 1))
        for place, relation in enumerate(entity.relations, 1):
            keys = {row[0] for row in rows[relation.to]} | ({None} if relation.nullable else set())
            assert {row[place] for row in rows[entity.noun]} <= keys
