"""Worlds: right answers by other ways than the generators' own, laws of seeds, splits and languages."""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.errors import InputError
from textmill.text.normalise import normalised
from textmill.text.worlds import WORLDS as NAMED_WORLDS
from textmill.text.worlds import lexicon, named
from textmill.text.worlds.causes import RULES, Causes
from textmill.text.worlds.copies import COPY_KINDS, Copied, plant
from textmill.text.worlds.facts import Facts
from textmill.text.worlds.opinions import Opinions
from textmill.text.worlds.pairs import Pairs
from textmill.text.worlds.sentiment import LABELS, Clause, Sentence, Sentiment, told
from textmill.text.worlds.sources import Brackets, Copy, HiddenMarkov, Markov, Source, Zipf
from textmill.text.worlds.stories import KINDS, Kind, Stories
from textmill.text.worlds.world import LANGUAGES, Item, Language, World, write, write_items

every_language = pytest.mark.parametrize("language", LANGUAGES)

# -- sources -----------------------------------------------------------------------------------------------------------

SOURCES: list[Source] = [
    Markov(order=0, vocabulary=5, mean_length=30),
    Markov(order=1, vocabulary=5, mean_length=30),
    Markov(order=2, vocabulary=4, mean_length=30, seed=3),
    Markov(order=3, vocabulary=3, mean_length=30, language="zh"),
    Zipf(mean_length=30),
    Zipf(vocabulary=3000, mean_length=30, exponent=1.3, language="zh"),
    Brackets(),
    Brackets(n_kinds=1, max_depth=1),
    Brackets(n_kinds=4, max_depth=3, opens=0.7, ends=0.4, language="zh"),
    Copy(vocabulary=3, mean_length=5),
]
every_source = pytest.mark.parametrize("source", SOURCES, ids=repr)


def eigen_stationary(source: Markov) -> np.ndarray:
    """The stationary law by the eigenvector of the whole matrix of contexts, instead of by walking."""
    size, order = source.vocabulary, source.order
    contexts = list(itertools.product(range(size), repeat=order))
    matrix = np.zeros((len(contexts), len(contexts)))
    for row, context in enumerate(contexts):
        for symbol in range(size):
            matrix[row, contexts.index((*context[1:], symbol))] += source.transitions[row, symbol]
    values, vectors = np.linalg.eig(matrix.T)
    law = np.real(vectors[:, np.argmin(abs(values - 1))])
    return law / law.sum()


def block_entropy(source: Markov, length: int) -> float:
    """H(first `length` symbols), added up over all texts of this length."""
    law, total = eigen_stationary(source), 0.0
    size, order = source.vocabulary, source.order
    for text in itertools.product(range(size), repeat=length):
        context = int("".join(map(str, text[:order])) or "0", size) if size > 1 else 0
        probability = law[context]
        for place in range(order, length):
            probability *= source.transitions[context, text[place]]
            context = (context * size + text[place]) % size**order
        total -= probability * math.log(probability)
    return total


@pytest.mark.parametrize(("order", "vocabulary"), [(1, 4), (2, 3), (3, 2)])
def test_the_entropy_rate_is_the_difference_of_block_entropies(order: int, vocabulary: int) -> None:
    source = Markov(order=order, vocabulary=vocabulary, seed=5)
    assert np.allclose(eigen_stationary(source), source.stationary, atol=1e-12)
    for length in (order + 1, order + 3):
        rate = block_entropy(source, length) - block_entropy(source, length - 1)
        assert rate == pytest.approx(source.entropy_per_token, abs=1e-10)
    first = block_entropy(source, order)
    assert first == pytest.approx(sum(source.symbol_entropies[:order]), abs=1e-10)


def test_the_entropy_of_a_table_on_paper() -> None:
    assert Markov(order=1, vocabulary=8, sharpness=0).entropy_per_token == pytest.approx(math.log(8))
    assert Zipf(vocabulary=3, exponent=1, shift=0).entropy_per_token == pytest.approx(
        (6 * math.log(11 / 6) + 3 * math.log(11 / 3) + 2 * math.log(11 / 2)) / 11
    )
    # Depth 1 and one kind: "()" again and again, so only the number of pairs is open: a geometric law of mean 2.
    source = Brackets(n_kinds=1, max_depth=1, ends=0.5)
    assert (source.nats_per_document, source.symbols_per_document) == pytest.approx((2 * math.log(2), 4))


@every_source
def test_texts_cost_what_the_source_says_on_average(source: Source) -> None:
    items = list(source.items(1500))
    nats = np.array([item.nats for item in items])
    lengths = np.array([len(item.symbols) for item in items])
    for sample, mean in ((nats, source.nats_per_document), (lengths, source.symbols_per_document)):
        assert abs(sample.mean() - mean) < 5 * sample.std() / math.sqrt(len(items)) + 1e-9
    assert nats.sum() / (lengths + 1).sum() == pytest.approx(source.loss_per_target, rel=0.08)
    assert all(len(item.token_nats) == len(item.symbols) + 1 and min(item.token_nats) >= 0 for item in items)


def test_a_text_costs_minus_the_logarithm_of_how_often_it_comes() -> None:
    for source in (Markov(order=1, vocabulary=2, mean_length=2), Brackets(n_kinds=1, max_depth=2, ends=0.5)):
        n = 12_000
        counts = Counter(item.text for item in source.items(n))
        prices = {item.text: item.nats for item in source.items(2000)}
        for text, count in counts.most_common(6):
            assert abs(count / n - math.exp(-prices[text])) < 5 * math.sqrt(count) / n


def test_symbols_follow_their_contexts_as_the_table_says() -> None:
    source = Markov(order=1, vocabulary=3, mean_length=1000)
    seen = np.zeros((3, 3))
    for item in source.items(60):
        for before, after in itertools.pairwise(item.symbols):
            seen[before, after] += 1
    assert np.allclose(seen / seen.sum(axis=1, keepdims=True), source.transitions, atol=0.02)


@every_source
def test_a_text_spells_its_symbols_one_to_one(source: Source) -> None:
    by_text: dict[str, tuple[int, ...]] = {}
    for item in source.items(500):
        assert by_text.setdefault(item.text, item.symbols) == item.symbols
    assert len(by_text) == len(set(by_text.values()))


def test_brackets_are_balanced_and_bounded() -> None:
    source = Brackets(n_kinds=3, max_depth=4, opens=0.8)
    pairs = dict(zip(")]}", "([{", strict=True))
    depths = set()
    for item in source.items(150):
        stack: list[str] = []
        for sign in item.text:
            if sign in pairs:
                assert stack.pop() == pairs[sign]
            else:
                stack.append(sign)
            depths.add(len(stack))
        assert stack == []
    assert depths == {0, 1, 2, 3, 4}


@every_language
def test_the_second_half_of_a_copy_is_free(language: Language) -> None:
    for item in Copy(language=language).items(100):
        first, second = item.text.split("|")
        assert first == second
        assert item.token_nats[len(first) + 1 :] == (0.0,) * (len(first) + 1)


def test_the_forward_algorithm_adds_up_over_all_walks() -> None:
    source = HiddenMarkov(n_states=3, vocabulary=2, seed=2)
    total = 0.0
    for text in itertools.product(range(2), repeat=4):
        probability = 0.0
        for states in itertools.product(range(3), repeat=4):
            walk = source.stationary[states[0]] * source.emissions[states[0], text[0]]
            for place in range(1, 4):
                walk *= (
                    source.transitions[states[place - 1], states[place]] * source.emissions[states[place], text[place]]
                )
            probability += walk
        assert math.exp(-sum(source.symbol_nats(list(text)))) == pytest.approx(probability)
        total += probability
    assert total == pytest.approx(1)


def test_the_bounds_of_a_hidden_source_close_around_its_estimate() -> None:
    source = HiddenMarkov(n_states=3, vocabulary=3, seed=4)
    bounds = [source.entropy_bounds(depth) for depth in range(1, 9)]
    lows, highs = zip(*bounds, strict=True)
    assert list(lows) == sorted(lows) and list(highs) == sorted(highs, reverse=True)
    assert highs[-1] - lows[-1] < 0.01
    estimate, error = source.entropy_estimate(20_000)
    assert lows[-1] - 5 * error < estimate < highs[-1] + 5 * error and error < 0.01


def test_an_unhidden_state_makes_a_markov_source() -> None:
    chain = Markov(order=1, vocabulary=4)
    source = HiddenMarkov(n_states=4, vocabulary=4)
    source.__dict__["emissions"] = np.eye(4)  # each state writes its own symbol
    low, high = source.entropy_bounds(2)
    assert (low, high) == pytest.approx((chain.entropy_per_token,) * 2)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Markov(order=-1),
        lambda: Markov(order=8, vocabulary=20),
        lambda: Markov(vocabulary=0),
        lambda: Markov(mean_length=1),
        lambda: Markov(language="fr"),
        lambda: Zipf(order=1),
        lambda: HiddenMarkov(n_states=0),
        lambda: HiddenMarkov().entropy_bounds(20),
        lambda: Brackets(opens=1),
        lambda: Copy(vocabulary=27),
        lambda: Causes(rule="all"),
        lambda: Causes(rule="both", n_labels=3),
        lambda: Causes(n_words=5, distance=5),
    ],
)
def test_a_knob_out_of_range_is_named(wrong) -> None:
    with pytest.raises(InputError, match="world"):
        wrong()


# -- planted causes ----------------------------------------------------------------------------------------------------

CAUSES = [
    Causes(rule=rule, language=language, distance=distance, as_next_word=as_next)
    for rule in RULES
    for language in LANGUAGES
    for distance, as_next in ((None, False), (7, True))
]
every_rule = pytest.mark.parametrize("world", CAUSES, ids=repr)


def decided(world: Causes, found: list[str]) -> str | None:
    """The label by the words of the text alone."""
    hits = [world.triggers.index(word) for word in found if word in world.triggers]
    if world.rule == "both":
        pairs = {hit // 2: hit % 2 for hit in hits}
        return world.labels[int(pairs[0] == pairs[1])] if len(pairs) == len(hits) == 2 else None
    if len(hits) != (1 if world.rule == "one" else 2):
        return None
    return world.labels[hits[-1]]


def words_of(text: str, language: Language) -> list[str]:
    return text.split(" ") if language == "en" else list(text)


@every_rule
def test_the_label_follows_from_the_causes_and_from_nothing_else(world: Causes) -> None:
    for item in world.items(200):
        found = words_of(item.text, world.language)
        if world.as_next_word:
            assert found.pop() == item.label
        assert len(found) == world.n_words
        assert decided(world, found) == item.label
        assert [item.text[start:end] for start, end in item.causes] == [
            word for word in found if word in world.triggers
        ]
        noise = [word if word in world.triggers else "x" for word in found]
        assert decided(world, noise) == item.label
        for place in item.cause_places:
            assert decided(world, found[:place] + found[place + 1 :]) is None
        if world.distance is not None:
            assert world.n_words - 1 - item.cause_places[-1] == world.distance


@every_rule
def test_labels_are_balanced(world: Causes) -> None:
    counts = Counter(item.label for item in world.items(2000))
    assert set(counts) == set(world.labels)
    assert all(abs(count - 1000) < 150 for count in counts.values())


def test_a_trigger_of_the_rule_both_says_nothing_alone() -> None:
    world = Causes(rule="both")
    items = list(world.items(4000))
    for trigger in world.triggers:
        labels = [item.label == world.labels[1] for item in items if trigger in item.text.split()]
        assert abs(np.mean(labels) - 0.5) < 0.06


def test_causes_are_the_same_in_both_languages() -> None:
    english, chinese = (list(Causes(language=language).items(50)) for language in LANGUAGES)
    assert [item.symbols for item in english] == [item.symbols for item in chinese]


# -- stories -----------------------------------------------------------------------------------------------------------

PATTERNS: dict[Language, dict[str, str]] = {
    "en": {
        "go": r"(?P<who>\w+) (?:went|walked|moved) to the (?P<place>\w+)\.",
        "leave": r"(?P<who>\w+) (?:is no longer in|has left|is not in) the (?P<place>\w+)(?: any more)?\.",
        "take": r"(?P<who>\w+) (?:picked up|took|grabbed) the (?P<thing>\w+)\.",
        "drop": r"(?P<who>\w+) (?:put down|dropped|let go of) the (?P<thing>\w+)\.",
        "give": r"(?P<who>\w+) (?:gave|handed|passed) the (?P<thing>\w+) to (?P<to>\w+)\.",
    },
    "zh": {
        "go": r"(?P<who>..)(?:去了|走到了|来到了)(?P<place>\w+)。",
        "leave": r"(?P<who>..)(?:已经不在(?P<place>\w+)了|离开了(?P<place1>\w+)|不再待在(?P<place2>\w+)里)。",
        "take": r"(?P<who>..)(?:捡起|拿走|抓起)了(?P<thing>\w+)。",
        "drop": r"(?P<who>..)(?:放下了|丢下了|松手放开了)(?P<thing>\w+)。",
        "give": r"(?P<who>..)把(?P<thing>\w+?)(?:给|交给|递给)了(?P<to>..)。",
    },
}
ASKED: dict[Language, dict[Kind, str]] = {
    "en": {
        "where-thing": r"Where is the (?P<thing>\w+)\?",
        "where-person": r"Where is (?P<who>\w+)\?",
        "where-before": r"Where was the (?P<thing>\w+) before the (?P<place>\w+)\?",
        "is-in": r"Is (?P<who>\w+) in the (?P<place>\w+)\?",
        "how-many": r"How many things does (?P<who>\w+) have\?",
        "who-gave": r"Who gave the (?P<thing>\w+) to (?P<to>\w+)\?",
        "who-has": r"Who has the (?P<thing>\w+)\?",
    },
    "zh": {
        "where-thing": r"(?P<thing>\w+)在哪里？",
        "where-person": r"(?P<who>\w+)在哪里？",
        "where-before": r"(?P<thing>\w+)到(?P<place>\w+)之前在哪里？",
        "is-in": r"(?P<who>..)在(?P<place>\w+)吗？",
        "how-many": r"(?P<who>..)有几个东西？",
        "who-gave": r"谁把(?P<thing>\w+)给了(?P<to>..)？",
        "who-has": r"(?P<thing>\w+)在谁手里？",
    },
}
COUNTED = {"en": "none one two three four five six seven", "zh": "零个 一个 两个 三个 四个 五个 六个 七个"}
Fact = dict[str, str]


def parsed(sentence: str, language: Language) -> Fact:
    hits = [
        {"action": action, **{name.rstrip("12"): word for name, word in match.groupdict().items() if word}}
        for action, pattern in PATTERNS[language].items()
        if (match := re.fullmatch(pattern, sentence))
    ]
    [fact] = hits
    return fact


def place_before(who: str, facts: list[Fact]) -> str | None:
    """Where a person is after these sentences: walk backwards to the last that speaks of it."""
    for fact in reversed(facts):
        if fact["who"] == who and fact["action"] in ("go", "leave"):
            return fact["place"] if fact["action"] == "go" else None
    return None


def handled(thing: str, facts: list[Fact]) -> tuple[int, str, str | None] | None:
    """The last sentence that handles a thing: its number, who was there, who holds it after."""
    for number in range(len(facts) - 1, -1, -1):
        fact = facts[number]
        if fact.get("thing") == thing:
            return number, fact["who"], {"take": fact["who"], "give": fact.get("to"), "drop": None}[fact["action"]]
    return None


def place_of_thing(thing: str, facts: list[Fact]) -> str | None:
    last = handled(thing, facts)
    if last is None:
        return None
    number, who, holder = last
    return place_before(holder, facts) if holder else place_before(who, facts[:number])


def solved(kind: Kind, asked: Fact, facts: list[Fact], language: Language) -> str | None:
    """The answer by reading the sentences backwards; None where they do not say."""
    if kind == "where-person":
        return place_before(asked["who"], facts)
    if kind == "where-thing":
        return place_of_thing(asked["thing"], facts)
    if kind == "where-before":
        way = [place_of_thing(asked["thing"], facts[:n]) for n in range(1, len(facts) + 1)]
        stays = [place for place, _ in itertools.groupby(way)]
        return stays[-2] if len(stays) > 1 and stays[-1] == asked["place"] and stays.count(stays[-1]) == 1 else None
    if kind == "is-in":
        said = [fact for fact in facts if fact["who"] == asked["who"] and fact["action"] in ("go", "leave")]
        if not said or (said[-1]["action"] == "leave" and said[-1]["place"] != asked["place"]):
            return None
        is_there = said[-1]["action"] == "go" and said[-1]["place"] == asked["place"]
        return {"en": ("no", "yes"), "zh": ("不在", "在")}[language][is_there]
    if kind == "how-many":
        things = {fact["thing"] for fact in facts if "thing" in fact}
        held = [last for thing in things if (last := handled(thing, facts)) and last[2] == asked["who"]]
        return COUNTED[language].split()[len(held)]
    if kind == "who-gave":
        givers = [
            f["who"]
            for f in facts
            if (f["action"], f.get("thing"), f.get("to")) == ("give", asked["thing"], asked["to"])
        ]
        return givers[0] if len(givers) == 1 else None
    last = handled(asked["thing"], facts)
    return last[2] if last else None


@every_language
@pytest.mark.parametrize("kind", KINDS)
def test_an_independent_reader_finds_the_answer_in_the_story_and_in_its_facts_alone(
    kind: Kind, language: Language
) -> None:
    for story in Stories(kinds=(kind,), language=language, seed=11).items(150):
        match = re.fullmatch(ASKED[language][kind], story.question)
        assert match
        facts = [parsed(sentence, language) for sentence in story.sentences]
        asked = match.groupdict()
        assert solved(kind, asked, facts, language) == story.answer
        proof = [facts[number] for number in story.facts]
        assert solved(kind, asked, proof, language) == story.answer
        if kind != "how-many":
            assert len(story.facts) == {"where-thing": 2, "where-before": 3}.get(kind, 1)
            for number in range(len(proof)):
                assert solved(kind, asked, proof[:number] + proof[number + 1 :], language) != story.answer


@every_language
def test_a_span_is_where_the_answer_stands_in_a_sentence_of_the_proof(language: Language) -> None:
    for story in Stories(language=language).items(400):
        assert story.text == (" " if language == "en" else "").join(story.sentences)
        if story.kind in ("is-in", "how-many"):
            assert story.start is None and story.end is None
            continue
        assert story.start is not None and story.text[story.start : story.end] == story.answer
        ends = list(itertools.accumulate(len(s) + (language == "en") for s in story.sentences))
        assert next(n for n, end in enumerate(ends) if story.start < end) in story.facts


@every_language
def test_an_unanswerable_question_has_no_answer_in_the_story(language: Language) -> None:
    for story in Stories(language=language, unanswerable=1.0).items(300):
        match = next(m for kind in ASKED[language] if (m := re.fullmatch(ASKED[language][kind], story.question)))
        assert (story.answer, story.facts, story.start, story.end) == ("", (), None, None)
        facts = [parsed(sentence, language) for sentence in story.sentences]
        words = match.groupdict()
        kinds = [story.kind] if story.kind == "is-in" else ["where-person", "where-thing"]
        for kind in kinds:
            names = {"who": words.get("who") or words.get("thing"), "thing": words.get("thing") or words.get("who")}
            assert solved(kind, {**words, **names}, facts, language) is None


def test_questions_come_in_the_shares_that_were_asked_for() -> None:
    n = 2000
    counts = Counter(story.kind for story in Stories().items(n))
    assert set(counts) == set(KINDS) and all(abs(counts[kind] - n / 7) < 90 for kind in KINDS)
    n_open = sum(story.answer == "" for story in Stories(unanswerable=0.3).items(n))
    assert abs(n_open - 0.3 * n) < 110
    yes = Counter(story.answer for story in Stories(kinds=("is-in",)).items(n))
    assert 0.35 < yes["yes"] / n < 0.6


def test_a_small_cast_ends_its_stories_too() -> None:
    world = Stories(n_people=2, n_places=2, n_things=1, n_sentences=(1, 3))
    assert {story.kind for story in world.items(300)} == set(KINDS)


def test_stories_are_the_same_in_both_languages() -> None:
    english, chinese = (list(Stories(language=language, unanswerable=0.2).items(200)) for language in LANGUAGES)
    assert [(s.events, s.query, s.facts) for s in english] == [(s.events, s.query, s.facts) for s in chinese]
    assert [s.start is None for s in english] == [s.start is None for s in chinese]


# -- sentiment ---------------------------------------------------------------------------------------------------------

PRAISE = {
    "en": "good impressive satisfying charming pleasing remarkable better",
    "zh": "好 出色 令人满意 迷人 讨人喜欢 出众 更好",
}
BLAME = {
    "en": "bad poor disappointing annoying dull sloppy worse",
    "zh": "差 糟糕 令人失望 烦人 乏味 粗糙 更差",
}
DEGREE = {
    "en": {"fairly": 0.5, "a bit": 0.5, "very": 1.5, "extremely": 2.0},
    "zh": {"还算": 0.5, "有点": 0.5, "非常": 1.5, "极其": 2.0},
}
NOT = {"en": ("not",), "zh": ("并不", "算不上")}
STOPS = {"en": (". ", ", but "), "zh": ("。", "，但是")}


def clause_score(clause: str, language: Language) -> float:
    """A clause by its words: the last word praises or blames, a degree and a negation may stand before it."""
    blank = r"\b" if language == "en" else ""
    clause = clause.replace(" than last time", "")
    polarity = 0
    for sign, listed in ((1, PRAISE), (-1, BLAME)):
        if any(re.search(f"{blank}{word}$", clause) for word in listed[language].split()):
            polarity = sign
    degrees = [value for word, value in DEGREE[language].items() if re.search(f"{blank}{word}{blank}", clause)]
    is_negated = any(re.search(f"{blank}{word}{blank}", clause) for word in NOT[language])
    return polarity * (-0.5 if is_negated else degrees[0] if degrees else 1.0)


def review_score(text: str, language: Language) -> float:
    """A review by its words: what stands before a "but" counts a fifth."""
    stop, but = STOPS[language]
    total = 0.0
    for sentence in text.rstrip(".。").split(stop):
        *before, last = (clause_score(clause, language) for clause in sentence.split(but))
        total += 0.2 * sum(before) + last
    return total


@every_language
@pytest.mark.parametrize("n_labels", [2, 3])
def test_an_independent_reader_finds_the_score_and_the_label_of_a_review(n_labels: int, language: Language) -> None:
    world = Sentiment(n_labels=n_labels, language=language)
    seen = Counter[str]()
    for review in world.items(900):
        score = review_score(review.text, language)
        assert score == pytest.approx(review.score)
        assert abs(score) >= 0.5 - 1e-9 or (n_labels == 3 and score == 0)
        name = "positive" if score > 0.1 else "negative" if score < -0.1 else "neutral"
        assert review.label == {**LABELS[language]}[name]
        seen[review.label] += 1
    assert set(seen) == set(world.labels) and all(abs(n - 900 / n_labels) < 90 for n in seen.values())


@every_language
def test_the_effects_of_polar_words_are_the_score(language: Language) -> None:
    for review in Sentiment(language=language).items(400):
        polar = [reason for reason in review.reasons if reason.role == "polarity"]
        assert sum(reason.effect for reason in polar) == pytest.approx(review.score)
        words = {review.text[reason.start : reason.end] for reason in polar}
        assert words <= set(f"{PRAISE[language]} {BLAME[language]}".split())


@every_language
def test_an_effect_is_what_the_score_loses_when_the_word_is_taken_out(language: Language) -> None:
    roles = set()
    for review in Sentiment(language=language).items(400):
        for start, end, role, effect in review.reasons:
            without = review.text[:start] + review.text[end:]
            if role == "contrast":
                joint = "." if language == "en" else "。"
                without = review.text[: start - 2 * (language == "en") - (language == "zh")] + joint + review.text[end:]
            elif role == "polarity":
                without = review.text[:start] + ("so" if language == "en" else "一般") + review.text[end:]
            without = re.sub(r"  +", " ", without)
            assert review.score - review_score(without, language) == pytest.approx(effect), (review.text, role)
            roles.add(role)
    assert roles == {"polarity", "negation", "intensity", "contrast"}


def test_a_review_on_paper() -> None:
    bad, superb = Clause(-1, aspect=0, word=0, is_negated=True), Clause(1, aspect=1, word=1, intensity=3)
    sentences = (Sentence((superb, Clause(-1, aspect=2, is_comparison=True)), opener=1), Sentence((bad,)))
    text, reasons = told(sentences, 0, "en")
    assert text == (
        "Overall, the breakfast was extremely impressive, but the service was worse than last time. "
        "The room was not bad."
    )
    found = [(text[reason.start : reason.end], round(reason.effect, 6)) for reason in reasons]
    assert found == [
        ("extremely", 0.2),
        ("impressive", 0.4),
        ("but", -1.6),
        ("worse", -1.0),
        ("not", 1.5),
        ("bad", 0.5),
    ]
    assert told(sentences, 0, "zh")[0] == "总的来说，虽然早餐极其出色，但是服务比上次更差。房间并不差。"


def test_reviews_are_the_same_in_both_languages() -> None:
    english, chinese = (list(Sentiment(language=language).items(200)) for language in LANGUAGES)
    assert [(r.sentences, r.score) for r in english] == [(r.sentences, r.score) for r in chinese]
    effects = [[[(reason.role, reason.effect) for reason in r.reasons] for r in side] for side in (english, chinese)]
    assert effects[0] == effects[1]


# -- sentence pairs ----------------------------------------------------------------------------------------------------

PAIRS = [Pairs(depth=0), Pairs(depth=1, ambiguity=0.2), Pairs(depth=3, modifiers=0.8), Pairs(direction="zh-en")]
every_grammar = pytest.mark.parametrize("world", PAIRS, ids=repr)
ENTRIES = [
    *((noun.one, noun.chinese) for group in lexicon.NOUNS.values() for noun in group),
    *((noun.many, noun.chinese) for group in lexicon.NOUNS.values() for noun in group),
    *(pair for group in lexicon.ADJECTIVES.values() for pair in group),
    *lexicon.NAMES,
    *lexicon.PLACES,
    *lexicon.MANNERS,
    *lexicon.NUMBERS,
    *lexicon.OWNERS,
    *(pair for group in lexicon.TIMES.values() for pair in group),
]


@every_grammar
def test_every_word_is_aligned_and_sides_are_their_words(world: Pairs) -> None:
    for pair in world.items(300):
        assert {i for i, _ in pair.alignment} == set(range(len(pair.source_words)))
        assert {j for _, j in pair.alignment} == set(range(len(pair.target_words)))
        assert list(pair.alignment) == sorted(set(pair.alignment))
        english, chinese = (pair.source, pair.target) if world.direction == "en-zh" else (pair.target, pair.source)
        words = [pair.source_words, pair.target_words]
        if world.direction == "zh-en":
            words.reverse()
        assert " ".join(words[0]).replace(" .", ".") == english and "".join(words[1]) == chinese
        assert english[0].isupper() and english.isascii() and not chinese.isascii() and "  " not in english


def test_aligned_words_are_translations_of_the_lexicon() -> None:
    meanings: dict[str, set[str]] = {}
    for english, chinese in ENTRIES:
        meanings.setdefault(english, set()).add(chinese)
    n_checked = 0
    for pair in Pairs(depth=2).items(300):
        for place, word in enumerate(pair.source_words):
            if word in meanings and pair.source_words[place + 1] != "days":
                aligned = {pair.target_words[j] for i, j in pair.alignment if i == place}
                # "cook" and "photograph" are also verbs: their Chinese is then the verb's.
                verbs = {verb.chinese for verb in lexicon.VERBS if word in verb[:5]}
                assert aligned & (meanings[word] | verbs), (pair, word)
                n_checked += 1
    assert n_checked > 1000


def test_english_agrees_in_number_and_chinese_counts_with_classifiers() -> None:
    many = {noun.many for group in lexicon.NOUNS.values() for noun in group} - {"sheep"}
    one = {noun.one for group in lexicon.NOUNS.values() for noun in group} - {"sheep"}
    adjectives = {english for group in lexicon.ADJECTIVES.values() for english, _ in group}
    classifier = {noun.chinese: noun.classifier for group in lexicon.NOUNS.values() for noun in group}
    n_counted = 0
    for pair in Pairs(depth=1).items(800):
        words = [word.lower() if n == 0 else word for n, word in enumerate(pair.source_words)]
        for place, word in enumerate(words):
            head = next((w for w in words[place + 1 :] if w not in adjectives), "")
            if word in ("these", "those", "two", "ten"):
                assert head in many or head == "sheep" or words[place + 1 : place + 3] == ["days", "ago"], pair.source
                n_counted += 1
            elif word in ("a", "an", "every"):
                assert head in one or head == "sheep", pair.source
                following = words[place + 1]
                if word != "every":
                    vowel = (following[0] in "aeiou" and following != "useful") or following == "honest"
                    assert (word == "an") == vowel
        target = pair.target_words
        for place, word in enumerate(target):
            if word in ("两", "每", "一"):
                rest = [w for w in target[place + 2 :] if w in classifier]
                assert target[place + 1] in {classifier[w] for w in rest}
    assert n_counted > 100


def test_a_verb_agrees_with_its_subject() -> None:
    many = {noun.many for noun in lexicon.NOUNS["person"]} | {"I", "you", "we", "they"}
    verbs = {verb.base: verb.third for verb in lexicon.VERBS}
    n_checked = Counter[str]()
    for pair in Pairs(depth=0, modifiers=0.0).items(1500):
        words = [pair.source_words[0].replace("You", "you").replace("We", "we").replace("They", "they")]
        words += pair.source_words[1:]
        for place, word in enumerate(words):
            is_many = place > 0 and words[place - 1] in many
            if word == "often":
                assert words[place + 1] in (verbs.keys() if is_many else verbs.values()), pair.source
            elif word in ("has", "have"):
                assert (word == "have") == is_many, pair.source
            elif word in ("am", "is", "are"):
                assert word == ("am" if words[place - 1] == "I" else "are" if is_many else "is"), pair.source
            else:
                continue
            n_checked[word] += 1
    assert set(n_checked) == {"often", "has", "have", "am", "is", "are"}


@pytest.mark.parametrize("ambiguity", [0.0, 0.5])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_chinese_sentence_has_one_english_side(depth: int, ambiguity: float) -> None:
    english_of: dict[str, str] = {}
    chinese_of: dict[str, set[str]] = {}
    for pair in Pairs(depth=depth, ambiguity=ambiguity, modifiers=0.1).items(2500):
        assert english_of.setdefault(pair.target, pair.source) == pair.source
        chinese_of.setdefault(pair.source, set()).add(pair.target)
    assert all(len(targets) == 1 for targets in chinese_of.values()) or ambiguity


def test_the_lexicon_says_each_thing_once_in_chinese() -> None:
    said = [
        *(noun.chinese for lists in (lexicon.NOUNS, lexicon.AMBIGUOUS) for group in lists.values() for noun in group),
        *(chinese for group in lexicon.ADJECTIVES.values() for _, chinese in group),
        *(verb.chinese for verb in (*lexicon.VERBS, *lexicon.GIVING, *lexicon.SAYING)),
        *(chinese for pairs in (lexicon.NAMES, lexicon.PLACES, lexicon.MANNERS) for _, chinese in pairs),
    ]
    assert len(said) == len(set(said)) > 200


def test_ambiguous_words_are_told_apart_by_the_verb() -> None:
    two_ways = {"bat": {"蝙蝠", "球棒"}, "crane": {"鹤", "起重机"}, "seal": {"海豹", "印章"}, "mouse": {"老鼠", "鼠标"}}
    seen: dict[str, set[str]] = {word: set() for word in two_ways}
    for pair in Pairs(depth=0, ambiguity=1.0).items(800):
        for place, word in enumerate(pair.source_words):
            if word in two_ways:
                seen[word] |= {pair.target_words[j] for i, j in pair.alignment if i == place} & two_ways[word]
    assert seen == two_ways
    plain = " ".join(pair.source for pair in Pairs(depth=0).items(800)).split()
    assert not {"bat", "crane", "seal", "mouse", "cranes"} & set(plain)


def test_there_are_more_than_a_million_sentences_without_any_clause_inside() -> None:
    # Subject (a name or "the", "this", "that" and a person), verb, object with one of six determiners, in the past.
    n_objects = sum(len(lexicon.NOUNS[verb.object_class]) for verb in lexicon.VERBS) * 6
    n_subjects = len(lexicon.NAMES) + 3 * len(lexicon.NOUNS["person"])
    n_adverbials = (1 + len(lexicon.PLACES)) * (1 + len(lexicon.TIMES["past"]))
    assert n_subjects * n_objects * n_adverbials > 10**6
    n = 4000
    assert len({pair.source for pair in Pairs(depth=0).items(n)}) > 0.99 * n


def test_a_pair_on_paper() -> None:
    pairs = {pair.source: pair for pair in Pairs(depth=0, modifiers=0.0).items(4000)}
    found = [pair for pair in pairs.values() if pair.source.startswith("Mary did not ") and len(pair.source_words) == 7]
    assert found
    for pair in found:
        _, _, _, verb, *_ = pair.source_words
        chinese = next(entry.chinese for entry in lexicon.VERBS if entry.base == verb)
        assert pair.target_words[:3] == ("玛丽", "没有", chinese)
        assert {(0, 0), (1, 1), (2, 1), (3, 2)} <= set(pair.alignment)


# -- planted copies ----------------------------------------------------------------------------------------------------


def some_documents(n: int, language: Language = "en") -> list[str]:
    world = Zipf(vocabulary=2000, mean_length=90, language=language)
    return [item.text for item in world.items(n)]


def apart(text: str, language: Language) -> list[str]:
    return text.split() if language == "en" else list(text)


@every_language
def test_a_copy_differs_from_its_source_as_its_kind_says(language: Language) -> None:
    documents = some_documents(400, language)
    planted = list(plant(documents, one_in=30, most_delay=50))
    assert [item.number for item in planted] == list(range(len(planted)))
    assert [item.text for item in planted if item.kind is None] == documents
    for item in planted:
        if item.source is None or item.kind is None:
            assert (item.source, item.kind, item.changed) == (None, None, ())
            continue
        source = planted[item.source]
        assert source.kind is None and source.number < item.number and source.given == item.given
        assert (item.text == source.text) == (item.kind == "exact")
        assert (normalised(item.text) == normalised(source.text)) == (item.kind != "near")
        if item.kind == "near":
            before, after = apart(source.text, language), apart(item.text, language)
            differing = [new for old, new in zip(before, after, strict=True) if old != new]
            assert differing == [item.text[start:end] for start, end in item.changed]
            assert len(differing) == max(1, len(before) // 30)
    seen = Counter(item.kind for item in planted if item.kind)
    assert abs(sum(seen.values()) / len(planted) - 0.4) < 0.06
    assert set(seen) == set(COPY_KINDS) and all(abs(3 * n / sum(seen.values()) - 1) < 0.35 for n in seen.values())


def test_copies_come_soon_and_only_of_long_documents() -> None:
    documents = some_documents(600)
    planted = list(plant(documents, most_delay=5, least_words=60))
    place_of_original = {item.given: item.number for item in planted if item.kind is None}
    n_short = 0
    for item in planted:
        if item.source is not None:
            assert len(documents[item.given].split()) >= 60
            between = [other for other in planted[item.source + 1 : item.number] if other.kind is None]
            assert len(between) < 5 and item.source == place_of_original[item.given]
        else:
            n_short += len(item.text.split()) < 60
    assert n_short > 50


def test_what_is_planted_does_not_depend_on_what_follows() -> None:
    documents = some_documents(60)
    whole = {item.given: item.text for item in plant(documents) if item.kind}
    part = {item.given: item.text for item in plant(documents[:30]) if item.kind}
    assert part == {number: text for number, text in whole.items() if number < 30}
    assert {item.given: item.text for item in plant(documents, seed=1) if item.kind} != whole


@given(st.lists(st.text(), max_size=6), st.integers(0, 5))
def test_any_text_can_be_copied(documents: list[str], seed: int) -> None:
    planted: list[Copied] = list(plant(documents, share=0.5, seed=seed))
    assert [item.text for item in planted if item.kind is None] == documents
    for item in planted:
        if item.source is not None:
            source = planted[item.source].text
            assert (item.text == source) == (item.kind == "exact")
            assert (normalised(item.text) == normalised(source)) == (item.kind != "near")


def test_a_copy_stands_on_the_side_of_its_source(tmp_path: Path) -> None:
    planted = list(plant(some_documents(300)))
    done = write_items(planted, tmp_path / "copies", valid_share=0.3, test_share=0.3)
    sides = {
        json.loads(row)["number"]: part
        for part, path in done.paths.items()
        for row in path.read_text("utf-8").splitlines()
    }
    assert len(sides) == len(planted) and len(set(sides.values())) == 3
    assert all(sides[item.number] == sides[item.source] for item in planted if item.source is not None)


def test_knobs_of_copies_are_checked_at_once() -> None:
    for wrong in ({"share": 0.6}, {"kinds": ("far",)}, {"kinds": ()}, {"one_in": 0}, {"most_delay": 0}):
        with pytest.raises(InputError, match="copies"):
            plant([], **wrong)


# -- laws of all worlds ------------------------------------------------------------------------------------------------

WORLDS: list[World[Item]] = [
    Stories(unanswerable=0.1),
    Markov(),
    Zipf(),
    HiddenMarkov(mean_length=40),
    Brackets(),
    Copy(),
    Causes(),
    Sentiment(),
    Opinions(),
    Facts(),
]
every_world = pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)


@every_world
def test_an_item_depends_on_its_number_alone(world: World[Item]) -> None:
    whole = [item.row() for item in world.items(12)]
    assert [world.item(number).row() for number in reversed(range(12))] == whole[::-1]
    assert [item.row() for item in world.items(4, start=8)] == whole[8:]
    assert len({json.dumps(row) for row in whole}) > 6


@pytest.mark.parametrize("name", NAMED_WORLDS)
def test_a_name_opens_a_world_in_either_language(name: str) -> None:
    for word in (name, f"{name}-zh"):
        world = named(word, seed=3)
        assert (world.name, world.seed) == (name, 3) and len(list(world.items(3))) == 3
    assert json.dumps(named(f"{name}-zh").item(1).row()) != json.dumps(named(name).item(1).row())


def test_a_name_that_is_none_is_told_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'stories'"):
        named("storys")


def test_importing_worlds_loads_no_torch() -> None:
    program = "import sys, textmill.text.worlds; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False", done.stderr


@every_world
def test_another_seed_is_another_text(world: World[Item]) -> None:
    other = type(world)(seed=1)
    assert [item.row() for item in world.items(8)] != [item.row() for item in other.items(8)]


def test_items_do_not_depend_on_the_hash_seed_of_python() -> None:
    program = """
import hashlib
from test_text_worlds import WORLDS
print(hashlib.sha256(repr([item.row() for world in WORLDS for item in world.items(8)]).encode()).hexdigest())
"""
    seen = set()
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=Path(__file__).parent,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        assert done.returncode == 0, done.stderr
        seen.add(done.stdout)
    assert len(seen) == 1


@every_world
def test_no_text_stands_on_two_sides_of_a_split_and_none_is_lost(world: World[Item], tmp_path: Path) -> None:
    n = 400
    done = write(world, n, tmp_path / "world", valid_share=0.2, test_share=0.2)
    rows: dict[str, list[Any]] = {
        part: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for part, path in done.paths.items()
    }
    assert {part: len(found) for part, found in rows.items()} == done.n_items
    assert sum(done.n_items.values()) == n
    assert 40 < done.n_items["test"] < 130 and 40 < done.n_items["validation"] < 130
    keys = {part: {json.dumps(row, sort_keys=True) for row in found} for part, found in rows.items()}
    assert not keys["train"] & (keys["validation"] | keys["test"]) and not keys["validation"] & keys["test"]
    every = Counter(json.dumps(row, sort_keys=True) for found in rows.values() for row in found)
    assert every == Counter(json.dumps(item.row(), sort_keys=True) for item in world.items(n))


def test_a_repeated_text_is_on_one_side(tmp_path: Path) -> None:
    done = write(Brackets(n_kinds=1, max_depth=2), 500, tmp_path / "world", valid_share=0.3, test_share=0.3)
    texts = [{json.loads(row)["text"] for row in path.read_text("utf-8").splitlines()} for path in done.paths.values()]
    assert sum(map(len, texts)) == len(set.union(*texts))


def test_neither_side_of_a_pair_stands_on_two_sides_of_a_split(tmp_path: Path) -> None:
    world = Pairs(depth=0, modifiers=0.0, ambiguity=1.0)
    done = write(world, 3000, tmp_path / "world", valid_share=0.3, test_share=0.3)
    rows = [[json.loads(row) for row in path.read_text("utf-8").splitlines()] for path in done.paths.values()]
    for column in ("source", "target"):
        texts = [{row[column] for row in part} for part in rows]
        assert sum(map(len, texts)) == len(set.union(*texts)) < 3000


def test_a_folder_that_has_content_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="not an empty folder"):
        write(Copy(), 3, tmp_path)
    with pytest.raises(InputError, match="leave something"):
        write(Copy(), 3, tmp_path / "new", valid_share=0.5, test_share=0.5)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
