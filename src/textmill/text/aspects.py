"""A text and what people talk about (price, room, service) -> the sentences about each. Room: text/.

In English and Chinese. An aspect is a list of terms; a sentence that has one of them is about it. Used by
tasks/classifying, which says what each sentence thinks of it.
Where a sentence has terms of several aspects, such as common ones that nobody asked for, it is cut into clauses, each
going to the aspects named in it: always at a contrast ("but", 但是), at a comma or "and" where both sides say something
of their own: "Great room, rude staff" is cut, "The room and the staff were great" is not. What a sentence says of an
aspect without naming it ("It was dirty, too.") is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from textmill.errors import InputError, did_you_mean
from textmill.text.sentences import HAN, sentences, without_blanks

CONTRAST = (
    rf"[;:]\s+|(?<={HAN})[;:]|\s+(?:[-–—]+\s+)|[；：—]+"
    r"|,?\s+(?=(?:but|yet|while|whereas|although|though|however|except)\b)|，?(?=但是|但|可是|不过|然而|却|而(?!且))"
)
ADDITION = rf",\s+|(?<={HAN}),|,(?={HAN})|[，、]|\s+(?=(?:and|plus)\b)|(?=而且|并且|以及|和|与|跟)"
CLAUSE = re.compile(f"(?P<contrast>{CONTRAST})|(?:{ADDITION})", re.IGNORECASE)
EMPTY_WORDS = frozenset(
    ("the", "a", "an", "and", "or", "both", "my", "our", "your", "their", "his", "her", "its", "this", "that", "these",
     "those", "of", "as", "well", "also", "plus", *"的这那个和与跟也还有以及而且并")
)  # fmt: skip
LETTER = "A-Za-z\u00c0-\u024f0-9"
WORD = re.compile(rf"[{LETTER}]+|{HAN}")

COMMON: dict[str, tuple[str, str]] = {
    "price": (
        "price, cost, value, value for money, money, rate, fee, charge, bill, discount, deal, pricing",
        "价格, 价钱, 价位, 性价比, 费用, 房价, 收费, 优惠, 折扣",
    ),
    "room": (
        "room, bed, bathroom, shower, toilet, suite, balcony, pillow, mattress, bedroom",
        "房间, 客房, 床, 浴室, 卫生间, 洗手间, 厕所, 套房, 阳台, 枕头, 床垫",
    ),
    "service": (
        "service, staff, reception, receptionist, waiter, waitress, manager, customer service, support, check-in",
        "服务, 服务员, 服务态度, 态度, 前台, 员工, 店员, 工作人员, 客服, 售后, 经理, 入住手续",
    ),
    "food": (
        "food, breakfast, lunch, dinner, meal, menu, dish, soup, dessert, wine, restaurant, taste, coffee",
        "食物, 饭菜, 菜品, 早餐, 午餐, 晚餐, 菜单, 菜, 汤, 甜点, 葡萄酒, 餐厅, 味道, 口味, 咖啡",
    ),
    "location": (
        "location, view, neighbourhood, neighborhood, area, surroundings, beach, station, parking",
        "位置, 地理位置, 景色, 风景, 环境, 周边, 交通, 地段, 停车场, 停车",
    ),
    "cleanliness": ("cleanliness, hygiene, dirt, smell, dust", "卫生, 清洁, 气味, 灰尘, 异味"),
    "delivery": (
        "delivery, shipping, shipment, courier, package, packaging, parcel",
        "送货, 快递, 物流, 发货, 配送, 包装, 包裹",
    ),
    "quality": (
        "quality, material, workmanship, finish, build quality, durability",
        "质量, 品质, 材料, 材质, 做工, 手感",
    ),
    "battery": ("battery, battery life, charger, charging", "电池, 续航, 充电, 充电器, 电量"),
    "screen": ("screen, display, resolution, brightness", "屏幕, 显示, 显示屏, 分辨率, 亮度"),
    "sound": (
        "sound, speaker, volume, noise, audio, music, soundtrack",
        "声音, 音质, 音响, 音量, 噪音, 音乐, 配乐, 隔音",
    ),
    "camera": ("camera, photo, picture, lens", "摄像头, 相机, 拍照, 照片, 镜头"),
    "design": ("design, style, colour, color, shape", "设计, 外观, 样式, 款式, 颜色, 造型"),
    "size": ("size, width, height, weight", "尺寸, 尺码, 大小, 重量, 体积"),
    "software": (
        "software, app, system, update, interface, performance, speed",
        "软件, 系统, 应用, 更新, 界面, 性能, 速度",
    ),
    "plot": ("plot, story, ending, script, dialogue, storyline", "剧情, 情节, 故事, 结局, 剧本, 对白, 台词"),
    "acting": (
        "acting, actor, actress, cast, performance of the actors, main actor",
        "演技, 演员, 主演, 表演, 男主, 女主",
    ),
}
"""Common aspects -> their terms in English and in Chinese, commas between."""
CHINESE_NAMES = {
    "价格": "price", "房间": "room", "服务": "service", "食物": "food", "位置": "location", "卫生": "cleanliness",
    "物流": "delivery", "质量": "quality", "电池": "battery", "屏幕": "screen", "声音": "sound", "相机": "camera",
    "外观": "design", "尺寸": "size", "软件": "software", "剧情": "plot", "演技": "acting",
}  # fmt: skip

LIKE_A_SLIP = 0.75
"""Of names that have a list, those as like as this are meant: "servise", "roon"."""

Terms = Mapping[str, tuple[str, ...]]
"""Aspect -> its terms."""


class AspectSentence(NamedTuple):
    """A sentence, or a clause of one, that is about an aspect. start, end: where it stands in the text."""

    aspect: str
    sentence: str
    start: int
    end: int


class Mention(NamedTuple):
    """A term of an aspect in a text."""

    aspect: str
    start: int
    end: int


@dataclass(frozen=True)
class Aspects:
    """What is looked for."""

    terms: Terms
    pattern: re.Pattern[str]
    aspect_of: Mapping[str, str]
    """The number of a term's group -> its aspect."""
    alone: tuple[str, ...] = ()
    """Those without a list of terms: only the name itself is looked for."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.terms)

    def mentions(self, text: str) -> list[Mention]:
        """The terms in a text, none within a longer one, in order.

        Those of common aspects that nobody asked for, too: what is said of these is not said of the others.
        """
        found = self.pattern.finditer(text)
        return [Mention(self.aspect_of[str(one.lastgroup)], one.start(), one.end()) for one in found]


def aspects_said(said: str | Iterable[str]) -> Aspects:
    """Aspects as a person says them: names with commas between, or one with terms of its own behind `=`.

    A name with a common list, English or Chinese, takes its terms, less those that another aspect here has of its own.
    A name without one is its own only term, and stands in `alone`. Raises InputError for a name that is nearly one with
    a list, for one that comes twice, and as aspects_of does.

    >>> aspects_said("price, 房间").names
    ('price', '房间')
    >>> aspects_said(["room", "wifi=wifi, internet"]).terms["wifi"]
    ('wifi', 'internet')
    """
    own: dict[str, tuple[str, ...]] = {}
    common: dict[str, str] = {}
    order, alone = list[str](), list[str]()
    for word in [said] if isinstance(said, str) else said:
        left, equals, right = word.replace("＝", "=").partition("=")
        names, terms = _parts(left), _listed(right)
        if equals and (len(names) != 1 or not terms or "=" in right):
            raise InputError(
                f"'{word}' is no aspect with its terms",
                hint="Say each apart, and those without terms apart from it: --aspects price,room "
                "--aspects wifi=wifi,internet --aspects pool=pool,sauna",
            )
        for name in names:
            if name in order:
                raise InputError(f"the aspect '{name}' comes twice")
            order.append(name)
            key = CHINESE_NAMES.get(name, name.lower())
            if equals:
                own[name] = terms
            elif key in COMMON:
                common[name] = key
            else:
                refuse_misspelt(name)
                own[name] = (name,)
                alone.append(name)
    taken = {term.lower() for terms in own.values() for term in terms}
    listed = {
        name: tuple(term for term in common_terms(key) if term.lower() not in taken) for name, key in common.items()
    }
    return replace(aspects_of({name: (own | listed)[name] for name in order}), alone=tuple(alone))


def refuse_misspelt(name: str) -> None:
    """Raises InputError for a name that is nearly one with a list of terms, and no term itself."""
    if term_of(name) is not None:
        return
    word = name.lower()
    alike = [other for other in (*COMMON, *CHINESE_NAMES) if other[0] == word[0]]  # "rating" is no slip for "acting"
    near = did_you_mean(word, alike, LIKE_A_SLIP)
    if near is not None:
        raise InputError(
            f"there is no list of terms for the aspect '{name}' (there are: {', '.join(COMMON)})",
            hint=f"{near} If not, say what to look for: --aspects {name}={name}",
        )


def common_terms(aspect: str) -> tuple[str, ...]:
    """The terms of a common aspect, in English and in Chinese."""
    return tuple(term for language in COMMON[aspect] for term in _listed(language))


def term_of(word: str) -> str | None:
    """The common aspect that a word is a term of.

    >>> term_of("Staff"), term_of("wifi")
    ('service', None)
    """
    return next((aspect for aspect in COMMON if word.lower() in common_terms(aspect)), None)


def aspects_of(terms: Terms) -> Aspects:
    """Aspects by their terms. Raises InputError for none at all, and for a term of two aspects.

    >>> aspects_of({"wifi": ("wifi", "internet"), "pool": ("pool",)}).names
    ('wifi', 'pool')
    """
    if not terms:
        raise InputError("no aspect is named", hint="Name some, such as price,room,service.")
    owners: dict[str, str] = {}
    own_terms = {term.lower() for own in terms.values() for term in own}
    claimed = {CHINESE_NAMES.get(name, name.lower()) for name in terms}
    others = {
        name: tuple(term for term in common_terms(name) if term.lower() not in own_terms)
        for name in COMMON
        if name not in claimed
    }
    for aspect, own in [*terms.items(), *others.items()]:
        for term in own:
            if owners.setdefault(term.lower(), aspect) != aspect:
                raise InputError(
                    f"the term '{term}' stands for '{owners[term.lower()]}' and for '{aspect}'",
                    hint="Leave it with one of them.",
                )
    longest_first = sorted(owners, key=lambda term: (-len(term), term))
    groups = {f"t{number}": term for number, term in enumerate(longest_first)}
    return Aspects(
        dict(terms),
        re.compile(_one_of(groups), re.IGNORECASE),
        {group: owners[term] for group, term in groups.items()},
    )


def aspect_sentences(text: str, aspects: Aspects) -> list[AspectSentence]:
    """Of each aspect the sentences that are about it, in order of the text; a clause where a sentence has several.

    >>> found = aspect_sentences("Great room, rude staff. We left.", aspects_said("room,service"))
    >>> [(one.aspect, one.sentence) for one in found]
    [('room', 'Great room'), ('service', 'rude staff.')]
    """
    found = list[AspectSentence]()
    for start, end in sentences(text):
        mentions = [one._replace(start=one.start + start, end=one.end + start)
                    for one in aspects.mentions(text[start:end])]  # fmt: skip
        for first, last in clauses(text, start, end, mentions):
            named = (one.aspect for one in mentions if first <= one.start < last)
            own = dict.fromkeys(aspect for aspect in named if aspect in aspects.terms)
            found += [AspectSentence(aspect, text[first:last], first, last) for aspect in own]
    return found


def clauses(text: str, start: int, end: int, mentions: list[Mention]) -> list[tuple[int, int]]:
    """The sentence at start … end, cut between what is said of one aspect and of another."""
    if len({one.aspect for one in mentions}) < 2:
        return [(start, end)]
    cuts = list[int]()
    first = start
    for mark in CLAUSE.finditer(text, start, end):
        following = CLAUSE.search(text, max(mark.end(), mark.start() + 1), end)
        stop = following.start() if following else end
        left = [one for one in mentions if first <= one.start < mark.start()]
        right = [one for one in mentions if mark.end() <= one.start < stop]
        if not left or not right or {one.aspect for one in right} <= {one.aspect for one in left}:
            continue
        if any(one.start < mark.end() and mark.start() < one.end for one in mentions):
            continue  # within a term
        after = text[left[-1].end : mark.start()]
        before, before_right = text[first : left[0].start], text[mark.end() : right[0].start]
        if mark["contrast"] is not None or _says(after) or (_says(before) and _says(before_right)):
            cuts.append(mark.end())
            first = mark.end()
    edges = [start, *cuts, end]
    places = (without_blanks(text, one, other) for one, other in pairwise(edges))
    return [(place[0], _without_comma(text, *place)) for place in places if place]


def _says(text: str) -> bool:
    """Whether a stretch has a word that means something."""
    return any(word.lower() not in EMPTY_WORDS for word in WORD.findall(text))


def _without_comma(text: str, start: int, end: int) -> int:
    return start + len(text[start:end].rstrip(" ,，、;；:："))


def _listed(listed: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_parts(listed)))


def _parts(listed: str) -> list[str]:
    return [part for one in re.split("[,，、]", listed) if (part := " ".join(one.split()))]


def _one_of(groups: Mapping[str, str]) -> str:
    """A pattern of terms by their groups, of which the first that fits is taken.

    They are sorted by their first letters, so that few are tried at a place, and Latin ones where a word begins only.
    """
    by_first: dict[str, list[str]] = {}
    for group, term in groups.items():
        by_first.setdefault(term.lower()[0], []).append(f"(?P<{group}>{_term(term)})")
    latin = [first for first in by_first if re.match(f"[{LETTER}]", first)]
    parts = [(f"(?<![{LETTER}])", latin), ("", [first for first in by_first if first not in latin])]
    return "|".join(
        f"{before}(?=[{''.join(map(re.escape, firsts))}])(?:"
        + "|".join(f"(?={re.escape(first)})(?:{'|'.join(by_first[first])})" for first in firsts)
        + ")"
        for before, firsts in parts
        if firsts
    )


def _term(term: str) -> str:
    """A term as a pattern, its beginning aside: Latin ones as whole words, plurals too; Chinese ones anywhere."""
    pattern = re.escape(term).replace(r"\ ", r"\s+")
    if re.match(f"[{LETTER}]", term[-1]):
        stem = f"{pattern[:-1]}(?:y|ies)" if re.search("[^aeiou]y$", term, re.IGNORECASE) else f"{pattern}(?:e?s)?"
        pattern = f"{stem}(?![{LETTER}])"
    return pattern
