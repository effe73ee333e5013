"""Aspects: the sentence or clause that is about each; on reviews of known opinions, nearly all come out right."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.errors import InputError
from textmill.text.aspects import (
    CHINESE_NAMES,
    COMMON,
    aspect_sentences,
    aspects_of,
    aspects_said,
    sentences,
)
from textmill.text.worlds.opinions import Opinions
from textmill.text.worlds.sentiment import LABELS, WORDS
from textmill.text.worlds.world import LANGUAGES, Language

HOTEL = aspects_said(["room", "service", "price", "food", "location"])


def said_of(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in aspect_sentences(text, HOTEL):
        found.setdefault(one.aspect, []).append(one.sentence)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The room was clean. We left early.", {"room": ["The room was clean."]}),
        ("The rooms were clean, but we froze.", {"room": ["The rooms were clean, but we froze."]}),
        ("The room was clean, but the staff was rude.", {
            "room": ["The room was clean"], "service": ["but the staff was rude."]}),
        ("Great location, rude staff!", {"location": ["Great location"], "service": ["rude staff!"]}),
        ("The room and the breakfast were great.", {
            "room": ["The room and the breakfast were great."], "food": ["The room and the breakfast were great."]}),
        ("We loved the room, the food and the staff.", {
            name: ["We loved the room, the food and the staff."] for name in ("room", "food", "service")}),
        ("We loved the room and hated the food.", {"room": ["We loved the room"], "food": ["and hated the food."]}),
        ("Although the bed was hard, the view was superb.", {
            "room": ["Although the bed was hard"], "location": ["the view was superb."]}),
        ("The room was clean, bright and large while the bill was a shock", {
            "room": ["The room was clean, bright and large"], "price": ["while the bill was a shock"]}),
        ("The bathroom stank.", {"room": ["The bathroom stank."]}),
        ("A priceless mushroom", {}),
        ("We paid 3.50 for the soup. Mr. Wu, the manager, apologised.", {
            "food": ["We paid 3.50 for the soup."], "service": ["Mr. Wu, the manager, apologised."]}),
        ("房间很干净。我们走了。", {"room": ["房间很干净。"]}),
        ("房间很小，但是服务员很热情！", {"room": ["房间很小"], "service": ["但是服务员很热情！"]}),
        ("虽然房间小，服务却很好。早餐一般", {
            "room": ["虽然房间小"], "service": ["服务却很好。"], "food": ["早餐一般"]}),
        ("房间和服务都很好。", {"room": ["房间和服务都很好。"], "service": ["房间和服务都很好。"]}),
        ("房间干净，服务周到，价格公道。", {"room": ["房间干净"], "service": ["服务周到"], "price": ["价格公道。"]}),
        ("服务员很和气，床很软", {"service": ["服务员很和气"], "room": ["床很软"]}),
        ("服务一般.房间差,早餐很少!前台说3.5元", {
            "service": ["服务一般.", "前台说3.5元"], "room": ["房间差"], "food": ["早餐很少!"]}),
        ("", {}),
    ],
)  # fmt: skip
def test_an_aspect_has_the_sentence_or_the_clause_that_is_about_it(text: str, expected: dict[str, list[str]]) -> None:
    assert said_of(text) == expected


def test_what_is_said_of_an_aspect_that_nobody_asked_for_is_cut_off() -> None:
    for said in ("room", "room=bed,room", "床"):
        found = aspect_sentences("The bed was soft, but the soup was cold. 床很软，汤很凉。", aspects_said(said))
        expected = {"room": ["The bed was soft", "床很软"], "room=bed,room": ["The bed was soft"], "床": ["床很软"]}
        assert [one.sentence for one in found] == expected[said]


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_reviews_with_known_opinions_at_least_95_percent_come_out_right(language: Language) -> None:
    """With a classifier that reads one sentence as the grammar means it; what is left to go wrong is the cutting."""
    names = LABELS[language]
    right = n = 0
    for review in Opinions(language=language, seed=5).items(500):
        scores = dict.fromkeys(review.opinions, 0)
        for aspect, sentence, start, end in aspect_sentences(review.text, HOTEL):
            assert review.text[start:end] == sentence
            scores[aspect] = scores.get(aspect, 0) + score_of(sentence, language)
        n += len(review.opinions)
        right += sum(
            scores[aspect] != 0 and names["positive" if scores[aspect] > 0 else "negative"] == label
            for aspect, label in review.opinions.items()
        )
        assert set(scores) == set(review.opinions)  # no aspect is found that is not there

    assert n > 1000 and right >= 0.95 * n


def test_whole_sentences_would_not_do() -> None:
    """The measurement above can fail: without cutting, a sentence of two minds says the same of both."""
    reviews = list(Opinions(together=1, seed=6).items(200))
    wrong = sum(
        any(
            (score_of(review.text[start:end], "en") > 0) != (label == "positive")
            for start, end in sentences(review.text)
            for aspect, label in review.opinions.items()
            if any(one.aspect == aspect for one in HOTEL.mentions(review.text[start:end]))
        )
        for review in reviews
    )
    assert wrong > 40


def score_of(sentence: str, language: Language) -> int:
    """The polar words of a sentence, each turned round by a negation right before it."""
    score = 0
    negation = "not " if language == "en" else "并不"
    for sign, words in WORDS[language].items():
        for word in words:
            start = sentence.find(word)
            while start >= 0:
                score += -sign if sentence[:start].endswith(negation) else sign
                start = sentence.find(word, start + 1)
    return score


@given(st.text(alphabet="room bed, .!?but 房间服务，。但是\n", max_size=80))
def test_sentences_stand_in_order_in_the_text_and_lose_only_blanks(text: str) -> None:
    places = sentences(text)

    assert all(start < end for start, end in places)
    assert all(end <= start for (_, end), (start, _) in pairwise(places))
    kept = "".join(text[start:end] for start, end in places)
    assert "".join(kept.split()) == "".join(text.split())
    for one in aspect_sentences(text, HOTEL):
        assert text[one.start : one.end] == one.sentence
        assert any(start <= one.start and one.end <= end for start, end in places)
        assert any(mention.aspect == one.aspect for mention in HOTEL.mentions(one.sentence))


def test_all_common_aspects_go_together_and_have_a_name_in_either_language() -> None:
    assert len(aspects_said(COMMON).names) == len(COMMON) == len(CHINESE_NAMES)
    assert set(CHINESE_NAMES.values()) == set(COMMON)
    assert aspect_sentences("价格公道", aspects_said(["价格"]))[0].aspect == "价格"


def test_terms_of_ones_own_stand_behind_an_equals_sign() -> None:
    own = aspects_said(["price", "lift=lift, escalator", "电梯＝电梯、扶梯"])

    assert own.names == ("price", "lift", "电梯") and own.alone == ()
    assert own.terms["lift"] == ("lift", "escalator") and own.terms["电梯"] == ("电梯", "扶梯")
    assert [one.aspect for one in aspect_sentences("The lifts stood still. 扶梯也停了。", own)] == ["lift", "电梯"]


def test_an_aspect_without_a_list_is_its_own_only_term() -> None:
    own = aspects_said("wifi,早茶,Staff")

    assert own.alone == own.names == ("wifi", "早茶", "Staff")
    assert [one.aspect for one in own.mentions("Staff and WiFi, 早茶")] == ["Staff", "wifi", "早茶"]
    assert aspect_sentences("the waiter", own) == []
    assert aspects_said("rating,heating,clean,legroom,pool").alone  # like a name with a list, and no slip for it


def test_terms_of_ones_own_are_taken_from_the_common_lists() -> None:
    both = aspects_said(["food", "breakfast", "tea=coffee"])

    assert [one.aspect for one in both.mentions("Breakfast, soup and coffee")] == ["breakfast", "food", "tea"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (["lift="], "'lift=' is no aspect with its terms"),
        (["=lift"], "'=lift' is no aspect with its terms"),
        (["price,lift=lift"], "Say each apart"),
        (["lift=lift,pool=pool"], "Say each apart"),
        (["lift=, ,"], "is no aspect with its terms"),
        (["price", "price"], "the aspect 'price' comes twice"),
        (["price,价格"], "'price' stands for 'price' and for '价格'"),
        (["a=b", "c=B"], "'B' stands for 'a' and for 'c'"),
        ([], "no aspect is named"),
        ([" ,"], "no aspect is named"),
    ],
)
def test_what_names_no_aspects_is_refused(said: list[str], why: str) -> None:
    with pytest.raises(InputError, match=why):
        aspects_said(said)


@pytest.mark.parametrize(
    ("typed", "meant"), [("servise", "service"), ("Qualty", "quality"), ("roon", "room"), ("服务务", "服务")]
)
def test_an_aspect_that_is_nearly_one_with_a_list_is_told_it(typed: str, meant: str) -> None:
    with pytest.raises(InputError, match=f"did you mean '{meant}'.*--aspects {typed}={typed}"):
        aspects_said(typed)
    assert aspects_said(f"{typed}={typed}").names == (typed,)


def test_a_longer_term_goes_before_one_within_it() -> None:
    both = aspects_of({"sound": ("音乐",), "place": ("音乐厅",)})

    assert [one.aspect for one in both.mentions("音乐厅里的音乐")] == ["place", "sound"]
