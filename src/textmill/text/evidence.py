"""A question and the passages that were found for it -> the sentences that may answer it, and how sure each is. Room:
text/. Used by tasks/asking where no reader was trained.

Of each sentence it is judged whether it is about what the question names (in itself, or under a heading that names it
while it names nobody else), whether it tells the relation that is asked for (the same words; or other words that mean
the same, by the lexicon of evidence_words), and whether it holds the kind of answer that is asked for. What a question
says in words that no document has neither speaks for a sentence nor against it; a word that other passages have and
this sentence lacks speaks against it. Weights and threshold were fitted on generated documents (text/worlds, `facts`),
English and Chinese together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

from textmill.text.evidence_words import ASKED, COMMON, KINDS, RELATIONS, UNITS
from textmill.text.passage_index import Hit, PassageIndex
from textmill.text.passages import Passage
from textmill.text.search_terms import ASKING, ASKING_CHINESE, folded, question_terms, stem, terms
from textmill.text.sentences import ends, without_blanks

RARE_SHARE = 0.03
"""A term is rare that at most this share of the passages has, or RARE of them."""
RARE = 3

HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
FIRST_WORD = re.compile(
    r"[A-Z]\w*\b(?! (?:[A-Z]|(?:was|were|had|will|came|\w+s)\b))|(?:It|She|He|They|This|That|The|There)\b"
)
"""A capital that begins a sentence and need not be a name: what does something is one ("Kozitek weighs ...")."""
BREAK = re.compile(r"\n\s*\n|\n(?=\s*(?:#|[-*+•|]\s|\d+[.)、]))|(?<=\n)#[^\n]*\n|^#[^\n]*\n")
"""Where a block ends, and a line that is a heading."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence that may answer: start … end of its passage's text, and within it the answer's own stretch (the whole
    sentence where no rule tells which). score: how sure it is that the answer is there, in [0, 1]."""

    passage: Passage
    start: int
    end: int
    answer_start: int
    answer_end: int
    score: float

    @property
    def answer(self) -> str:
        """Its own stretch as text."""
        return self.passage.text[self.answer_start : self.answer_end]

    @property
    def sentence(self) -> str:
        """All of the sentence."""
        return self.passage.text[self.start : self.end]


@dataclass(frozen=True)
class Asked:
    """What a question says."""

    text: str
    chinese: bool
    names: tuple[str, ...]
    """What it is about: capitalised words, those with digits and rare ones; of Chinese the stretches that may hold a
    name."""
    relations: frozenset[str]
    kinds: tuple[str, ...]
    """Of the answer; () where anything will do."""
    words: tuple[str, ...]
    """Terms of what is left."""


Frequency = Callable[[str], int]
"""A term of search_terms -> how many passages have it."""


# -- the question ------------------------------------------------------------------------------------------------------


def asked(question: str, n_with: Frequency, n_passages: int) -> Asked:
    """What a question names, asks for and says besides."""
    text = " ".join(question.split())
    lower = folded(text)
    kinds, relations = kinds_of(lower, relations_in(lower))
    chinese = bool(HAN.search(text))
    names = chinese_names(text) if chinese else english_names(text, n_with, n_passages)
    rest = lower
    for pattern, _ in ASKED:
        rest = re.sub(pattern, " ", rest)
    named = {stem(part) for name in names for part in re.findall(r"[^\W_]+", folded(name))}
    words = [] if not re.search(r"\w", rest) else question_terms(rest)
    words = [term for term in words if term not in named and term not in ASKING]
    return Asked(text, chinese, tuple(names), relations, kinds, tuple(words))


def english_names(text: str, n_with: Frequency, n_passages: int) -> list[str]:
    """Capitalised words and those with digits, but for the first where it only asks; else the rare ones."""
    found = []
    for number, word in enumerate(WORD.finditer(text)):
        plain = word[0].lower()
        has_digit = any(c.isdigit() for c in plain)
        capital = word[0][0].isupper() and (number > 0 or not is_plain(plain, n_with, n_passages))
        if (has_digit or capital) and plain not in ASKING and plain.split("'")[0].split("’")[0] not in ASKING:
            found.append(re.sub(r"['’]s$", "", word[0]))
    if found:
        return found
    lexicon = relation_pattern()
    words = [w for w in WORD.findall(text) if w.lower() not in ASKING and not any(p.search(w.lower()) for p in lexicon)]
    return [word for word in words if 0 < rarest(word, n_with) <= min(RARE, n_passages // 10)]


def is_plain(word: str, n_with: Frequency, n_passages: int) -> bool:
    """Whether a capitalised first word is an everyday one: it only asks, or many passages have it."""
    return (
        word in ASKING or rarest(word, n_with) > rare(n_passages) or word in ("under", "after", "until", "if", "since")
    )


def chinese_names(text: str) -> list[str]:
    """Stretches between the words that ask and those of a relation; Latin ones as they are."""
    left = ASKING_CHINESE.sub(" ", text)
    for words in sorted((word for _, _, zh in RELATIONS.values() for word in zh.split()), key=len, reverse=True):
        if len(words) > 1:
            left = left.replace(words, " ")
    return [run for run in re.findall(r"[\w·-]+", left) if len(run) > 1 or run.isascii()]


@lru_cache(maxsize=1)
def relation_pattern() -> tuple[re.Pattern[str], ...]:
    """For each relation what its words look like in a folded text."""
    found = []
    for _, english, chinese in RELATIONS.values():
        parts = [
            r"\b" + re.escape(word).replace(r"\-", r"\s+").removesuffix("e") + r"(?:e?[sdr]|e|ing|ings)?\b"
            for word in english.split()
        ]
        found.append(re.compile("|".join([*parts, *map(re.escape, chinese.split())])))
    return tuple(found)


@lru_cache(maxsize=4096)
def relations_in(lower: str) -> frozenset[str]:
    """The relations that a folded text has a word of."""
    return frozenset(name for name, known in zip(RELATIONS, relation_pattern(), strict=True) if known.search(lower))


def kinds_of(lower: str, relations: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """The kinds of answer that a folded question asks for, and those of its relations that have such an answer."""
    said = next((kind for pattern, kind in ASKED if re.search(pattern, lower)), "")
    wanted = {
        "": (),
        "amount": UNITS,
        "day": ("date",),
        "date": ("date", "weekday", "time"),
        "duration": ("duration", "length"),
    }.get(said, (said,))
    if said == "count":
        wanted = ("count", *UNITS)
    known = frozenset(name for name in relations if not wanted or RELATIONS[name][0] in ("", *wanted))
    kinds = tuple(dict.fromkeys(RELATIONS[name][0] for name in sorted(known) if RELATIONS[name][0]))
    if kinds:
        return kinds, known
    if said == "count":
        return ("count",), known
    return (wanted[:1] if said == "duration" else wanted), known


def rarest(word: str, n_with: Frequency) -> int:
    """How many passages have the rarest term of a word; 0 for one without a term."""
    return min(map(n_with, terms(word)), default=0)


def rare(n_passages: int) -> int:
    """How many passages a rare term may stand in."""
    return max(RARE, int(RARE_SHARE * n_passages))


def named_in(question: str, texts: Sequence[str], n_with: Frequency, n_passages: int) -> str:
    """What a question is about, as it says it; "" where it names nothing. texts: where it may stand, for Chinese, in
    which a name is told by what it stands in."""
    wanted = asked(question, n_with, n_passages)
    if not wanted.chinese:
        return " ".join(wanted.names)
    found = [
        name[start:end]
        for text in texts
        for name in wanted.names
        for start in range(len(name) - 1)
        for end in range(start + 2, len(name) + 1)
        if name[start:end] in text
        and not any(char in COMMON for char in name[start : start + 2])
        and max(n_with(folded(name[i : i + 2])) for i in range(start, end - 1)) <= rare(n_passages)
    ]
    return max(found, key=len, default="")


def names_something(question: str, n_with: Frequency, n_passages: int) -> bool:
    """Whether a question says what it is about."""
    wanted = asked(question, n_with, n_passages)
    if not wanted.chinese:
        return bool(wanted.names)
    return any(name.isascii() or _is_name_like(name) for name in wanted.names)


# -- the sentences -----------------------------------------------------------------------------------------------------


def sentences_of(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences of a passage stand; headings and rows are some of their own, hard-wrapped lines are not."""
    edges = sorted({0, len(text), *ends(text), *(mark.end() for mark in BREAK.finditer(text))})
    for start, end in pairwise(edges):
        place = without_blanks(text, start, end)
        if place and text[place[0]] != "#":
            yield place


def found_for(question: str, index: PassageIndex, k: int) -> list[Hit]:
    """At most k passages for a question and as many for words that mean the same as its own, the best of either first;
    each once."""
    hits = index.search(question, k)
    wanted = asked(question, index.n_with, index.n_passages)
    column = 2 if wanted.chinese else 1
    meant = " ".join(RELATIONS[name][column].replace("-", " ") for name in sorted(wanted.relations))
    if meant:
        known = {hit.passage.number for hit in hits}
        more = index.search(f"{' '.join(wanted.names)} {meant}", k)
        hits += [hit for hit in more if hit.passage.number not in known]
    return hits


def weigh(question: str, hits: Sequence[Hit], n_with: Frequency, n_passages: int) -> list[Evidence]:
    """The sentences of the hits, the surest first; of equals the first of the best passage."""
    n_with = cache(n_with)  # the sentences share most of their terms
    wanted = asked(question, n_with, n_passages)
    found = [one for hit in hits for one in _of_passage(wanted, hit.passage, n_with, n_passages)]
    return sorted(found, key=lambda one: -one.score)


def _of_answered(wanted: Asked, passage: Passage, n_with: Frequency, n_passages: int) -> Evidence:
    """A passage that answers a question which its file holds beside it: as sure as the two questions are alike."""
    mine, theirs = (set(asked(text, n_with, n_passages).words) | _name_terms(text, n_with, n_passages)
                    for text in (wanted.text, passage.question))  # fmt: skip
    weights = {word: math.log(1 + n_passages / (0.5 + n_with(word))) for word in mine | theirs}
    shared = sum(weights[word] for word in mine & theirs)
    if wanted.relations & relations_in(folded(passage.question)):
        shared += 0.5 * sum(weights[word] for word in (mine | theirs) - (mine & theirs)) / 2
    total = sum(weights[word] for word in mine) + sum(weights[word] for word in theirs)
    likeness = 2 * shared / total if total else 0.0
    score = 1 / (1 + math.exp(-10 * (likeness - 0.5)))
    place = without_blanks(passage.text, 0, len(passage.text)) or (0, len(passage.text))
    return Evidence(passage, *place, *place, score=score)


def _name_terms(text: str, n_with: Frequency, n_passages: int) -> set[str]:
    wanted = asked(text, n_with, n_passages)
    return set() if wanted.chinese else {term for name in wanted.names for term in terms(name)}


def _of_passage(wanted: Asked, passage: Passage, n_with: Frequency, n_passages: int) -> Iterator[Evidence]:
    if passage.question:
        yield _of_answered(wanted, passage, n_with, n_passages)
        return
    for start, end in sentences_of(passage.text):
        facts = features(wanted, passage, start, end, n_with, n_passages)
        place = span(wanted, passage.text, start, end) or (start, end)
        yield Evidence(passage, start, end, *place, score=sureness(facts))


FEATURES = ("named", "under", "partly", "unknown", "nameless", "foreign", "same", "none", "other", "kind", "no_kind",
            "free", "told", "plain", "elsewhere", "words", "missing", "silent")  # fmt: skip
WEIGHTS = {
    "named": 6.9, "under": 5.4, "partly": -4.2, "unknown": -5.8, "nameless": 7.0, "foreign": -6.7,
    "same": 1.6, "none": -3.2, "other": -3.8, "silent": -0.4,
    "kind": 1.5, "no_kind": -5.8, "free": -1.4, "told": 1.6, "plain": 0.2, "elsewhere": -1.8,
    "words": 0.4, "missing": -0.2,
}  # fmt: skip
"""By logistic regression on `facts` of hand "one", seed 101, 60 pages in each language; nameless and words, on which
these pages say nothing, by hand."""
BIAS = -6.1
THRESHOLD = 0.45
"""What is less sure is refused. There, 94 of 100 answers that stand in the pages are found and 94 of 100 questions that
nothing answers are refused, in English; 93 and 96 in Chinese."""


def sureness(facts: dict[str, float]) -> float:
    """A score in [0, 1] of what speaks for a sentence and against it."""
    total = BIAS + sum(WEIGHTS[name] * value for name, value in facts.items())
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def features(
    wanted: Asked, passage: Passage, start: int, end: int, n_with: Frequency, n_passages: int
) -> dict[str, float]:
    """What speaks for a sentence of a passage and against it, each in [0, 1]."""
    sentence = passage.text[start:end]
    above = " ".join((*passage.heading, *_heading_lines(passage.text[:start])))
    answer = span(wanted, passage.text, start, end)
    here, over = _naming(wanted, sentence, above, n_with, n_passages)
    facts = dict.fromkeys(FEATURES, 0.0)
    if not wanted.names or (wanted.chinese and here < 0):
        facts["nameless"] = 1.0
    elif here >= 1:
        facts["named"] = 1.0
    elif over >= 1:
        facts["under"] = 1.0
        inside = None if answer is None else (answer[0] - start, answer[1] - start)
        facts["foreign"] = float(_names_another(wanted, sentence, above, inside, n_with, n_passages))
    elif max(here, over) > 0:
        facts["partly"] = max(here, over)
    else:
        facts["unknown"] = 1.0
    told = relations_in(folded(sentence))
    if not wanted.relations:
        facts["silent"] = 1.0
    elif wanted.relations & told:
        facts["same"] = 1.0
    else:
        facts["other" if told else "none"] = 1.0
    if not wanted.kinds:
        facts["free"] = 1.0
    else:
        facts["kind" if answer else "no_kind"] = 1.0
    facts["told"] = facts["free"] * facts["same"]
    facts["plain"] = facts["kind"] * facts["same"]
    facts["elsewhere"] = facts["kind"] * facts["other"]
    own = set(terms(sentence))
    said = {word: math.log(1 + n_passages / n_with(word)) for word in wanted.words if n_with(word)}
    if wanted.chinese:
        said = {word: weight for word, weight in said.items() if n_with(word) > rare(n_passages)}
    if said:
        facts["words"] = sum(weight for word, weight in said.items() if covers(own, word)) / sum(said.values())
        facts["missing"] = 1 - facts["words"]
    if facts["nameless"]:
        _judge_nameless(facts, wanted, own | set(terms(above)), n_with, n_passages)
    return facts


def covers(own: set[str], word: str) -> bool:
    """Whether a word is among others, or begins as one of them does up to an ending: approve(s), approve(d)."""
    if word in own:
        return True
    if len(word) < 5 or HAN.match(word):
        return False
    beginning = word[: max(4, len(word) - 3)]
    return any(other.startswith(beginning) and len(other) <= len(word) + 3 for other in own)


def _judge_nameless(facts: dict[str, float], wanted: Asked, own: set[str], n_with: Frequency, n_passages: int) -> None:
    """Of a question that names nothing all words count, also those that are nowhere: the same relation is told of what
    it asks about ("the colour of the moon") only as far as the sentence has the words beside the relation's own. Who or
    where may be told by what is no name ("the head of the department") where the words are all there."""
    weights = {word: math.log(1 + n_passages / (0.5 + n_with(word))) for word in wanted.words}
    if wanted.chinese:
        topic = {word: weight for word, weight in weights.items() if any(word in folded(name) for name in wanted.names)}
    else:
        topic = {word: weight for word, weight in weights.items() if not relations_in(word)}

    def shared(some: dict[str, float], otherwise: float) -> float:
        total = sum(some.values())
        return sum(weight for word, weight in some.items() if covers(own, word)) / total if total else otherwise

    facts["nameless"] = max(shared(weights, 0.0), 0.75 * facts["same"] * shared(topic, 1.0))
    if facts["no_kind"] and set(wanted.kinds) <= {"person", "place", "river"} and facts["words"] > 0.7:
        facts["no_kind"] = 0.1


def span(wanted: Asked, text: str, start: int, end: int) -> tuple[int, int] | None:
    """The first stretch of a sentence that is of a kind that is asked for and is no name of the question."""
    sentence = text[start:end]
    lower = folded(wanted.text)
    for kind in wanted.kinds:
        for hit in KINDS[kind].finditer(sentence):
            said = folded(hit[0])
            if kind in ("person", "place", "river") and (said in lower or _is_first_word(sentence, hit, kind)):
                continue
            return start + hit.start(), start + hit.end()
    return None


def _is_first_word(sentence: str, hit: re.Match[str], kind: str) -> bool:
    """Whether a name in capitals is only the capital that a sentence begins with."""
    return hit.start() == 0 and " " not in hit[0] and hit[0].isascii()


def _heading_lines(before: str) -> list[str]:
    """The last heading that stands in a passage before a sentence."""
    lines = [line.lstrip("# ") for line in before.splitlines() if line.lstrip().startswith("#")]
    return lines[-1:]


def _naming(wanted: Asked, sentence: str, above: str, n_with: Frequency, n_passages: int) -> tuple[float, float]:
    """How far a sentence, and the headings above it with it, name what the question names: shares of the names by how
    rare they are, 1 is all. Of Chinese (-1, -1) where the question may name nothing."""
    if not wanted.names:
        return 0.0, 0.0
    if not wanted.chinese:
        weights = {stem(folded(name)): math.log(1 + n_passages / (0.5 + rarest(name, n_with))) for name in wanted.names}
        total = sum(weights.values())
        shares = []
        for text in (sentence, f"{sentence} {above}"):
            own = set(terms(text))
            shares.append(sum(weight for name, weight in weights.items() if set(terms(name)) <= own) / total)
        return shares[0], shares[1]
    best = [_chinese_match(wanted, text, n_with, n_passages) for text in (sentence, above)]
    if max(best) <= 0 and not any(_is_name_like(name) for name in wanted.names):
        return -1.0, -1.0
    return max(0.0, best[0]), max(0.0, *best)


def _chinese_match(wanted: Asked, text: str, n_with: Frequency, n_passages: int) -> float:
    """1: the text has a rare stretch of the question as a whole; 0.5: only a part of what may be a name; 0: none."""
    best = 0.0
    for name in wanted.names:
        for start in range(len(name) - 1):
            if best == 1 or name[start : start + 2] not in text:
                continue
            end = start + 2
            while end < len(name) and name[start : end + 1] in text:
                end += 1
            stretch = name[start:end]
            if min(n_with(folded(stretch[i : i + 2])) for i in range(len(stretch) - 1)) > rare(n_passages):
                continue
            if all(char in COMMON for char in stretch):
                continue
            before = name[start - 1] if start else ""
            after = name[end] if end < len(name) else ""
            whole = any(
                _parts(before, text[place - 1] if place else "")
                and _parts(after, text[place + len(stretch)] if place + len(stretch) < len(text) else "")
                for place in _places(stretch, text)
            )
            best = max(best, 1.0 if whole else 0.5)
    return best


def _places(part: str, text: str) -> Iterator[int]:
    place = text.find(part)
    while place >= 0:
        yield place
        place = text.find(part, place + 1)


def _parts(asked: str, written: str) -> bool:
    """Whether a name ends between: what stands beside it here or there is no character of names."""
    return not (_of_names(asked) and _of_names(written))


def _of_names(char: str) -> bool:
    return bool(char) and char not in COMMON and (HAN.match(char) is not None or char.isalnum())


def _is_name_like(run: str) -> bool:
    """Whether a stretch has two characters side by side that names are made of."""
    return any(_of_names(one) and _of_names(other) for one, other in pairwise(run))


def _names_another(
    wanted: Asked, sentence: str, above: str, answer: tuple[int, int] | None, n_with: Frequency, n_passages: int
) -> bool:
    """Whether a sentence under a heading has a rare name besides its answer that neither heading nor question has. Of a
    few Chinese passages nobody knows what is rare, and all stretches would be names."""
    known = folded(f"{above} {wanted.text}")
    rest = sentence if answer is None else sentence[: answer[0]] + "|" + sentence[answer[1] :]
    if not wanted.chinese:
        first = FIRST_WORD.match(rest)
        rest = rest if first is None else rest[first.end() :]
        names = [word for word in re.findall(r"\b[A-Z][\w'’-]+", rest) if folded(word) not in known]
        return any(rarest(name, n_with) <= RARE for name in names if not KINDS["weekday"].search(name))
    pairs = (rest[i : i + 2] for i in range(len(rest) - 1))
    return any(
        _of_names(pair[0])
        and _of_names(pair[1])
        and HAN.match(pair[0])
        and pair not in known
        and n_with(folded(pair)) <= min(RARE, n_passages // 20)
        for pair in pairs
    )
