"""A seed -> small-world stories with questions, answers and the sentences that prove them. Room: text/ (worlds).

People move between places, take, drop and give things; a simulator keeps the state, so the answer is computed and not
written. After the tasks of Weston et al. 2015 (arXiv:1502.05698): one, two and three supporting facts, yes and no,
counting, giving, negation. Events are drawn without regard to language: story i is the same in English and Chinese.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

from textmill.text.worlds.draws import Draws, draws
from textmill.text.worlds.world import Language, World, check, check_language

Kind = Literal["where-person", "where-thing", "where-before", "is-in", "how-many", "who-gave", "who-has"]
KINDS: tuple[Kind, ...] = ("where-person", "where-thing", "where-before", "is-in", "how-many", "who-gave", "who-has")
Action = Literal["go", "leave", "take", "drop", "give"]

# No name of a list is part of another's: where an answer stands in a sentence is where its letters stand.
PEOPLE = {
    "en": ("Mary", "John", "Sandra", "Daniel", "Lucy", "Peter", "Emma", "Paul"),
    "zh": ("小明", "小红", "王芳", "李雷", "张伟", "陈静", "赵强", "孙丽"),
}
PLACES = {
    "en": ("kitchen", "garden", "bedroom", "office", "cellar", "library", "park", "school", "market", "station"),
    "zh": ("厨房", "花园", "卧室", "办公室", "地下室", "图书馆", "公园", "学校", "市场", "车站"),
}
THINGS = {
    "en": ("apple", "ball", "book", "key", "lamp", "hat", "cup", "milk", "letter", "umbrella"),
    "zh": ("苹果", "皮球", "课本", "钥匙", "台灯", "帽子", "杯子", "牛奶", "信封", "雨伞"),
}
NUMBERS = {
    "en": ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    "zh": ("零个", "一个", "两个", "三个", "四个", "五个", "六个", "七个", "八个", "九个", "十个"),
}
YES_NO = {"en": ("no", "yes"), "zh": ("不在", "在")}
N_WORDINGS = 3

LEVELS: dict[int, dict[str, Any]] = {
    1: {"kinds": ("where-person",), "n_sentences": (2, 4), "n_people": 2, "n_places": 3, "n_things": 1},
    2: {
        "kinds": ("where-person", "is-in", "who-has"),
        "n_sentences": (4, 8),
        "n_people": 3,
        "n_places": 4,
        "n_things": 2,
    },
    3: {"kinds": ("where-thing", "is-in", "who-has", "who-gave", "how-many"), "n_sentences": (6, 12)},
    4: {"kinds": KINDS, "n_sentences": (10, 20), "n_people": 5, "n_places": 6, "n_things": 4},
}
"""Level -> the knobs it stands for, from the easiest to the hardest. 1: one supporting fact. 2: yes or no, and who. 3:
two facts, and counting. 4: three facts too, in long stories of many people."""
SENTENCES: dict[str, dict[Action, tuple[str, str, str]]] = {
    "en": {
        "go": ("{who} went to the {place}.", "{who} walked to the {place}.", "{who} moved to the {place}."),
        "leave": (
            "{who} is no longer in the {place}.",
            "{who} has left the {place}.",
            "{who} is not in the {place} any more.",
        ),
        "take": ("{who} picked up the {thing}.", "{who} took the {thing}.", "{who} grabbed the {thing}."),
        "drop": ("{who} put down the {thing}.", "{who} dropped the {thing}.", "{who} let go of the {thing}."),
        "give": (
            "{who} gave the {thing} to {to}.",
            "{who} handed the {thing} to {to}.",
            "{who} passed the {thing} to {to}.",
        ),
    },
    "zh": {
        "go": ("{who}去了{place}。", "{who}走到了{place}。", "{who}来到了{place}。"),
        "leave": ("{who}已经不在{place}了。", "{who}离开了{place}。", "{who}不再待在{place}里。"),
        "take": ("{who}捡起了{thing}。", "{who}拿走了{thing}。", "{who}抓起了{thing}。"),
        "drop": ("{who}放下了{thing}。", "{who}丢下了{thing}。", "{who}松手放开了{thing}。"),
        "give": ("{who}把{thing}给了{to}。", "{who}把{thing}交给了{to}。", "{who}把{thing}递给了{to}。"),
    },
}
QUESTIONS: dict[str, dict[Kind, str]] = {
    "en": {
        "where-person": "Where is {who}?",
        "where-thing": "Where is the {thing}?",
        "where-before": "Where was the {thing} before the {place}?",
        "is-in": "Is {who} in the {place}?",
        "how-many": "How many things does {who} have?",
        "who-gave": "Who gave the {thing} to {to}?",
        "who-has": "Who has the {thing}?",
    },
    "zh": {
        "where-person": "{who}在哪里？",
        "where-thing": "{thing}在哪里？",
        "where-before": "{thing}到{place}之前在哪里？",
        "is-in": "{who}在{place}吗？",
        "how-many": "{who}有几个东西？",
        "who-gave": "谁把{thing}给了{to}？",
        "who-has": "{thing}在谁手里？",
    },
}


class Event(NamedTuple):
    """Something that happens, as numbers into the lists of words; -1 where there is none."""

    action: Action
    who: int
    place: int = -1
    thing: int = -1
    to: int = -1
    wording: int = 0


class Query(NamedTuple):
    """A question with its answer. `says`: which list of words holds the answer, and the sentence in which it stands."""

    kind: Kind
    who: int = -1
    place: int = -1
    thing: int = -1
    to: int = -1
    answer: int = -1
    says: Literal["people", "places", "numbers", "yes-no", "nothing"] = "nothing"
    facts: tuple[int, ...] = ()
    said_in: int = -1


@dataclass(frozen=True, slots=True)
class Story:
    """A story, a question on it, and the answer.

    start, end: where the answer stands in `text`, in code points; None for yes, no and numbers. facts: numbers of the
    sentences (from 0) that prove the answer, in order. An unanswerable question has the answer "" and no facts.
    """

    sentences: tuple[str, ...]
    text: str
    question: str
    answer: str
    kind: Kind
    facts: tuple[int, ...]
    start: int | None
    end: int | None
    events: tuple[Event, ...]
    query: Query

    @property
    def key(self) -> str:
        """The story with its question."""
        return f"{self.text}\n{self.question}"

    def row(self) -> dict[str, Any]:
        """Columns text, sentences, question, answer, start, end, facts, kind."""
        return {
            "text": self.text,
            "sentences": list(self.sentences),
            "question": self.question,
            "answer": self.answer,
            "start": self.start,
            "end": self.end,
            "facts": list(self.facts),
            "kind": self.kind,
        }


@dataclass(frozen=True)
class Stories(World[Story]):
    """Stories of n_sentences[0] … n_sentences[1] sentences or more: as many as it takes until the question has sense.

    level: 1, the easiest, to 4: what the knobs of LEVELS are that are not said; 0: none. kinds: the questions,
    equally often. unanswerable: share of the questions that the story does not answer. Raises InputError for knobs out
    of range.
    """

    name: ClassVar[str] = "stories"
    what: ClassVar[str] = "small-world stories with a question, its answer and the sentences that prove it"

    kinds: tuple[Kind, ...] = KINDS
    n_sentences: tuple[int, int] = (6, 14)
    n_people: int = 4
    n_places: int = 5
    n_things: int = 3
    unanswerable: float = 0.0
    level: int = 0
    language: Language = "en"
    seed: int = 0

    def __post_init__(self) -> None:
        self.check_range("level", 0, len(LEVELS))
        for knob, value in LEVELS.get(self.level, {}).items():
            if getattr(self, knob) == getattr(type(self), knob):  # unsaid
                object.__setattr__(self, knob, value)
        check_language(self.language, self.name)
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        check(
            bool(self.kinds) and not unknown, f"kinds {unknown} are unknown (there are: {', '.join(KINDS)})", self.name
        )
        low, high = self.n_sentences
        check(1 <= low <= high, f"n_sentences is {low} to {high}, must be 1 or more, in order", self.name)
        self.check_range("n_people", 2, 7)
        self.check_range("n_places", 2, 10)
        self.check_range("n_things", 1, 9)
        self.check_range("unanswerable", 0, 1)

    def item(self, number: int) -> Story:
        """The story of this number."""
        random = draws(self.name, self.seed, number)
        is_answerable = not (self.unanswerable and random.chance(self.unanswerable))
        kind = random.pick(self.kinds)
        queries = QUERIES[kind] if is_answerable else open_queries
        low, high = self.n_sentences
        while True:
            scene = Scene(
                people=random.some(range(len(PEOPLE["en"])), self.n_people),
                places=random.some(range(len(PLACES["en"])), self.n_places),
                things=random.some(range(len(THINGS["en"])), self.n_things),
            )
            n = low + random.below(high - low + 1)
            # A scene can run into a state that never allows the question again; a new one is then begun.
            for _ in range(n + 3 * high):
                scene.act(random)
                if len(scene.events) >= n and (found := queries(scene)):
                    return self._told(scene, random.pick(found))

    def _told(self, scene: Scene, query: Query) -> Story:
        language = self.language
        people, places, things = PEOPLE[language], PLACES[language], THINGS[language]
        wordings = SENTENCES[language]
        sentences = tuple(
            wordings[event.action][event.wording].format(
                who=people[event.who], place=places[event.place], thing=things[event.thing], to=people[event.to]
            )
            for event in scene.events
        )
        gap = " " if language == "en" else ""
        lists = {"people": people, "places": places, "numbers": NUMBERS[language], "yes-no": YES_NO[language]}
        answer = lists[query.says][query.answer] if query.says != "nothing" else ""
        start = None
        if query.said_in >= 0:
            start = sum(len(sentence) + len(gap) for sentence in sentences[: query.said_in])
            start += sentences[query.said_in].index(answer)
        return Story(
            sentences=sentences,
            text=gap.join(sentences),
            question=QUESTIONS[language][query.kind].format(
                who=people[query.who], place=places[query.place], thing=things[query.thing], to=people[query.to]
            ),
            answer=answer,
            kind=query.kind,
            facts=query.facts,
            start=start,
            end=None if start is None else start + len(answer),
            events=tuple(scene.events),
            query=query,
        )


class Journey(NamedTuple):
    """How a thing came to the place where it is: from which place, and the three events that prove it."""

    origin: int
    place: int
    facts: tuple[int, int, int]


@dataclass
class Scene:
    """The simulator: who is where, who has what, and which event says so."""

    people: list[int]
    places: list[int]
    things: list[int]
    events: list[Event] = field(default_factory=list)
    place_of: dict[int, int] = field(default_factory=dict)  # person -> place, where it is known
    placed_by: dict[int, int] = field(default_factory=dict)  # person -> the event that says where they are, or are not
    holder_of: dict[int, int] = field(default_factory=dict)  # thing -> person
    handled_by: dict[int, int] = field(default_factory=dict)  # thing -> the event that took, dropped or gave it last
    lies_in: dict[int, tuple[int, int]] = field(default_factory=dict)  # thing -> place, and the event that says so
    journeys: dict[int, Journey] = field(default_factory=dict)  # thing -> its last journey, where both ends are known
    visits: dict[tuple[int, int], int] = field(default_factory=dict)  # (thing, place) -> how often it came there

    def act(self, random: Draws) -> None:
        """Let one thing happen, of those that can."""
        who, wording = random.pick(self.people), random.below(N_WORDINGS)
        here = self.place_of.get(who)
        if here is not None:
            carried = [thing for thing in self.things if self.holder_of.get(thing) == who]
            free = [
                thing
                for thing in self.things
                if thing not in self.holder_of and self.lies_in.get(thing, (here, 0))[0] == here
            ]
            others = [person for person in self.people if person != who and self.place_of.get(person) == here]
            fate = random.random()
            if fate < 0.35 and free:
                return self._take(who, here, random.pick(free), wording)
            if fate < 0.55 and carried and others:
                return self._give(who, random.pick(others), random.pick(carried), wording)
            if 0.55 <= fate < 0.65 and carried:
                return self._drop(who, here, random.pick(carried), wording)
            if 0.65 <= fate < 0.72:
                return self._leave(who, here, wording)
        self._go(who, here, random.pick([place for place in self.places if place != here]), wording)

    def _go(self, who: int, here: int | None, place: int, wording: int) -> None:
        now = len(self.events)
        self.events.append(Event("go", who, place=place, wording=wording))
        for thing, holder in self.holder_of.items():
            if holder == who:
                self.visits[thing, place] = self.visits.get((thing, place), 0) + 1
                if here is None:
                    self.journeys.pop(thing, None)
                else:
                    self.journeys[thing] = Journey(here, place, (self.placed_by[who], self.handled_by[thing], now))
        self.place_of[who], self.placed_by[who] = place, now

    def _leave(self, who: int, here: int, wording: int) -> None:
        self.placed_by[who] = len(self.events)
        self.events.append(Event("leave", who, place=here, wording=wording))
        del self.place_of[who]
        for thing, holder in self.holder_of.items():
            if holder == who:
                self.journeys.pop(thing, None)

    def _take(self, who: int, here: int, thing: int, wording: int) -> None:
        if thing not in self.handled_by:
            self.visits[thing, here] = 1
        self.holder_of[thing], self.handled_by[thing] = who, len(self.events)
        self.lies_in.pop(thing, None)
        self.events.append(Event("take", who, thing=thing, wording=wording))

    def _drop(self, who: int, here: int, thing: int, wording: int) -> None:
        del self.holder_of[thing]
        self.handled_by[thing] = len(self.events)
        self.lies_in[thing] = here, self.placed_by[who]
        self.events.append(Event("drop", who, thing=thing, wording=wording))

    def _give(self, who: int, to: int, thing: int, wording: int) -> None:
        self.holder_of[thing], self.handled_by[thing] = to, len(self.events)
        self.events.append(Event("give", who, thing=thing, to=to, wording=wording))


# -- questions ---------------------------------------------------------------------------------------------------------


def where_person(scene: Scene) -> list[Query]:
    """One fact: the last move."""
    return [
        Query("where-person", who=who, answer=place, says="places", facts=(fact,), said_in=fact)
        for who, place in scene.place_of.items()
        for fact in (scene.placed_by[who],)
    ]


def where_thing(scene: Scene) -> list[Query]:
    """Two facts: who had it last, and where that person was (at the drop) or is."""
    found = list[Query]()
    for thing, handled in scene.handled_by.items():
        holder = scene.holder_of.get(thing)
        if holder is None:
            place, said_in = scene.lies_in[thing]
        elif holder in scene.place_of:
            place, said_in = scene.place_of[holder], scene.placed_by[holder]
        else:
            continue
        facts = tuple(sorted((handled, said_in)))
        found.append(Query("where-thing", thing=thing, answer=place, says="places", facts=facts, said_in=said_in))
    return found


def where_before(scene: Scene) -> list[Query]:
    """Three facts: who had it, where they were, and where they went; only where the thing came there once."""
    return [
        Query(
            "where-before",
            place=journey.place,
            thing=thing,
            answer=journey.origin,
            says="places",
            facts=tuple(sorted(journey.facts)),
            said_in=journey.facts[0],
        )
        for thing, journey in scene.journeys.items()
        if scene.visits[thing, journey.place] == 1
    ]


def is_in(scene: Scene) -> list[Query]:
    """One fact: the last that was said of where a person is, or is not. No comes a little more often."""
    found = list[Query]()
    for who, fact in scene.placed_by.items():
        event = scene.events[fact]
        if event.action == "leave":
            found.append(Query("is-in", who=who, place=event.place, answer=0, says="yes-no", facts=(fact,)))
        else:
            elsewhere = [place for place in scene.places if place != event.place]
            other = elsewhere[(fact + who) % len(elsewhere)]
            found.append(Query("is-in", who=who, place=event.place, answer=1, says="yes-no", facts=(fact,)))
            found.append(Query("is-in", who=who, place=other, answer=0, says="yes-no", facts=(fact,)))
    return found


def how_many(scene: Scene) -> list[Query]:
    """Facts: all that a person took, dropped, gave and was given."""
    found = list[Query]()
    for who in scene.people:
        facts = tuple(n for n, event in enumerate(scene.events) if event.thing >= 0 and who in (event.who, event.to))
        if facts:
            n_things = sum(holder == who for holder in scene.holder_of.values())
            found.append(Query("how-many", who=who, answer=n_things, says="numbers", facts=facts))
    return found


def who_gave(scene: Scene) -> list[Query]:
    """One fact: a gift that happened once."""
    gifts = dict[tuple[int, int], list[int]]()
    for number, event in enumerate(scene.events):
        if event.action == "give":
            gifts.setdefault((event.thing, event.to), []).append(number)
    return [
        Query("who-gave", thing=thing, to=to, answer=scene.events[n].who, says="people", facts=(n,), said_in=n)
        for (thing, to), [n, *others] in gifts.items()
        if not others
    ]


def who_has(scene: Scene) -> list[Query]:
    """One fact: who took it or was given it last."""
    return [
        Query("who-has", thing=thing, answer=holder, says="people", facts=(fact,), said_in=fact)
        for thing, holder in scene.holder_of.items()
        for fact in (scene.handled_by[thing],)
    ]


def open_queries(scene: Scene) -> list[Query]:
    """What the story does not say: of people who left for an unknown place, and of people and things it never names."""
    named = {person for event in scene.events for person in (event.who, event.to)}
    strangers = [person for person in range(len(PEOPLE["en"])) if person not in named]
    unseen = [thing for thing in range(len(THINGS["en"])) if thing not in scene.handled_by]
    found = [Query("where-person", who=person) for person in strangers]
    found += [Query("where-thing", thing=thing) for thing in unseen]
    for who, fact in scene.placed_by.items():
        if who not in scene.place_of:
            left = scene.events[fact].place
            found.append(Query("where-person", who=who))
            found += [Query("is-in", who=who, place=place) for place in scene.places if place != left]
    found += [Query("where-thing", thing=thing) for thing, who in scene.holder_of.items() if who not in scene.place_of]
    return found


QUERIES: dict[Kind, Callable[[Scene], list[Query]]] = {
    "where-person": where_person,
    "where-thing": where_thing,
    "where-before": where_before,
    "is-in": is_in,
    "how-many": how_many,
    "who-gave": who_gave,
    "who-has": who_has,
}
