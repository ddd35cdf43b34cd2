"""Conditions on parts of a value: words of a text, the prefix of a path, a network.

TEXTS["phrase"](draw)   Clause(text='with the error "out of memory"', body={"match_phrase": …}, …)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill_querydsl.synthesize.draw import Clause, Draw, Maker, Skip

__all__ = ["TEXTS"]


def prefix(draw: Draw) -> Clause:
    section = "/" + draw.value("url.path").split("/")[1]
    value = draw.value("url.path")[: len(section) + 2] if draw.chance(20) else draw.pick(section, section + "/")
    text = draw.pick("under {}", "whose path starts with {}", "with a path beginning with {}").format(value)
    why = "url.path.raw is the keyword of url.path, its start: prefix."
    return Clause(text=text, body={"prefix": {"url.path.raw": value}}, why=why, terse=value + "*")


def network(draw: Draw) -> Clause:
    parts = draw.value("source.ip").split(".")
    bits = draw.random.choice((24, 25, 26, 27, 28))
    last = int(parts[3]) // 2 ** (32 - bits) * 2 ** (32 - bits)
    value = ".".join([*parts[:3], str(last)]) + f"/{bits}"
    text = draw.pick("from {}", "from the network {}", "from the subnet {}", "with an address in {}").format(value)
    return Clause(text=text, body={"term": {"source.ip": value}}, why="source.ip is ip, takes CIDR: term.", terse=value)


def words(draw: Draw) -> Clause:
    """Words of an error message, in any order."""
    said = draw.value("error.message").split(" in ")
    text = draw.random.choice((said[1], said[0].split()[0], f"{said[0].split()[-1]} {said[1]}"))
    if text in ("in", "by"):
        raise Skip("error.message")
    ways = ("whose error mentions {}", "with {} in the error message", "with an error about {}")
    body = {"match": {"error.message": {"query": text, "operator": "and"}}} if " " in text else _match(text)
    why = "error.message is text, all words: match" + (" with and." if " " in text else ".")
    return Clause(text=draw.pick(*ways).format(text), body=body, why=why)


def _match(text: str) -> dict[str, Any]:
    return {"match": {"error.message": text}}


def phrase(draw: Draw) -> Clause:
    said = draw.value("error.message")
    text = draw.random.choice((said, said.split(" in ")[0], " ".join(said.split()[-3:])))
    ways = ('whose error says "{}"', 'with the error "{}"', 'with the exact phrase "{}" in the error')
    why = "error.message is text, exact words in order: match_phrase."
    return Clause(text=draw.pick(*ways).format(text), body={"match_phrase": {"error.message": text}}, why=why)


def path_words(draw: Draw) -> Clause:
    word = draw.random.choice(draw.value("url.path").strip("/").split("/"))
    text = draw.pick("whose path contains the word {}", "with {} in the path", "whose path mentions {}").format(word)
    why = "url.path is text, a word of it: match."
    return Clause(text=text, body={"match": {"url.path": word}}, why=why)


def agent_words(draw: Draw) -> Clause:
    word = draw.random.choice([w for w in draw.value("user_agent.original").replace("/", " ").split() if w.isalpha()])
    text = draw.pick("whose user agent mentions {}", "with {} in the user agent").format(word)
    why = "user_agent.original is text, a word of it: match."
    return Clause(text=text, body={"match": {"user_agent.original": word}}, why=why)


TEXTS: Mapping[str, Maker] = {
    "prefix": prefix,
    "network": network,
    "words": words,
    "phrase": phrase,
    "path_words": path_words,
    "agent_words": agent_words,
}
