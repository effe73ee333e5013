"""What tiktoken and the tokenizers library cut alike is found by letting both cut; one that differs is named."""

import unicodedata

import numpy as np
import pytest
from numpy.typing import NDArray

from textmill.tokens.agreement import BETWEEN, SURROUNDINGS, Agreement
from textmill.tokens.kinds import QWEN2

SORTS = "azZsſtTrRvlLmde'’ .!-\t\r\n\u00a0\u3000\u0085\u2028\u200b019५Ⅻ²éßŉ你ไั\u0301😀\ue000\ufffe\U0010ffff"


def code_points(text: str) -> NDArray[np.uint32]:
    return np.array([ord(character) for character in text], dtype=np.uint32)


def probes_of(character: str) -> str:
    return "".join(BETWEEN + left + character + right for left, right in SURROUNDINGS) + BETWEEN


def test_tiktokens_pieces_are_read_off_its_tokens_by_hand() -> None:
    pieces = {
        "é": "1 é 1 aéa 1 .é . 1 _é _ 1 \n é \n 1 'éa 1 'réa 1 'léa 1 'éea 1",  # a letter
        "s": "1 s 1 asa 1 .s . 1 _s _ 1 \n s \n 1 's a 1 'rsa 1 'lsa 1 's ea 1",  # 's ends
        "e": "1 e 1 aea 1 .e . 1 _e _ 1 \n e \n 1 'ea 1 're a 1 'lea 1 'eea 1",  # 're ends
        "५": "1 ५ 1 a ५ a 1 . ५ . 1 _ ५ _ 1 \n ५ \n 1 ' ५ a 1 'r ५ a 1 'l ५ a 1 ' ५ ea 1",  # a digit
        "。": "1 。 1 a 。a 1 .。. 1 _。 _ 1 \n 。\n 1 '。 a 1 'r 。a 1 'l 。a 1 '。 ea 1",  # a sign
        # White space: the last before what is none stands alone, and a line end takes what white space is before it.
        "\u3000": "1 \u3000 1 a \u3000a 1 . \u3000 . 1 _\u3000 _ 1 \n\u3000\n 1 ' \u3000a 1 'r \u3000a 1 'l \u3000a 1"
        " ' \u3000ea 1",
    }
    for character, expected in pieces.items():
        by_hand = [piece.replace("_", " ") for piece in expected.split(" ")]
        assert "".join(by_hand) == probes_of(character)
        ends = np.cumsum([len(piece) for piece in by_hand])
        assert Agreement(QWEN2).ends_by_tiktoken(probes_of(character)).tolist() == ends.tolist()


def test_every_sort_of_character_is_seen_alike_one_by_one_and_all_together() -> None:
    assert all(Agreement(QWEN2).holds_for(code_points(character)) for character in SORTS)
    assert Agreement(QWEN2).holds_for(code_points(SORTS))


@pytest.mark.parametrize("otherwise", ["é", "你", "s", "\u3000", "५", "。"])
def test_the_one_that_is_cut_otherwise_is_found_among_many(otherwise: str) -> None:
    class Older(Agreement):
        """A library whose tables lack the character: it sees another sort there."""

        def ends_by_library(self, text: str) -> NDArray[np.int64]:
            sort = "a" if unicodedata.category(otherwise)[0] != "L" else "-"
            return super().ends_by_library(text.replace(otherwise, sort))

    agreement = Older(QWEN2)
    text = SORTS + "今天天气很好，我们去公园。" + otherwise

    assert not agreement.holds_for(code_points(text))
    assert {c for c in text if not agreement.holds_for(code_points(c))} == {otherwise}


@pytest.mark.parametrize(("name", "fold"), [("e", "\u0117"), ("s", "\u0219"), ("v", "\u1e7f"), ("l", "\u0142")])
def test_a_letter_that_only_one_of_them_takes_for_a_variant_is_found(name: str, fold: str) -> None:
    class Folds(Agreement):
        def ends_by_library(self, text: str) -> NDArray[np.int64]:
            return super().ends_by_library(text.replace(fold, name))

    assert not Folds(QWEN2).holds_for(code_points(fold))
    assert Agreement(QWEN2).holds_for(code_points(fold))


@pytest.mark.ci
def test_nearly_every_code_point_is_cut_alike() -> None:
    """Else the fast way would be none: the two differ in what the newest Unicode versions added, at most."""
    agreement = Agreement(QWEN2)
    everything = np.array([*range(0xD800), *range(0xE000, 0x20000)], dtype=np.uint32)
    agreement.holds_for(everything)
    assert agreement._alike[everything].mean() > 0.98
