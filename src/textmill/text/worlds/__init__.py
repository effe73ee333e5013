"""A name and a seed -> text whose right answers are known. Room: text/; used by tests, tutorials and benchmarks.

    stories     small-world stories, questions, answers, the sentences that prove them
    pairs       sentences in English and Chinese, and which words stand for each other
    sentiment   reviews, labels by rule, the words that cause them
    opinions    reviews of several aspects, with the opinion of each
    causes      made-up words, some of which decide the label
    markov zipf hidden-markov brackets copy     sources whose entropy is known
    facts       pages of facts about invented things, questions that they answer or do not
    copies      stories with copies among them, and who copies whom; plant: copies among given documents

Item i of a world depends on (knobs, seed, i) alone. Imports no numpy by itself; sources load it when they draw.
"""

from __future__ import annotations

from typing import Any

from textmill.errors import InputError, did_you_mean
from textmill.text.worlds.causes import Causes, Planted
from textmill.text.worlds.copies import Copied, Copies, plant
from textmill.text.worlds.facts import FactPage, FactQuestion, Facts
from textmill.text.worlds.opinions import AspectReview, Opinions
from textmill.text.worlds.pairs import Pair, Pairs
from textmill.text.worlds.sentiment import Review, Sentiment
from textmill.text.worlds.sources import Brackets, Copy, HiddenMarkov, Markov, Source, SourceText, Zipf
from textmill.text.worlds.stories import Stories, Story
from textmill.text.worlds.world import Item, Language, World, Written, line, part_of, write, write_items

WORLDS: dict[str, type[World[Any]]] = {
    world.name: world
    for world in (
        Stories,
        Pairs,
        Sentiment,
        Opinions,
        Causes,
        Markov,
        Zipf,
        HiddenMarkov,
        Brackets,
        Copy,
        Copies,
        Facts,
    )
}


def named(name: str, seed: int = 0) -> World[Any]:
    """The world of a name with its default knobs; `-zh` behind it: in Chinese (pairs: from Chinese).

    Raises InputError for a name that is none, with the nearest one.

    >>> named("stories-zh").item(0).question[-1]
    '？'
    """
    stem = name.removesuffix("-zh")
    if stem not in WORLDS:
        near = did_you_mean(stem, WORLDS)
        raise InputError(f"no world '{name}' (there are: {', '.join(WORLDS)})", hint=near)
    knobs: dict[str, Any] = {"seed": seed, **knobs_of_language(stem, "zh" if name.endswith("-zh") else "en")}
    return WORLDS[stem](**knobs)


def knobs_of_language(name: str, language: Language) -> dict[str, str]:
    """The knob of a world that makes it speak a language: pairs, which speak both, translate from it."""
    if name != Pairs.name:
        return {"language": language}
    return {"direction": "zh-en" if language == "zh" else "en-zh"}


__all__ = [
    "AspectReview",
    "Brackets",
    "Causes",
    "Copied",
    "Copies",
    "Copy",
    "FactPage",
    "FactQuestion",
    "Facts",
    "HiddenMarkov",
    "Item",
    "Markov",
    "Opinions",
    "Pair",
    "Pairs",
    "Planted",
    "Review",
    "Sentiment",
    "Source",
    "SourceText",
    "Stories",
    "Story",
    "WORLDS",
    "World",
    "Written",
    "Zipf",
    "knobs_of_language",
    "line",
    "named",
    "part_of",
    "plant",
    "write",
    "write_items",
]
