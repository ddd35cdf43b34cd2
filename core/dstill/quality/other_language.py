"""Signs that a question is not in English, which is what students that read schemas know.

    other_language("wie viele Kunden gibt es pro Stadt")     "German"
    other_language("how many customers are in Bad Homburg")  ""

Counts function words that English does not have, and letters of other scripts. Not covered: a few words without any of
these, such as "Kunden Stadt", and languages in Latin letters that are not listed.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping

from dstill.api.records import Problem, Severity

__all__ = ["not_english", "other_language"]

LEAST = 2  # function words of another language
# Function words that are no words or names in English questions, without accents, and longer than abbreviations such as
# PA and ER. Those after a "!" count twice: one of them is enough where no word is English.
_FOREIGN = """
German!: viele welche welcher welches wieviel wieviele zeige zeig anzahl
German: wie viel welchen gibt sind der das den dem des ein eine einen einer eines und oder nicht mit von vom fur
German: bei beim nach aus auf uber unter zwischen ist wurde wurden haben wer wann warum alle jeder jede jedes mir
German: nur mehr als meisten letzten letzter letzte
Danish or Norwegian!: hvor hvad hvilke hvilken antal
Danish or Norwegian: hva hvem hvilket hvornar mange eller ikke med fra som det den har blev ble vis mig meg alle
Danish or Norwegian: flest antall sidste siste mellem mellom etter
Swedish!: hur vilka vilken antal
Swedish: vad vilket nar manga och eller inte med fran som det den har visa mig alla flest senaste mellan efter
Dutch!: hoeveel welke aantal
Dutch: wat wie wanneer waar zijn het een van niet met uit bij voor naar laat zien alle meeste laatste tussen elke
French!: combien quels quelle quelles montre montrez
French: quel est sont les des une pas avec dans pour sur qui que quoi donne donnez moi tous toutes nombre dernier
French: derniere derniers entre chaque aux
Spanish!: cuantos cuantas cuales muestra muestrame
Spanish: cuanto cuanta cual donde quien hay son los las del una con para por que dame todos todas numero ultimo
Spanish: ultima ultimos entre cada mas
Portuguese!: quantos quantas quais mostra
Portuguese: quanto quanta qual onde quem sao dos das uma com para por que mostre todos todas numero ultimo ultima
Portuguese: ultimos entre cada mais nao
Italian!: quanti quante quali mostra mostrami
Italian: quanto quanta quale dove chi sono gli dei delle della del degli una con per che tutti tutte numero ultimo
Italian: ultima ultimi tra ogni piu non nel nella
Polish: ile jaki jaka jakie ktory ktora ktore gdzie kto jest oraz lub nie dla pokaz wszystkie liczba ostatni
Polish: ostatnia miedzy kazdy kazda
"""
_ENGLISH = """
a all an and any are at average be by count did do does each find for from get give group had has have how i in is
it its last latest least less list many me more most much no not number of on only or over per show than that the
their them there these they this those to top total under want was were what when where which who whose with without
"""
_SCRIPTS: Mapping[str, str] = {
    "CYRILLIC": "a language in Cyrillic letters", "GREEK": "Greek", "ARABIC": "Arabic", "HEBREW": "Hebrew",
    "CJK": "Chinese or Japanese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese", "HANGUL": "Korean",
    "DEVANAGARI": "Hindi", "THAI": "Thai",
}  # fmt: skip
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|(?<!\w)'[^']*'(?!\w)")


def not_english(question: str) -> Iterator[Problem]:
    """A warning about a question that seems to be in another language."""
    if language := other_language(question):
        yield Problem(
            layer="reading",
            code="other_language",
            message=f"the question seems to be in {language}: the student knows English",
            hint="ask in English",
            severity=Severity.WARNING,
        )


def other_language(question: str) -> str:
    """The language that a question seems to be in; empty: English, or not known. Quoted texts do not count."""
    text = _QUOTED.sub(" ", question)
    words = [_plain(word) for word in re.findall(r"[^\W\d_]+", text)]
    english = len(set(words) & set(_ENGLISH.split()))
    scripts = [script for word in words if (script := _script(word))]
    if scripts and len(scripts) > len(words) / 2 and not english:
        return _SCRIPTS[max(set(scripts), key=scripts.count)]
    counts: Counter[str] = Counter()
    for line in _FOREIGN.strip().splitlines():
        language, _, known = line.partition(": ")
        counts[language.rstrip("!")] += len(set(words) & set(known.split())) * (2 if language.endswith("!") else 1)
    [(best, count)] = counts.most_common(1)
    return best if count >= LEAST and count > english else ""


def _plain(word: str) -> str:
    """In small letters without accents; ß and ø as they are written without them."""
    decomposed = unicodedata.normalize("NFD", word.casefold())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign)).replace("ø", "o").replace("æ", "ae")


def _script(word: str) -> str:
    """The script of the first letter of a word; empty: Latin or another."""
    return next((script for script in _SCRIPTS if unicodedata.name(word[:1], "").startswith(script)), "")
