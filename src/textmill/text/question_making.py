"""Documents -> passages with questions made from them. Room: text/. Used by splits, where data.make_questions.

A question is a sentence whose answer is taken out: a name, a number with its unit, a date, a term, what something is
said to be, the value of a line "key: value", or what a heading's first sentence tells. It asks by the kind of the
answer (who, when, how many; 谁, 哪年, 多少): turned round ("Kozitek costs 40 euros." -> "How many euros does Kozitek
cost?"), by the relation that the sentence tells, in words that mean the same (evidence_words), or by some of the
sentence's words, so that it is no copy of what it asks about. Where the sentence does not say what it is about, its
heading does. Some have no answer in their passage: they were taken to a passage of another document in which neither
the answer nor what is asked about stands, or ask about something else that their passage does not name.

All is drawn from (seed, passage); a document's questions stand on its side of the split, and so do the passages that
they are taken to.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice

from textmill.messages import Message, message
from textmill.text.documents import ANSWERS, MADE, QUESTION, QUESTION_ID, Document
from textmill.text.evidence import HAN, relations_in, sentences_of
from textmill.text.evidence_words import COMMON, KINDS, RELATIONS, UNITS
from textmill.text.normalise import normalised_digest
from textmill.text.passages import stretches
from textmill.text.search_terms import ASKING
from textmill.text.wording import joined
from textmill.text.worlds.draws import Draws, draws

TOGETHER = 256
"""Documents among whose passages one is looked for that does not answer a question."""
MOST_FACTS = 24
"""Answers of a passage that are asked for; of more, some are drawn."""
FORMS = 3
"""Questions about an answer of the training text; elsewhere one."""
UNANSWERED = 1 / 3
"""Questions without an answer, of all."""
TRIED = 8
LONGEST_NAME, LONGEST_SENTENCE = 60, 400
DROPPED = 0.35
"""Of the words of a sentence that only some are asked by."""
ELSEWHERE, EXCHANGED = "elsewhere", "exchanged"

KIND_WORDS: dict[str, Message] = {
    "who": message("who"),
    "where": message("where"),
    "when": message("when"),
    "how much": message("how much"),
    "term": message("terms"),
    "definition": message("what something is"),
    "key": message("key and value"),
    "heading": message("by a heading"),
    ELSEWHERE: message("taken to another passage"),
    EXCHANGED: message("about something else"),
}
"""Kind of a made question (its question_id) -> as it is told; the last two have no answer."""
OF_KIND = {"person": "who", "place": "where", "river": "term", "email": "term", "number": "term"} | dict.fromkeys(
    ("date", "weekday", "time"), "when"
)
"""Kind of an answer -> of its question; of what is not here "how much"."""
ORDER = ("email", "date", "weekday", "time", *UNITS, "river", "person", "place", "count", "number")
"""In which kinds of answers are looked for: what one kind took is of no other."""

ASKING_ENGLISH = {
    "person": ("who",), "place": ("where", "in which place"), "river": ("which river",), "date": ("when",),
    "weekday": ("on which day", "when"), "time": ("when", "at what time"), "duration": ("how long",),
    "money": ("how much", "what amount"), "mass": ("how much",), "percent": ("what percentage",),
    "count": ("how many",), "definition": ("what",), "term": ("what",), "number": ("what number",),
    "email": ("what address",), "key": ("what",), "heading": ("what",),
}  # fmt: skip
ASKING_CHINESE = {
    "person": ("谁", "何人", "哪位"), "place": ("哪里", "什么地方"), "river": ("哪条河",),
    "date": ("什么时候", "哪一年"), "weekday": ("星期几", "哪一天"), "time": ("几点", "什么时候"),
    "duration": ("多久", "多长时间"), "money": ("多少钱",),
    "mass": ("多重", "多少"), "percent": ("百分之几",), "count": ("多少", "几"), "definition": ("什么",),
    "term": ("什么",), "number": ("什么号码",), "email": ("什么地址",), "key": ("什么", "多少"),
    "heading": ("什么", "多少"),
}  # fmt: skip
OTHERWISE = {True: ("多少",), False: ("how much",)}

_unit = re.compile(r"(?<=[\d\s])\s*([A-Za-z][\w ]*)$")
_chinese_unit = re.compile("^[\\d.,零〇一二两三四五六七八九十百千万半 ]+(.+)$")
_definition = re.compile(
    r"^(?P<x>(?:The |An? )?[A-Z][\w'’-]*(?: [\w'’-]+){0,4}?) (?:is|are) (?:an?|the) (?P<y>[a-z][^.;,:!?]{2,80})"
    r"|\bas an? (?P<as>[a-z-]+)(?=[.,;])"
    r"|^(?P<zh>[^，。；：！？\s]{2,20}?)是(?:一[个名位座家条种类项款台])?(?P<is>[^，。；：！？的]{2,40})(?=[，。；！？]|$)"
)
_term = re.compile(
    r"《([^《》\n]{1,40})》|“([^“”\n]{2,40})”|「([^「」\n]{1,40})」|`([^`\n]{2,40})`|\"([^\"\n]{2,40})\""
)
_key = re.compile(
    r"^[ \t]*(?:[-*•·][ \t]*)?(?P<key>[^:：|\n。！？!?]{2,40}?)[ \t]*[:：][ \t]*(?P<value>\S[^\n]{0,119})$", re.M
)
_row = re.compile(r"^[ \t]*\|[ \t]*(?P<key>[^|\n]{2,40}?)[ \t]*\|[ \t]*(?P<value>[^|\n]{1,80}?)[ \t]*\|[ \t]*$", re.M)
_stands_for = re.compile(
    r"\b(?:[Ii]t|[Ss]he|[Hh]e|[Tt]hey|her|him|them)\b|\b(?:[Tt]he|[Tt]his|[Oo]ur) [a-z][\w-]+\b(?! of\b)"
)
_stands_for_chinese = re.compile("本机|本产品|本品|本店|本公司|本(?=[^\\w]|$)|该[\u4e00-\u9fff]|它们?|他们?|她们?")
_capitals = re.compile(r"\b[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*")
_does = re.compile(
    r" (?!(?:this|his|its|us|as|plus|always|perhaps)\b)(?:is|are|was|were|has|have|had|came|[a-z]+(?:s|ed))\b"
)
_before = re.compile(
    r"\b(?:in|on|at|by|from|since|for|near|of|to|as|until|within|after|before)(?: the)? $", re.IGNORECASE
)
_helping = re.compile(
    r"^(?P<who>[^,;:]+?) (?P<aux>is|are|was|were|can|could|will|would|must|should|may|has been|have been) (?P<rest>.+)$"
)
_having = re.compile(r"^(?P<who>[^,;:]+?) (?P<aux>has|have|had) (?P<rest>\0.*)$")
_doing = re.compile(r"^(?P<who>[^,;:]+?) (?P<verb>[a-z]{2,}(?:s|ed)) (?P<rest>.*)$")
_word = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*|\0")
SMALL = frozenset(
    ("a", "an", "the", "of", "in", "on", "at", "by", "to", "for", "and", "or", "is", "are", "was", "were", "has",
     "have", "had", "be", "been", "it", "its", "that", "this")
)  # fmt: skip
GAP = "\0"
LEADING = "在于从是由的与和到自来"
"""What is no part of a Chinese name that it stands before."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What a passage says: text[start:end] answers what is asked of the sentence text[first:last].

    kind: of the answer, as in evidence_words.KINDS, or term, definition, key. about: what a key or a definition is of.
    """

    first: int
    last: int
    start: int
    end: int
    kind: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage. number: of its document among those that are taken together."""

    text: str
    heading: tuple[str, ...]
    source: str
    number: int

    @property
    def chinese(self) -> bool:
        """Whether its questions are Chinese: a fifth of its letters are."""
        return 5 * len(HAN.findall(self.text)) > sum(map(str.isalpha, self.text))

    def names(self, what: str) -> bool:
        """Whether that stands in it, or in a heading above it."""
        return any(what.casefold() in text.casefold() for text in (self.text, *self.heading))

    @property
    def name(self) -> str:
        """What it is about, by its headings; "" where they do not say."""
        names = [title for title in self.heading if 1 < len(title) <= LONGEST_NAME]
        return names[-1] if names else ""


def with_questions_made(documents: Iterable[Document], seed: int, forms: int = 1) -> Iterator[Document]:
    """The passages of documents, each as often as it has a question, in order. forms: of questions about one answer."""
    documents = iter(documents)
    while some := list(islice(documents, TOGETHER)):
        pieces = [piece for number, document in enumerate(some) for piece in pieces_of(document, number)]
        for piece in pieces:
            yield from _asked(piece, pieces, seed, forms)


def pieces_of(document: Document, number: int = 0) -> Iterator[Piece]:
    """The passages of a document, with the line that each begins at as its source."""
    text = document.text
    file, _, line = document.source.rpartition(":")
    n_lines = at = 0
    for stretch in stretches(text):
        n_lines += text.count("\n", at, stretch.start)
        at = stretch.start
        source = f"{file}:{int(line) + n_lines}" if line.isdecimal() and file else document.source
        yield Piece(text[stretch.start : stretch.end], stretch.heading, source, number)


def _asked(piece: Piece, pieces: Sequence[Piece], seed: int, forms: int) -> Iterator[Document]:
    # What is asked does not depend on the passages that are there to be taken to.
    random, absent = (draws("questions", of, seed, normalised_digest(piece.text).hex()) for of in ("answered", "not"))
    found = facts_of(piece)
    if len(found) > MOST_FACTS:
        found = sorted(random.some(found, MOST_FACTS), key=lambda fact: fact.start)
    for fact in found:
        answer = piece.text[fact.start : fact.end]
        kind = OF_KIND.get(fact.kind, fact.kind if fact.kind in KIND_WORDS else "how much")
        questions = questions_about(piece, fact, random, forms)
        for question in questions:
            yield _document(piece, question, kind, ((fact.start, answer),))
        # Each answered question is followed by one without an answer often enough that they are UNANSWERED of all.
        for question in questions:
            if not absent.chance(UNANSWERED / (1 - UNANSWERED)):
                continue
            moved = _elsewhere(piece, question, answer, pieces, absent)
            changed = _exchanged(piece, question, pieces, absent)
            if moved and (not changed or absent.chance(0.5)):
                yield _document(moved, question, ELSEWHERE, ())
            elif changed:
                yield _document(piece, changed, EXCHANGED, ())


def _document(piece: Piece, question: str, kind: str, answers: tuple[tuple[int, str], ...]) -> Document:
    return Document(piece.text, piece.source, {QUESTION: question, ANSWERS: answers, QUESTION_ID: kind, MADE: kind})


def made_told(kinds: Counter[str]) -> Message:
    """How many questions were made, by their kind (question_id), as a sentence."""

    def listed(names: Iterable[str]) -> str:
        return joined(
            message("%(name)s %(n)s", name=KIND_WORDS[name], n=f"{kinds[name]:,}") for name in names if kinds[name]
        )

    answered = [name for name in KIND_WORDS if name not in (ELSEWHERE, EXCHANGED)]
    return message(
        "Questions made from the documents: %(answered)s; without an answer: %(unanswered)s.",
        answered=listed(answered) or message("none"),
        unanswered=listed((ELSEWHERE, EXCHANGED)) or message("none"),
    )


# -- answers -----------------------------------------------------------------------------------------------------------


def facts_of(piece: Piece) -> list[Fact]:
    """What can be asked of a passage, in order; no answer overlaps another of its sentence but what something is."""
    text, found = piece.text, list[Fact]()
    lines = [(match.start("key"), match.end("value"), match) for match in (*_key.finditer(text), *_row.finditer(text))]
    for first, last, match in lines:
        key, value = match["key"].strip(" *_"), match["value"]
        if is_key(key) and not value.startswith("//") and not set(value) <= set("-: "):
            found.append(
                Fact(first, last, match.start("value"), match.start("value") + len(value.rstrip(" *_。.")), "key", key)
            )
    for start, end in sentences_of(text):
        if end - start > LONGEST_SENTENCE or any(start < last and first < end for first, last, _ in lines):
            continue
        found += _of_sentence(piece, start, end)
    told = next((fact for fact in found if fact.kind in (*UNITS, "date", "person", "place")), None)
    if told is not None and len(piece.heading) > 1:
        found.append(replace(told, kind="heading", about=piece.heading[-1]))
    return sorted((fact for fact in found if fact.start < fact.end), key=lambda fact: (fact.start, fact.end))


def is_key(key: str) -> bool:
    """Whether what stands before a colon is a name of something: a few words, no time of day, no address."""
    return not key[-1:].isdigit() and not re.search(r"https?$|[,;，；]", key) and len(key.split()) <= 5


def _of_sentence(piece: Piece, start: int, end: int) -> Iterator[Fact]:
    sentence = piece.text[start:end]
    name, taken = piece.name, list[tuple[int, int]]()
    for kind in ORDER:
        for match in KINDS[kind].finditer(sentence):
            one, other = match.span()
            said = match[0]
            if kind in ("person", "place", "river"):
                one += len(said) - len(said.lstrip(LEADING))
                said = said.lstrip(LEADING)
            if not said.strip() or any(one < last and first < other for first, last in taken):
                continue
            if kind == "count" and (said.casefold() in ("one", "一") or sentence[:one].endswith(" at ")):
                continue
            if kind == "place" and sentence[:one].endswith(" of "):
                continue  # whose, rather than where
            if kind in ("person", "place", "river") and (
                (name and (said in name or name in said)) or (one == 0 and " " not in said and said.isascii())
            ):
                continue
            taken.append((one, other))
            yield Fact(start, end, start + one, start + other, kind)
    for match in _term.finditer(sentence):
        one, other = match.span(match.lastindex or 0)
        if not any(one < last and first < other for first, last in taken):
            taken.append((one, other))
            yield Fact(start, end, start + one, start + other, "term")
    if defined := _definition.search(sentence):
        one, other = defined.span(next(group for group in ("y", "as", "is") if defined[group]))
        if not any(one < last and first < other for first, last in taken):
            yield Fact(start, end, start + one, start + other, "definition", defined["x"] or defined["zh"] or "")


# -- questions ---------------------------------------------------------------------------------------------------------


def questions_about(piece: Piece, fact: Fact, random: Draws, n: int) -> list[str]:
    """At most n different questions about a fact; none has its answer in it, none is its sentence."""
    answer = piece.text[fact.start : fact.end]
    chinese = piece.chinese if fact.kind == "key" else bool(HAN.search(piece.text[fact.first : fact.last]))
    sentence = piece.text[fact.first : fact.start] + GAP + piece.text[fact.end : fact.last]
    sentence = " ".join(sentence.split()).rstrip(" .。!！?？;；")
    sentence, name = _with_name(sentence, piece.name, fact.kind, chinese)
    asked: dict[str, None] = {}
    for _ in range(TRIED * n):
        if len(asked) == n:
            break
        ways = _chinese_ways if chinese else _english_ways
        question = ways(piece, sentence, name, answer, fact, random)
        question = _finished(question, chinese)
        if GAP not in question and answer.casefold() not in question.casefold() and len(question) > 3:
            asked[question] = None
    return list(asked)


def _with_name(sentence: str, name: str, kind: str, chinese: bool) -> tuple[str, str]:
    """The sentence, naming what it is about where only its heading does; and that name, "" where neither is known."""
    if kind in ("key", "heading") or not name or name in sentence:
        return sentence, name
    if chinese:
        replaced, n = _stands_for_chinese.subn(lambda _: name, sentence, count=1)
        return replaced, name if n else chinese_name(sentence)
    places = list(_stands_for.finditer(sentence))
    pronouns = [place for place in places if " " not in place[0]]
    if not pronouns and (named := names_in(sentence)):
        return sentence, named[0]
    first = [place for place in places if not place.start() and not re.match(r" \w+ of\b", sentence[place.end() :])]
    ahead = [place for place in places if place.end() <= sentence.find(GAP)]
    place = next(iter((*pronouns[:1], *first, *ahead[-1:], *places[-1:])), None)
    if place is None:
        return sentence, ""
    return sentence[: place.start()] + name + sentence[place.end() :], name


def chinese_name(text: str) -> str:
    """The first stretch of characters that names are made of, where it is long enough to be one; "": none.

    >>> chinese_name("按最近的统计，翎峤杉镇住着人"), chinese_name("左侧有三个按钮")
    ('翎峤杉', '')
    """
    runs = ("".join(run) for is_rare, run in groupby(text, lambda c: bool(HAN.match(c)) and c not in COMMON) if is_rare)
    return next((run for run in runs if 3 <= len(run) <= 8), "")


def names_in(text: str) -> list[str]:
    """What an English text names: capitals, but for a first word that need be no name.

    >>> names_in("The mayor of New Holm is Ada"), names_in("Keep this page"), names_in("Who taught Ada Kora?")
    (['New Holm', 'Ada'], [], ['Ada Kora'])
    """
    found = []
    for match in _capitals.finditer(text):
        words = match[0].split()
        while words and (
            words[0].lower() in ASKING or (not match.start() and len(words) == 1 and not _does.match(text, match.end()))
        ):
            words = words[1:]
        if words and words != ["I"]:
            found.append(" ".join(words))
    return found


def _english_ways(piece: Piece, sentence: str, name: str, answer: str, fact: Fact, random: Draws) -> str:
    asking, sentence = _asking_english(sentence, answer, fact, random)
    if fact.kind == "heading":
        title, above = fact.about[0].lower() + fact.about[1:], piece.heading[-2]
        return random.pick(
            (f"what is the {title} of {above}", f"{above} {title}", f"what about the {title} of {above}")
        )
    if fact.kind == "key":
        name = random.pick(piece.heading[-2:]) if piece.heading else ""
        key = fact.about[0].lower() + fact.about[1:] if fact.about[1:2].islower() else fact.about
        return (
            random.pick((f"what is the {key} of {name}", f"{name} {key}", f"what does {name} have as {key}"))
            if name
            else random.pick((f"what is the {key}", f"which {key}"))
        )
    if fact.kind == "definition" and fact.about and random.chance(0.6):
        return f"what is {fact.about}"
    told = _relation(sentence, fact.kind)
    way = random.random()
    if way < 0.4 and told and name:
        word = random.pick(RELATIONS[told][1].split()[:2]).replace("-", " ")
        return random.pick(
            (f"what is the {word} of {name}", f"{asking} is the {word} of {name}", f"{asking} {word} {name}")
        )
    if way < 0.15:
        return sentence.replace(GAP, asking)
    if way < 0.7:
        return turned(sentence, asking)
    return some_words(sentence, asking, name, random)


def _asking_english(sentence: str, answer: str, fact: Fact, random: Draws) -> tuple[str, str]:
    """The words that ask for an answer, and the sentence without what they take from it (a preposition, a unit)."""
    asking = random.pick(ASKING_ENGLISH.get(fact.kind, OTHERWISE[False]))
    unit = _unit.search(answer)
    if fact.kind == "date" and re.fullmatch(r"\d{4}", answer):
        asking = random.pick(("when", "in which year", "what year"))
    if unit and fact.kind in UNITS and random.chance(0.6):
        asking = f"how many {unit[1]}"
    before, _, after = sentence.partition(GAP)
    if fact.kind == "count" and (noun := re.match(r" ([a-z]+(?: and [a-z]+)?)", after)):
        asking, after = f"how many {noun[1]}", after[noun.end() :]
    if asking.startswith(("when", "where", "in which", "on which", "at what", "how long", "what year")):
        before = _before.sub("", before)
    return asking, before + GAP + after


def turned(sentence: str, asking: str) -> str:
    """The question that a sentence with a gap is turned into; where it cannot be, what asks stands in its gap.

    >>> turned("Kozitek weighs \\0", "how many kilograms"), turned("The town was founded \\0", "when")
    ('how many kilograms does Kozitek weigh', 'when was the town founded')
    """
    gap = sentence.find(GAP)
    if match := _having.match(sentence):
        helper = {"has": "does", "have": "do", "had": "did"}[match["aux"]]
        return _in_order(asking, helper, match["who"], "have", match["rest"])
    match = _helping.match(sentence)
    if match and gap >= match.start("rest"):
        return _in_order(
            asking, match["aux"].split()[0], match["who"], " ".join(match["aux"].split()[1:]), match["rest"]
        )
    match = _doing.match(sentence)
    if match and gap >= match.start("rest"):
        verb, helper = base(match["verb"]), "did" if match["verb"].endswith("ed") else "does"
        return _in_order(asking, helper, match["who"], verb, match["rest"])
    return sentence.replace(GAP, asking)


def _in_order(asking: str, helper: str, who: str, verb: str, rest: str) -> str:
    who = who[0].lower() + who[1:] if re.match("(?:The|An?|This|These|Our|It|He|She|They) ", who + " ") else who
    return " ".join(" ".join((asking, helper, who, verb, rest.replace(GAP, ""))).split())


def base(verb: str) -> str:
    """An English verb without its ending, as far as its letters tell.

    >>> [base(verb) for verb in ("weighs", "carries", "reaches", "moved", "stopped", "learned", "raised", "lies")]
    ['weigh', 'carry', 'reach', 'move', 'stop', 'learn', 'raise', 'lie']
    """
    if verb.endswith(("ies", "ied")) and len(verb) > 4:
        return verb[:-3] + "y"
    if verb.endswith(("ches", "shes", "sses", "xes", "oes")):
        return verb[:-2]
    if not verb.endswith("ed"):
        return verb[:-1]
    stem = verb[:-2]
    if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] in "bdgmnprt":
        return stem[:-1]
    return (
        stem + "e"
        if stem[-1] in "vscuzg" or (stem.endswith(("at", "ir", "bl", "in")) and not stem.endswith("ain"))
        else stem
    )


def some_words(sentence: str, asking: str, name: str, random: Draws) -> str:
    """What asks, and some of the words of a sentence, two neighbours of which may have changed places; the name is
    whole."""
    words = [word for word in _word.findall(sentence.replace(name, " ") if name else sentence) if word != GAP]
    kept = [word for word in words if word.lower() not in SMALL and not random.chance(DROPPED)]
    if len(kept) > 1 and random.chance(0.5):
        place = random.below(len(kept) - 1)
        kept[place], kept[place + 1] = kept[place + 1], kept[place]
    if name:
        kept.insert(random.below(len(kept) + 1), name)
    return " ".join([asking, *kept]) if random.chance(0.7) else " ".join([*kept, asking])


def _chinese_ways(piece: Piece, sentence: str, name: str, answer: str, fact: Fact, random: Draws) -> str:
    asking = random.pick(ASKING_CHINESE.get(fact.kind, OTHERWISE[True]))
    unit = _chinese_unit.match(answer)
    if fact.kind == "date" and answer.endswith("年"):
        asking = random.pick(("哪一年", "哪年", "什么时候"))
    elif unit and fact.kind in UNITS and random.chance(0.6):
        asking = random.pick(("多少", "几")) + unit[1]
    if fact.kind == "heading":
        return random.pick((f"{piece.heading[-2]}的{fact.about}是{asking}", f"{piece.heading[-2]}{fact.about}{asking}"))
    if fact.kind == "key":
        name = random.pick(piece.heading[-2:]) if piece.heading else ""
        return random.pick((f"{name}的{fact.about}是{asking}", f"{fact.about}{asking}", f"{name}{fact.about}{asking}"))
    if fact.kind == "definition" and fact.about and random.chance(0.5):
        return f"{fact.about}是什么"
    told = _relation(sentence, fact.kind)
    way = random.random()
    if way < 0.4 and told and name:
        word = random.pick(RELATIONS[told][2].split()[:4])
        return random.pick((f"{name}的{word}是{asking}", f"{name}{word}{asking}", f"{asking}{word}{name}"))
    if way < 0.6:
        return sentence.replace(GAP, asking)
    if way < 0.75 and name and name in sentence:
        return name + sentence.replace(name, "", 1).replace(GAP, asking)
    parts = re.findall(
        f"{re.escape(name)}|{GAP}|[a-zA-Z0-9]+|[^\\W\\da-zA-Z_]{{1,2}}"
        if name
        else f"{GAP}|[a-zA-Z0-9]+|[^\\W\\da-zA-Z_]{{1,2}}",
        sentence,
    )
    kept = [part for part in parts if part in (name, GAP) or not random.chance(DROPPED)]
    return "".join(kept).replace(GAP, asking)


def _relation(sentence: str, kind: str) -> str:
    """A relation that a sentence tells and whose answers are of a kind; "": none."""
    return next((one for one in sorted(relations_in(sentence.lower())) if RELATIONS[one][0] == kind), "")


def _finished(question: str, chinese: bool) -> str:
    """With a capital and a question mark, without what stands around."""
    question = " ".join(question.split()).strip(" ,;:.，。；：、-*#|")
    return (question[:1].upper() + question[1:] if not chinese else question) + ("？" if chinese else "?")


# -- questions without an answer ---------------------------------------------------------------------------------------


def _elsewhere(piece: Piece, question: str, answer: str, pieces: Sequence[Piece], random: Draws) -> Piece | None:
    """A passage of another document in which neither the answer nor what is asked about stands; of TRIED, the one that
    has most of the question's words."""
    words = set(question) if HAN.search(question) else {word.casefold() for word in _word.findall(question)}
    best, most = None, -1
    for _ in range(TRIED):
        other = random.pick(pieces)
        if other.number == piece.number or other.names(answer) or (piece.name and other.names(piece.name)):
            continue
        shared = sum(word in other.text.casefold() for word in words)
        if shared > most:
            best, most = other, shared
    return best


def _exchanged(piece: Piece, question: str, pieces: Sequence[Piece], random: Draws) -> str:
    """The question about something else that its passage does not name; "" where there is nothing to exchange."""
    chinese = HAN.search(question) is not None
    if piece.name and piece.name in question:
        names = [piece.name]
    else:
        names = [found for found in [chinese_name(question)] if found] if chinese else names_in(question)
    if not names:
        return ""
    name = random.pick(names)
    for _ in range(TRIED):
        other = random.pick(pieces)
        beginning = other.text[:LONGEST_SENTENCE]
        others = [other.name or chinese_name(beginning)] if chinese or other.name else names_in(beginning)
        new = random.pick(others) if others else ""
        if new and not piece.names(new) and (HAN.search(new) is not None) == (HAN.search(name) is not None):
            return question.replace(name, new)
    return ""
