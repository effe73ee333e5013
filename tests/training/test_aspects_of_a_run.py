"""From whole reviews to the opinion of each aspect: a run that was trained is asked about reviews of known opinions.

It has read reviews that praise or blame all they name, with that one label each; it is asked about reviews that praise
one thing and blame another, and no text says which sentence is about what. The world of opinions knows both.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import textmill
from textmill.results import AspectOpinion
from textmill.text.worlds.opinions import ASPECTS, Opinions
from textmill.text.worlds.world import LANGUAGES, Language

NAMES = tuple(ASPECTS["en"])
RIGHT = 0.95
BOTH = {"en": r"The {a} and the {b} were ", "zh": "{a}和{b}都"}
"""How two aspects share one opinion."""
TINY = {"model.d_model": 32, "model.n_layers": 1, "model.seq_len": 128, "train.sample_tokens": 0, "train.batch": 12}


def fitted(language: Language, n: int, steps: int) -> textmill.TextClassifier:
    """On n reviews, less those of two minds."""
    reviews = [
        review for review in Opinions(language=language, seed=1).items(n) if len(set(review.opinions.values())) == 1
    ]
    one = textmill.TextClassifier("gru", steps=steps, threads=1, knobs={**TINY, "train.eval_every": steps})
    return one.fit([review.text for review in reviews], [next(iter(review.opinions.values())) for review in reviews])


def shares(run: Path, language: Language, n: int) -> tuple[float, float]:
    """Of the aspects of n other reviews, those with the right opinion, and those with the right sentence. None is found
    that is not there."""
    reviews = list(Opinions(language=language, seed=77).items(n))
    found = textmill.classify(run, [review.text for review in reviews], aspects=",".join(NAMES))
    right, carried = list[bool](), list[bool]()
    for review, one in zip(reviews, found, strict=True):
        assert tuple(one.aspects) == NAMES
        assert {name for name, opinion in one.aspects.items() if opinion is not None} <= set(review.opinions)
        for name, label in review.opinions.items():
            opinion = one.aspects[name]
            right.append(opinion is not None and opinion.label == label)
            carried.append(opinion is not None and is_about(opinion, name, review.text, language))
    assert {label for review in reviews for label in review.opinions.values()} == set(found[0].probabilities)
    return sum(right) / len(right), sum(carried) / len(carried)


def is_about(opinion: AspectOpinion, name: str, text: str, language: Language) -> bool:
    """Whether the sentence stands in the text, names the aspect, and no other, unless one opinion is told of both."""
    own, all_words = words_of(name, language), "|".join(words_of(other, language) for other in NAMES)
    if text[opinion.start : opinion.end] != opinion.sentence or not re.search(own, opinion.sentence):
        return False
    for aspect in NAMES:
        others = words_of(aspect, language)
        if aspect != name and re.search(others, opinion.sentence):
            return re.match(BOTH[language].format(a=f"({all_words})", b=f"({all_words})"), opinion.sentence) is not None
    return True


def words_of(name: str, language: Language) -> str:
    return "|".join(sorted(ASPECTS[language][name], key=len, reverse=True))


def test_a_sentence_about_another_aspect_does_not_count() -> None:
    said = {"label": "", "labels": [], "probabilities": {}, "sentences": []}
    text = "The bed was bad, but the soup was good. The bed and the soup were good."
    for start, end, about in ((0, 15, True), (17, 39, False), (0, 39, False), (40, 71, True)):
        one = AspectOpinion(**said, sentence=text[start:end], start=start, end=end)
        assert is_about(one, "room", text, "en") is about


def test_a_run_finds_the_opinions_of_aspects_and_their_sentences() -> None:
    one = fitted("en", 2000, 60)
    right, carried = shares(one.run_, "en", 100)
    assert right >= RIGHT and carried >= RIGHT


@pytest.mark.ci
@pytest.mark.parametrize("language", LANGUAGES)
def test_network_and_floor_find_the_opinions_of_aspects_in_either_language(language: Language) -> None:
    one = fitted(language, 8000, 300)
    assert textmill.open_run(one.run_).info["offer"]["weight"] > 0  # the network has a say
    for run in (one.run_, one.run_ / "floor"):
        right, carried = shares(run, language, 400)
        assert right >= RIGHT and carried >= RIGHT
    reviews = [review for review in Opinions(language=language, seed=78).items(400) if "room" in review.opinions]
    alone = textmill.classify(one.run_, [review.text for review in reviews], aspects="room")
    said = [opinion.label for found in alone if (opinion := found.aspects["room"]) is not None]
    n_right = sum(label == review.opinions["room"] for label, review in zip(said, reviews, strict=True))
    assert n_right >= RIGHT * len(reviews)  # whatever else is asked for
