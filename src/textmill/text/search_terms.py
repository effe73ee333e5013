"""A text -> the terms that it is searched by, in English and in Chinese. Room: text/. Used by passage_index.

NFKC, case folded, traditional Chinese as simplified. Latin and the like by words, with light stemming; Chinese and
Japanese, which have no blanks between words, by pairs of neighbouring characters, and by single ones, for a question of
one. A run of mixed text gives both.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import pairwise

from textmill.errors import MissingExtra
from textmill.messages import message

UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_term = re.compile(rf"[{UNSPACED}]+|\d+(?:[.,]\d+)+|(?:(?![{UNSPACED}])[^\W_])+(?:['’](?:(?![{UNSPACED}])[^\W_])+)*")
_unspaced = re.compile(f"[{UNSPACED}]")

ASKING = frozenset(
    ("a", "an", "and", "any", "are", "as", "at", "be", "by", "can", "could", "did", "do", "does", "for", "from", "has",
     "have", "how", "i", "in", "is", "it", "its", "many", "me", "much", "my", "of", "on", "or", "our", "please",
     "should", "tell", "that", "the", "their", "there", "this", "to", "was", "we", "were", "what", "when", "where",
     "which", "who", "whom", "whose", "why", "will", "with", "would", "you", "your")
)  # fmt: skip
"""Words of an English question that say nothing of what is asked for."""
ASKING_CHINESE = re.compile(
    "请问|請問|什么|什麼|怎么样|怎麼樣|怎么|怎麼|怎样|怎樣|如何|为什么|為什麼|为何|為何|多少|哪一?[里裡个個些位年天]|哪|谁|誰"
    "|是否|是不是|能不能|可不可以|有没有|有沒有|吗|嗎|呢|的|了|是|在|？"
)


def terms(text: str) -> list[str]:
    """The terms of a text that is searched, in its order.

    >>> terms("The kettles' warranty"), terms("保修期 2 年")
    (['the', 'kettl', 'warranti'], ['保修', '保', '修期', '修', '期', '2', '年'])
    """
    found: list[str] = []
    for term in _term.findall(folded(text)):
        if _unspaced.match(term):
            found += _pairs(term)
        else:
            found.append(stem(term))
    return found


def question_terms(question: str) -> list[str]:
    """The terms of a question, each once, without the words that only ask; with them, where it has no others.

    Of Chinese the pairs, and the single characters of runs of one.
    >>> question_terms("How long is the warranty?"), question_terms("保修期是多少年？")
    (['long', 'warranti'], ['保修', '修期', '年'])
    """
    text = folded(question)
    return _asked(ASKING_CHINESE.sub(" ", text), ASKING) or _asked(text, frozenset())


def _asked(text: str, left_out: frozenset[str]) -> list[str]:
    found: dict[str, None] = {}
    for term in _term.findall(text):
        if not _unspaced.match(term):
            if term not in left_out:
                found[stem(term)] = None
        elif len(term) == 1:
            found[term] = None
        else:
            found.update(dict.fromkeys(a + b for a, b in pairwise(term)))
    return list(found)


def _pairs(run: str) -> list[str]:
    found: list[str] = []
    for first, second in pairwise(run):
        found += (first + second, first)
    return [*found, run[-1]]


def folded(text: str) -> str:
    """NFKC, case folded, traditional characters as simplified ones."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).casefold().translate(simplified())


@cache
def simplified() -> dict[int, str]:
    """Traditional character -> the simplified one. Raises MissingExtra without opencc."""
    try:
        import opencc
    except ImportError:
        raise missing("opencc") from None
    blocks = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00))
    characters = [chr(code) for first, last in blocks for code in range(first, last)]
    simple = opencc.OpenCC("t2s").convert("\n".join(characters)).split("\n")
    return {ord(one): other for one, other in zip(characters, simple, strict=True) if one != other}


def missing(package: str) -> MissingExtra:
    """The error for a package of the extra that is not installed."""
    return MissingExtra(
        message("searching documents needs %(package)s, which is not installed", package=package),
        hint="pip install 'textmill[ask]'",
    )


def stem(word: str) -> str:
    """A word without its ending, where it has a common one.

    >>> stem("warranties"), stem("boiled"), stem("1,200"), stem("3.5"), stem("it's")
    ('warranti', 'boil', '1200', '3.5', 'it')
    """
    if word[0].isdigit():
        return word.replace(",", "")
    return word
