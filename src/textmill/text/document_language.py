"""A document -> its language: zh, zh-Hant, en, mixed or other, offline. Room: text/. Used by look and by the plan.

Scripts say most: Han characters are Chinese unless kana stand among them (Japanese), and simplified or traditional by
the characters that only one standard has. Latin letters are told apart by English function words, and where these are
too few by py3langid (naive Bayes over byte n-grams; Lui and Baldwin 2012), which is loaded at the first such text.
What scripts cannot say stays unsaid: Japanese in Han characters alone counts as Chinese, and two languages in Latin
letters are never "mixed".
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import Any, Literal

from textmill.text.languages import HAN, ScriptCount
from textmill.text.long_text import Text

Language = Literal["zh", "zh-Hant", "en", "mixed", "other"]

N_WINDOWS, WINDOW = 4, 1024
"""A longer text is judged by so many windows of so many characters: its start, its end, and evenly between."""
LATIN_SAMPLE = 600
"""Characters that py3langid reads: more costs time (1 ms a thousand) and changes no answer on our corpora."""

HAN_WEIGHT = 3
"""A syllable sign counts as three letters: so many Latin letters an English sentence has for a Han character of its
Chinese translation (Tatoeba pairs: 2.8)."""
MIXED_SHARE = 0.25
"""A second language has at least this share of the weighted letters, counting only its running text."""
KANA_SHARE = 0.1
"""Of Han and kana together: from here on the text is Japanese. Chinese quotes a kana or two."""

MARKED = "\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0300-\u036f\u1e00-\u1eff"
MARKED_LETTER = re.compile(f"[{MARKED}]")
KANA = re.compile(r"[\u3041-\u309f\u30a1-\u30fa\u30fd-\u30ff\u31f0-\u31ff\uff66-\uff9d]")
HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
ADDRESS = re.compile(r"(?:https?://|www\.)[!-~]+|[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,64}")

# A name, a brand or a quoted term is no second language: four words in a row are, or five Han characters.
RUNNING_LATIN = re.compile(f"(?<![A-Za-z{MARKED}])[A-Za-z{MARKED}]+(?:[ ,;:'’-]{{1,3}}[A-Za-z{MARKED}]+){{3,}}")
RUNNING_HAN = re.compile("[{}，、]{{5,}}".format("".join(f"{chr(first)}-{chr(last)}" for first, last in HAN)))
RUNNING_OTHER = 20
"""Weighted letters of any other script that make running text."""

LATIN_WORD = re.compile(r"[^\W\d_]+")
# Function words that no other language written in Latin letters has among its frequent words.
ENGLISH_WORD = re.compile(
    r"\b(?:the|and|of|that|with|this|which|from|they|their|there|these|would|you|your|what|when|who|his|been|were)\b"
)
ENGLISH_SHARE, ENGLISH_DISTINCT = 0.1, 3
"""Running English has 15 % of these words or more; texts with three different ones and a tenth need no other proof."""


def language_of(text: Text) -> Language:
    """The language of a document; "other" for every other language and for texts without letters. Never fails.

    Judged by at most 4,096 characters (see WINDOW). zh against zh-Hant: the side with more characters of its own,
    where a character is simplified-only if GB2312's common half has it and Big5 does not, traditional-only if Big5's
    common half has it and GB2312 does not; a tie, and a text of shared characters alone, is zh.
    mixed: a second language in running text with at least a quarter of the letters, a Han character for three letters.

    >>> language_of("山里的学校只有一位老师。"), language_of("山裡的學校只有一位老師。"), language_of("12 + 3!")
    ('zh', 'zh-Hant', 'other')
    """
    sample = _sample(text)
    if "." in sample:  # cheaper than the search: an address has one
        sample = ADDRESS.sub(" ", sample)
    count = ScriptCount()
    count.add(sample)
    count.shares()
    n_han, n_latin, n_rest = (int(n) for n in count.counts[1:])
    if not n_han and not n_rest:
        return _language_of_latin(sample) if n_latin else "other"

    n_marked = n_kana = n_hangul = 0
    if n_rest:
        n_marked, n_kana, n_hangul = (len(kind.findall(sample)) for kind in (MARKED_LETTER, KANA, HANGUL))
    chinese, latin = HAN_WEIGHT * n_han, n_latin + n_marked
    rest = n_rest - n_marked + (HAN_WEIGHT - 1) * (n_kana + n_hangul)
    is_japanese = n_kana > 0 and n_kana >= KANA_SHARE * (n_han + n_kana)
    if is_japanese:
        chinese, rest = 0, rest + chinese

    scripts = {"chinese": chinese, "latin": latin, "rest": rest}
    running = _running(sample, scripts)
    if len(running) > 1:
        return "mixed"
    main = running[0] if running else max(scripts, key=scripts.__getitem__)
    if main == "chinese":
        return _chinese_standard(sample)
    return _language_of_latin(sample) if main == "latin" else "other"


def _running(sample: str, scripts: dict[str, int]) -> list[str]:
    """The scripts that have MIXED_SHARE of the weighted letters in running text."""
    least = MIXED_SHARE * sum(scripts.values())
    running = []
    if scripts["chinese"] >= least:
        n_running = sum(len(run) - run.count("，") - run.count("、") for run in RUNNING_HAN.findall(sample))
        if HAN_WEIGHT * n_running >= max(1, least):
            running.append("chinese")
    if scripts["latin"] >= least:
        n_running = sum(len(word) for run in RUNNING_LATIN.findall(sample) for word in LATIN_WORD.findall(run))
        if n_running >= max(1, least):
            running.append("latin")
    if scripts["rest"] >= max(RUNNING_OTHER, least):
        running.append("rest")
    return running


def _chinese_standard(sample: str) -> Language:
    simplified_only, traditional_only = _one_standard_only()
    n_simplified = sum(map(simplified_only.__contains__, sample))
    n_traditional = sum(map(traditional_only.__contains__, sample))
    return "zh-Hant" if n_traditional > n_simplified else "zh"


@lru_cache(maxsize=1)
def _one_standard_only() -> tuple[frozenset[str], frozenset[str]]:
    """Simplified-only and traditional-only characters. The common half of each standard: rare characters, which old
    texts of both kinds use, would count for Big5, the larger one."""
    common_simplified = _decoded("gb2312", range(0xB0, 0xD8))
    common_traditional = _decoded("big5", range(0xA4, 0xC7))
    return (
        frozenset(c for c in common_simplified if not _encodable(c, "big5")),
        frozenset(c for c in common_traditional if not _encodable(c, "gb2312")),
    )


def _decoded(codec: str, first_bytes: range) -> set[str]:
    every = (bytes((first, second)).decode(codec, "ignore") for first in first_bytes for second in range(0x40, 0xFF))
    return {c for c in every if len(c) == 1 and "\u4e00" <= c <= "\u9fff"}


def _encodable(character: str, codec: str) -> bool:
    return bool(character.encode(codec, "ignore"))


def _language_of_latin(sample: str) -> Language:
    english = ENGLISH_WORD.findall(sample.lower())
    if len(set(english)) >= ENGLISH_DISTINCT and len(english) >= ENGLISH_SHARE * len(LATIN_WORD.findall(sample)):
        return "en"
    code, _ = _identifier().classify(sample[:LATIN_SAMPLE])
    return "en" if code == "en" else "other"


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)


def _sample(text: Text) -> str:
    """The text, or windows spread evenly over it."""
    if len(text) <= N_WINDOWS * WINDOW:
        return text[0 : len(text)]
    step = (len(text) - WINDOW) / (N_WINDOWS - 1)
    return "\n".join(text[int(i * step) : int(i * step) + WINDOW] for i in range(N_WINDOWS))


N_JUDGED = 2000


class LanguageCount:
    """Languages over documents that come one by one: of at most N_JUDGED of them, evenly spread."""

    def __init__(self) -> None:
        self._found: list[Language] = []
        self._every = 1
        self._n = 0

    def add(self, text: Text) -> None:
        """Count one document, or pass it over."""
        if self._n % self._every == 0:
            if len(self._found) == N_JUDGED:
                self._found = self._found[::2]
                self._every *= 2
            if self._n % self._every == 0:
                self._found.append(language_of(text))
        self._n += 1

    def shares(self) -> dict[str, float]:
        """Share of the documents by language, the most frequent first."""
        return {name: n / len(self._found) for name, n in Counter(self._found).most_common()}
