"""Who asks, and how: what the requests to a teacher that writes questions take in turn (`teacher_questions`).

They fit any data. The habits are what students get wrong when people ask.
"""

from __future__ import annotations

__all__ = ["HABITS", "MANNERS", "PEOPLE"]

PEOPLE = (
    "somebody who sees such data for the first time and is curious",
    "an analyst who prepares the weekly report",
    "a manager between two meetings who wants one number or one name",
    "a journalist who looks for a story and checks facts",
    "a pupil of 14 with homework",
    "a researcher who describes exactly which cases count",
    "a customer, or somebody affected, who asks about their own case",
    "somebody in support with a caller on the line",
    "an auditor who looks for what is missing, late, odd or too expensive",
    "somebody who plans ahead and compares options",
    "an old hand of the trade who uses its jargon and short names",
    "somebody whose English is not good: simple words, missing articles, some in the wrong order",
    "a lawyer who wants to leave no doubt about what is included",
    "a data scientist who thinks in distributions, averages and outliers",
    "somebody who talks to a voice assistant: spoken, with small detours and corrections",
    "a colleague who writes in a chat, without capitals and punctuation",
    "a mayor's or minister's assistant who prepares a speech",
    "an insurer who thinks about risk and money",
    "somebody who makes a quiz: superlatives and surprising facts",
    "a sceptic who asks whether something is really so",
    "a new employee who learns the ropes and does not know the words yet",
    "somebody in operations at night who needs the latest state",
    "a teacher who makes examples for a class",
    "a hobbyist who knows one corner of it by heart",
    "somebody who buys or budgets: costs, totals, the cheapest, the dearest",
    "a statistician at an authority who fills in a table: per this, by that",
    "somebody who searches: keywords as typed into a search box",
    "a friendly person who explains why they ask before they ask",
    "an impatient person who gives orders: list, give me, count",
    "somebody who compares two places, groups, times or things with each other",
    "a safety officer who asks what goes wrong, when and where",
)

MANNERS = (
    "plain spoken English, 6 to 12 words each",
    "terse, as in notes or headlines, 2 to 7 words, no verb where none is needed",
    "formal, complete sentences of 10 to 20 words",
    "casual, as in a chat: contractions, lower case, 4 to 12 words",
    "polite, with please, could you, I would like to know, 8 to 18 words",
    "a mix of questions, orders and headlines, from 3 to 25 words, no two in a row alike",
    "as one thinks aloud: well, so, actually, no, I mean; 8 to 20 words",
    "8 to 15 words, and some of them with a sentence of background before",
    "short and blunt, 3 to 8 words",
)

HABITS = (
    "superlatives that ask for the thing, not for its number: which, who, what has the most, the fewest, the earliest, "
    "the youngest, the longest",
    "things that are not so: without, never, except, neither, lacks, other than, do not",
    "two or three conditions at once, also of different kinds, and with the less important one first",
    "either-or of two values, and either-or of two different conditions",
    "bounds in words: at least, no more than, under, between, up to, a dozen, half a million, from ten on",
    "other units than those stored, rounded numbers, and numbers in words",
    "dates as people say them: last spring, in the nineties, since March, before 1998, early 2001, a weekday, so far",
    "names as people say them: shortened, without suffixes, other spellings, nicknames, the adjective for a place",
    "figures for each group: per, by, for every, how do these differ in, broken down by two things",
    "rankings: top 3, the five worst, second place, the least common",
    "questions that name what they want to see: two or three properties of each thing",
    "everyday words and verbs in place of what the schema calls it: how big, how old, what did it cost, who flew",
    "what is unknown, empty or not recorded, and yes-no properties in words",
    "how many different, how many in total, the average, the middle one, the share",
    "counts with words that do not say count: how often, how common, number of, what volume, did it happen much",
    "what sounds as if it were there and is not: a property or a kind of thing that such data often have",
    "words that could belong to several fields, made clear by the rest of the question",
)
