"""A document -> the document without what no reader wants, and all that was taken out. Room: text/.

Used by prepare and look. Rules are pure functions of one text, each can be left out, and each says in code points of
the document as it was read what it removed: kept and removed text together are exactly the original.

Every rule would rather leave dirt than take text: mojibake, boilerplate and running heads go as whole lines only, and
only on evidence that verse, dialogue, speaker names and refrains do not give. A line ends in LF. U+FFFD stays where it
is a single one: taking it out would hide that a character was lost.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from textmill.errors import InputError
from textmill.text.documents import Document

Span = tuple[int, int]
HAN_CHARACTER = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")

MOJIBAKE, CONTROL, BOILERPLATE = "mojibake", "control", "boilerplate"
REPEATED_LINES, NEAR_EMPTY = "repeated-lines", "near-empty"


@dataclass(frozen=True)
class Rule:
    """One reason to remove text. `find(text)`: the stretches it removes, in order, apart from each other."""

    name: str
    meaning: str
    find: Callable[[str], list[Span]]


@dataclass(frozen=True)
class Removed:
    """What a rule took out: code points start to end of the document as it was read."""

    rule: str
    start: int
    end: int
    text: str


def clean(document: Document, rules: Sequence[str]) -> tuple[Document | None, list[Removed]]:
    """The document as the named rules leave it, and what they removed, in the order of the text.

    None in the document's place: nothing is left. Rules are applied in the order of RULES, whatever the order of the
    names; a document that needs nothing is given back as it is, the same object.
    Raises InputError for the name of no rule.
    """
    for name in rules:
        if name not in RULES:
            near = difflib.get_close_matches(name, RULES, n=1)
            meant = f"did you mean '{near[0]}'?" if near else "leave it out"
            raise InputError(f"no cleaning rule '{name}' (there are: {', '.join(RULES)})", hint=meant)

    text, removed = document.text, list[Removed]()
    for rule in RULES.values():
        if rule.name in rules:
            spans = rule.find(text)
            if spans:
                removed = _in_order(removed, rule.name, spans, text)
                text = _without(text, spans)
    if not text:
        return None, removed
    return (replace(document, content=text) if removed else document), removed


def without_all(left: str, removed: Sequence[Removed], rule: str) -> list[Removed]:
    """What was removed, and all that was left, by the named rule."""
    return _in_order([*removed], rule, [(0, len(left))], left)


def give_back(document: Document, removed: Sequence[Removed]) -> Document:
    """The document as it was read: what `clean` left, and removed, put together again.

    Where `clean` left None, document is the same one with the text "".
    """
    return replace(document, content="".join(_woven(document.text, removed)))


def _woven(kept: str, removed: Sequence[Removed]) -> Iterator[str]:
    at = n_removed = 0
    for piece in removed:
        yield kept[at : piece.start - n_removed]
        yield piece.text
        at, n_removed = piece.start - n_removed, n_removed + len(piece.text)
    yield kept[at:]


def _without(text: str, spans: list[Span]) -> str:
    starts, ends = [0, *(end for _, end in spans)], [*(start for start, _ in spans), len(text)]
    return "".join(text[start:end] for start, end in zip(starts, ends, strict=True))


def _in_order(before: list[Removed], rule: str, spans: list[Span], text: str) -> list[Removed]:
    """`before` with the spans of the text that it left, moved to where they stand in the original."""
    merged: list[Removed] = []
    n_before = i = 0  # characters removed before this place; the next of `before`
    for start, end in spans:
        while start < end or (i < len(before) and before[i].start - n_before < end):
            stop = before[i].start - n_before if i < len(before) else end
            if stop <= start and i < len(before):
                merged.append(before[i])
                n_before += before[i].end - before[i].start
                i += 1
                continue
            stop = min(stop, end)
            merged.append(Removed(rule, start + n_before, stop + n_before, text[start:stop]))
            start = stop
    return merged + before[i:]


def _line_around(text: str, at: int) -> Span:
    """The line that holds a place, its line feed outside."""
    end = text.find("\n", at)
    return text.rfind("\n", 0, at) + 1, len(text) if end < 0 else end


# -- control -----------------------------------------------------------------------------------------------------------

# Not among them: tab, LF, VT, FF, CR, U+0085, U+2028, U+2029, which are white space, and zero-width signs, joiners and
# directions, which emoji and many scripts need. A terminal's colours go with their escape character.
WIDE_NONCHARACTERS = "".join(chr(plane << 16 | low) for plane in range(1, 17) for low in (0xFFFE, 0xFFFF))
NARROW_CONTROLS = "\x00-\x08\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufeff\ufdd0-\ufdef\ufffe\uffff"
NARROW_CONTROL = re.compile(f"[{NARROW_CONTROLS}]")  # apart from the wide ones a set of characters is one look-up
CONTROLS = re.compile(f"\x1b\\[[0-9;]{{0,32}}[A-Za-z]|[{NARROW_CONTROLS}{WIDE_NONCHARACTERS}]+")
NO_ASCII_CONTROL = dict.fromkeys([*range(0x09), *range(0x0E, 0x20), 0x7F])


def _controls(text: str) -> list[Span]:
    if text.isascii():
        suspect = len(text.translate(NO_ASCII_CONTROL)) < len(text)
    else:
        suspect = (
            len(text.encode("utf-16-le", "surrogatepass")) > 2 * len(text) or NARROW_CONTROL.search(text) is not None
        )
    return [match.span() for match in CONTROLS.finditer(text)] if suspect else []


# -- mojibake ----------------------------------------------------------------------------------------------------------

# The bytes 80 to BF as CP1252 and Latin-1 show them. A byte that CP1252 lacks comes as a C1 control or as U+FFFD.
CP1252_HIGH = bytes(range(0x80, 0xA0)).decode("cp1252", "replace").replace("\ufffd", "")
TRAIL = f"\x80-\xbf{CP1252_HIGH}\ufffd"
SEQUENCE = re.compile(f"[\xc2-\xdf][{TRAIL}]|[\xe0-\xef][{TRAIL}]{{2}}|[\xf0-\xf4][{TRAIL}]{{3}}")
# What may follow an accented letter in good text: closing quotes, dashes, dots, French blanks, raised figures.
COMMON_AFTER_LETTER = frozenset("‘’“”–—…›»\xa0¹²³°")
# Letters of living alphabets and their punctuation: what a two-byte sequence stands for if it is one.
EXPECTED = re.compile("[\xa0-\u024f\u0370-\u06ff]")
CHARACTERS_A_SEQUENCE = 500
"""A line is mojibake if it has a sure sequence in so many characters: a quoted one does not condemn a page."""

LOST = re.compile("(?:锟斤拷|锟斤|斤拷锟)|([烫屯])\\1{3,}|\ufffd{3,}")
FILL_LINE = re.compile("[烫屯]{3,}")
ACCENTED = re.compile("[\xc0-\xff]")
ACCENTED_SHARE, N_ACCENTED = 2 / 3, 8
"""No language writes mostly accented Latin letters: such a line is Chinese or Cyrillic read as Latin-1."""
LOST_SHARE, N_LOST = 0.1, 3
"""A line with so many U+FFFD, and such a share of them, tells nothing any more."""
FIRST_OF_GBK_SHARE = 1 / 6
"""Two Han characters of UTF-8 are three of GBK, of which the first is of a small kind: a third of them."""
COUNTED = 1 << 16
"""Characters of a line that are counted at once."""
N_GBK_HAN = 4
"""A line of UTF-8 read as GBK gives back at least so many Han characters, four for each that cannot be read."""

REPLACEMENT_BYTES = {ord(c): chr(c.encode("cp1252")[0]) for c in CP1252_HIGH} | {0xFFFD: "\x81"}


# Each pattern begins with one set of characters, which lets the search pass clean text at the speed of a scan.
LATIN_SUSPECT = re.compile(f"{ACCENTED.pattern}(?:[{TRAIL}]|{ACCENTED.pattern}{{3}})")


@lru_cache(maxsize=1)
def _first_of_gbk() -> re.Pattern[str]:
    """The characters that GBK makes of the first two bytes of a Han character in UTF-8."""
    pairs = (bytes((first, second)) for first in range(0xE4, 0xEA) for second in range(0x80, 0xC0))
    return re.compile("[{}]".format("".join(pair.decode("gbk", "ignore") for pair in pairs)))


@lru_cache(maxsize=1)
def _han_suspect() -> re.Pattern[str]:
    return re.compile(f"[锟拷烫屯\ufffd{_first_of_gbk().pattern[1:-1]}]")


def _mojibake(text: str) -> list[Span]:
    if text.isascii():
        return []
    spans = set[Span]()
    for suspect in (LATIN_SUSPECT, _han_suspect()):
        at = 0
        while match := suspect.search(text, at):
            start, at = _line_around(text, match.start())
            if _is_mojibake(text[start:at]):
                spans.add((start, min(at + 1, len(text))))
    return sorted(spans)


def _is_mojibake(line: str) -> bool:
    if LOST.search(line) or FILL_LINE.fullmatch(line.strip()):
        return True
    n_lost = line.count("\ufffd")
    if n_lost >= N_LOST and n_lost >= LOST_SHARE * len(line):
        return True
    n_accented = _n_characters(ACCENTED, line)
    if n_accented >= N_ACCENTED and n_accented >= ACCENTED_SHARE * sum(map(str.isalpha, line)):
        return True
    return intended_reading(line) is not None


def intended_reading(line: str) -> str | None:
    """What a line of UTF-8 said before it was read as CP1252, Latin-1 or GBK; None for a line that is what it is.

    The line is never repaired: this is for a note that says how the file should have been read.

    >>> intended_reading("CafÃ© â€“ ouvert"), intended_reading("Café – ouvert")
    ('Café – ouvert', None)
    """
    return _read_as_latin(line) or _read_as_gbk(line)


def _read_as_latin(line: str) -> str | None:
    n_sure = sum(_is_sure(line, match) for match in SEQUENCE.finditer(line))
    if n_sure == 0 or n_sure * CHARACTERS_A_SEQUENCE < len(line):
        return None
    try:
        return line.translate(REPLACEMENT_BYTES).encode("latin-1").decode()
    except UnicodeError:  # it has characters of its own: then it was not read as a whole in the wrong way
        return None


def _is_sure(line: str, match: re.Match[str]) -> bool:
    """Whether the sequence cannot be an accented letter with the punctuation behind it."""
    sequence = match[0]
    if COMMON_AFTER_LETTER.issuperset(sequence[1:]):
        inside_word = line[match.end() : match.end() + 1].islower()
        return inside_word and len(sequence) == 2 and EXPECTED.match(_said(sequence)) is not None
    return len(sequence) > 2 or EXPECTED.match(_said(sequence)) is not None


def _said(sequence: str) -> str:
    return sequence.translate(REPLACEMENT_BYTES).encode("latin-1").decode("utf-8", "replace")


def _read_as_gbk(line: str) -> str | None:
    if _n_characters(_first_of_gbk(), line) < FIRST_OF_GBK_SHARE * _n_characters(HAN_CHARACTER, line):
        return None
    said = line.replace("\ufffd", "?").encode("gb18030", "replace").decode("utf-8", "replace")
    n_han = sum("\u4e00" <= c <= "\u9fff" for c in said)
    return said if n_han >= N_GBK_HAN and n_han >= 4 * said.count("\ufffd") else None


def _n_characters(one: re.Pattern[str], line: str) -> int:
    """How many there are, for a pattern of one character: listed, each would take a hundred bytes of a long line."""
    return sum(len(one.findall(line, start, start + COUNTED)) for start in range(0, len(line), COUNTED))


# -- boilerplate -------------------------------------------------------------------------------------------------------

LONGEST_BOILERPLATE = 240
"""Longer lines are text."""
BLANKS = " \t\r\f\v\xa0\u3000\ufeff"

# How a line begins (any of these) -> how it goes on to its end; lower-cased, outer blanks off. What somebody in a story
# could say is left out. The beginnings are apart from the rest so that four characters rule most lines out.
LINES_BY_BEGINNING = {
    "this |our ": r"(?:web ?)?(?:site|page) uses cookies.*",
    "we use |we and our partners use ": r"cookies (?:to|on (?:this|our) (?:web ?)?site|and (?:other|similar)) .*",
    "by continuing|by using|by clicking|by browsing|by closing|by accepting": " .{0,40}"
    r"\b(?:site|website|page|service|banner|browsing|accept|agree)\b.{0,80}\bcookies?\b.*",
    "accept |allow |reject |manage ": "(?:all )?cookies",
    "accept all|reject all": "",
    "cookie ": "(?:settings|preferences|policy|notice)",
    "©|(c)|copyright": r"(?: ?(?:©|\(c\)))? ?(?:by )?(?:.{0,60} )?(?:19|20)\d\d\b.{0,120}",
    "subscribe |sign up ": r"(?:now |today |here )?(?:to|for) (?:our|the|my) (?:[\w-]+ ){0,3}"
    r"(?:newsletters?|mailing list|e-?mail updates)\b.{0,80}",
    "enter your email|enter your e-mail": r"(?: address)?(?: (?:here|below|to) ?.{0,80})?[.:…]*",
    "skip to ": "(?:the )?(?:main |primary |page )?(?:content|navigation|search)",
    "back to |return to ": "(?:the )?top(?: of (?:the )?page)?",
    "previous |prev |next |older |newer ": "(?:page|posts?|articles?|entries|entry)(?: ?[:»›→|>]+.{0,100})?",
    "next|next |newer |more ": "(?:»|›|→|>>?)",
    "«|‹|←|<": "<? ?(?:previous|prev|back|older|newer)(?: (?:page|posts?|articles?|entries|entry))?(?: ?[:|].{0,100})?",
    "share this": "(?: (?:post|page|article|story|entry))?[:.]?",
    "share ": "(?:this )?(?:(?:post|page|article|story) )?(?:on|via|with|to) "
    r"(?:facebook|twitter|linkedin|pinterest|reddit|whatsapp|e-?mail)\b.{0,80}",
    "like us |follow us |find us |join us |visit us ": "on "
    r"(?:facebook|twitter|instagram|youtube|linkedin|pinterest|tiktok|weibo)\b.{0,80}",
    "click here ": "(?:to|for) "
    r"(?:subscribe|unsubscribe|read|download|view|see|register|sign up|log in|more|print)\b.{0,80}",
    "read more|learn more|see more|show more|load more": r" ?(?:\.\.\.|…|»|›|→|>>?)",
    "continue reading": r" ?(?:\.\.\.|…|»|›|→|>>?|“).{0,120}",
    "enable javascript|please enable javascript|you need to enable javascript|you must enable javascript": ".{0,100}",
    "javascript ": r"(?:is|must be|has been|needs to be) (?:disabled|enabled|required)\b.{0,120}",
    "powered by |proudly powered by ": r"(?:wordpress|drupal|joomla|vbulletin|phpbb|blogger|mediawiki|discuz|shopify)"
    r"\b.{0,60}",
    "page |- page |[page |(page ": r"\d{1,5}(?: ?(?:of|/) ?\d{1,5})?[-–—\]) ]*",
    "-|–|—": r" ?\d{1,5} ?[-–—]",
    "advertisement|sponsored content|sponsored link": "s?",
    "leave a |post a |add a ": "(?:comment|reply)",
    "you must be logged in ": "to .{0,60}",
    "欢迎转载|歡迎轉載|如需转载|如需轉載|转载请|轉載請": ".{0,80}",
    "本文|文章": ".{0,12}(?:欢迎转载|歡迎轉載|如需转载|如需轉載|转载请|轉載請).{0,80}",
    "本文|本站|本網|本网|版权|版權|未经|未經": ".{0,24}(?:不得|禁止|严禁|嚴禁|请勿|請勿).{0,16}"
    "(?:转载|轉載|转发|轉發|复制|複製).{0,40}",
    "版权归|版權歸|本文版权归|本文版權歸": ".{0,30}所有.{0,40}",
    "更多|请|請|欢迎|歡迎|敬请|敬請|扫码|掃碼|扫描|长按|微信|点击|搜索|想了解|记得": ".{0,40}"
    "(?:关注|關注|搜索|添加).{0,24}(?:公众号|公眾號|微信号|微信平台|官方微信|官方微博|公众平台).{0,60}",
    "扫一扫|掃一掃|扫码|扫描下|扫描上|扫描二|长按|微信扫": ".{0,24}(?:二维码|關注|关注|下载).{0,40}",
    "第": r" ?\d{1,5} ?[页頁](?: ?[/，,|]? ?共 ?\d{1,5} ?[页頁])?",
    "共": r" ?\d{1,5} ?[页頁](?: ?[/，,|]? ?第 ?\d{1,5} ?[页頁])?",
    "点击阅读|点击查看|点击展开|點擊查看|阅读|閱讀|查看|展开|显示": "(?:更多|全文|原文|剩余)"
    r"(?: ?(?:>>?|»|›|…|\.\.\.))?",
    "责任编辑|責任編輯|责编|(责任编辑|（责任编辑|[责任编辑|【责任编辑|(责编|（责编": "[:：].{0,24}",
    "免责声明|免責聲明": "[:：].{0,200}",
    "本站|以上": "(?:所有)?(?:内容|文章|资源|图片|作品).{0,8}(?:来自|来源于|转载自|收集于|整理自)"
    "(?:互联网|网络|网友).{0,120}",
    "一秒记住|一秒钟记住|天才一秒": ".{0,80}",
    "记住本站|收藏本站|收藏本书|请记住本|请收藏本": ".{0,24}(?:网址|域名|地址|手机版).{0,80}",
    "手机用户|手机版|手机阅读": r".{0,12}(?:m\.|wap\.|请(?:访问|浏览|到)).{0,60}",
    "最新章节": "请?(?:到|访问|上).{0,60}",
    "分享到|分享至": "(?:[:：]|微信|微博|朋友圈|qq空间).{0,80}",
    "本网站|本站|我们": "(?:会)?使用 ?cookies?.{0,160}",
    "订阅": "(?:我们的|本站的?)(?:邮件|新闻|电子报|周刊|通讯).{0,40}",
    "加入书签|推荐本书|返回书页|返回目录|返回首页|返回列表|返回顶部|回到顶部|回頂部|返回頂部|上一页|下一页|上一頁|下一頁|"
    "上一章|下一章|上一篇|下一篇": "(?: ?[:：].{0,60})?",
}
# Found anywhere in a line: a word that it must have -> the whole line.
LINES_BY_WORD = {
    "reserved": r"(?:.{0,60}(?:©|\(c\)|copyright|(?:19|20)\d\d).{0,80}[ .,;|-])?all rights reserved\b.{0,60}",
    "版权所有": ".{0,60}版权所有.{0,80}",
    "版權所有": ".{0,60}版權所有.{0,80}",
    "icp": r".{0,80}icp[备備证證]\d{4,}号?.{0,60}",
    "公网安备": ".{0,40}公网安备.{0,40}",
}

NAVIGATION_WORDS = """
home | home page | about | about us | contact | contact us | faq | faqs | help | log in | login | sign in | sign up
| sign out | register | privacy | privacy policy | terms | terms of use | terms of service | terms & conditions
| cookies | cookie policy | sitemap | site map | search | blog | news | products | services | careers | jobs | press
| support | shop | store | cart | my account | account | menu | next | previous | prev | archive | archives | rss
| advertise | accessibility | forum | forums | gallery | events | downloads | links | facebook | twitter | instagram
| youtube | linkedin | pinterest | reddit | weibo | tweet | share | print | email | imprint | legal | 首页 | 首頁
| 主页 | 关于我们 | 關於我們 | 关于 | 联系我们 | 聯繫我們 | 聯絡我們 | 帮助 | 帮助中心 | 登录 | 登陆 | 登入 | 注册
| 註冊 | 网站地图 | 隐私政策 | 服务条款 | 用户协议 | 加入我们 | 招聘 | 广告服务 | 友情链接 | 新闻 | 产品 | 服务
| 下载 | 论坛 | 博客 | 搜索 | 设为首页 | 加入收藏 | 收藏本站 | 意见反馈 | 版权声明 | 目录 | 返回 | 返回目录
| 返回书页 | 返回首页 | 返回列表 | 返回顶部 | 上一页 | 下一页 | 上一章 | 下一章 | 上一篇 | 下一篇 | 上一頁 | 下一頁
| 末页 | 尾页 | 最后一页 | 加入书签 | 推荐本书 | 投推荐票 | 章节目录 | 书签 | 微信 | 微博
"""
NAVIGATION_GAP = re.compile(r"\s*[|｜·•»›>/→]\s*|\s{2,}")
N_NAVIGATION = 3
"""A bar of links has so many words of the list and no other; of Chinese ones, which make no sentence, one fewer."""

PAGE_NUMBER = re.compile(r"\d{1,4}")
N_PAGES = 3
"""A bare number is a page number if it is one of so many that count up by one, and most interrupt a sentence."""


@dataclass(frozen=True)
class _BoilerplateLines:
    """The lists above, made ready: patterns by what `_key` says of how a line begins."""

    beginnings: dict[str, re.Pattern[str]]
    words: dict[str, re.Pattern[str]]
    navigation: frozenset[str]
    first_words: frozenset[str]


@lru_cache(maxsize=1)
def _boilerplate_lines() -> _BoilerplateLines:
    navigation = frozenset(word.strip() for word in NAVIGATION_WORDS.split("|"))
    branches: dict[str, list[str]] = {_key(word): [] for word in navigation}
    for beginnings, rest in LINES_BY_BEGINNING.items():
        for beginning in beginnings.split("|"):
            branches.setdefault(_key(beginning), []).append(f"{re.escape(beginning)}(?:{rest})")
    patterns = {start: re.compile("|".join(some) or "(?!)") for start, some in branches.items()}
    as_written = {
        kind(start): pattern for start, pattern in patterns.items() for kind in (str.upper, str.capitalize, str.title)
    }
    words = {word: re.compile(pattern) for word, pattern in LINES_BY_WORD.items()}
    return _BoilerplateLines(as_written | patterns, words, navigation, frozenset(w.split()[0] for w in navigation))


def _key(beginning: str) -> str:
    """As many characters of a beginning as are looked up: four of a word, two of a sign or of Chinese, or one."""
    return beginning[:4] if beginning[:4].isascii() and len(beginning) >= 4 else beginning[:2]


def _boilerplate(text: str) -> list[Span]:
    lines = text.split("\n")
    stripped = [line.strip(BLANKS) if len(line) <= LONGEST_BOILERPLATE else "" for line in lines]
    different = set(stripped)
    known = _boilerplate_lines()
    starts = known.beginnings
    possible = [line for line in different if line[:4] in starts or line[:2] in starts or line[:1] in starts]
    found = {line for line in possible if _begins_as_boilerplate(line)}
    for word, pattern in known.words.items():
        if word in text or word.upper() in text or word.title() in text:
            found.update(line for line in different if word in (lower := line.lower()) and pattern.fullmatch(lower))
    wanted = {number for number, line in enumerate(stripped) if line in found} if found else set[int]()
    if sum(map(str.isdecimal, different)) >= N_PAGES:
        wanted |= _page_numbers(lines, stripped)
    return _spans_of_lines(lines, wanted)


def _begins_as_boilerplate(line: str) -> bool:
    known = _boilerplate_lines()
    line = line.lower()
    for start in (line[:4], line[:2], line[:1]):
        if start in known.beginnings and known.beginnings[start].fullmatch(line):
            return True
    if line.split(None, 1)[0] not in known.first_words:
        return False
    words = NAVIGATION_GAP.split(line)
    if len(words) == 1:
        words = line.split()
    least = N_NAVIGATION if line.isascii() else N_NAVIGATION - 1
    return len(words) >= least and known.navigation.issuperset(words)


def _spans_of_lines(lines: list[str], wanted: set[int]) -> list[Span]:
    if not wanted:
        return []
    spans: list[Span] = []
    start = 0
    for number, line in enumerate(lines):
        end = start + len(line) + (number + 1 < len(lines))
        if number in wanted and start < end:
            spans.append((start, end))
        start = end
    return spans


def _page_numbers(lines: list[str], stripped: list[str]) -> set[int]:
    """The lines that are page numbers alone."""
    numbered = [number for number, line in enumerate(stripped) if line.isdecimal() and PAGE_NUMBER.fullmatch(line)]
    if len(numbered) < N_PAGES:
        return set()
    runs: list[list[int]] = []
    for number in numbered:
        if runs and int(stripped[number]) == int(stripped[runs[-1][-1]]) + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    heads = {number for numbers in _repeated(lines) for number in numbers}
    pages = set[int]()
    for run in runs:
        if len(run) >= N_PAGES and 2 * sum(_interrupts(lines, number, heads) for number in run) >= len(run):
            pages.update(run)
    return pages


# -- repeated lines ----------------------------------------------------------------------------------------------------

N_REPEATED = 4
"""A head stands on so many pages or more."""
INTERRUPTING_SHARE = 1 / 3
"""So many of its places are inside a sentence: pages seldom end where a sentence does, stanzas and speeches do."""
N_JUDGED = 500
"""Places of a line that are looked at, spread evenly: a log repeats a line a million times."""
LONG_LINE, LONG_HAN_LINE = 40, 20
"""Characters from which a line is prose rather than verse, in Latin letters and in Han characters."""
LARGEST_REPEATED_SHARE = 1 / 3
"""Heads are a small part of a book: where they would be more of the text, nothing is removed."""
NEAR = 3
"""Lines of page furniture that may stand together: head, page number, running title."""

EDGES = BLANKS + "0123456789|-–—·•[]"
SENTENCE_END = frozenset("。！？…；：.!?;:\"'”’」』）)】—")


def _repeated_lines(text: str) -> list[Span]:
    lines = text.split("\n")
    if len(lines) <= N_REPEATED:
        return []
    repeated = _repeated(lines)
    furniture = {number for numbers in repeated for number in numbers}
    wanted = set[int]()
    for numbers in repeated:
        judged = numbers[:: 1 + len(numbers) // N_JUDGED]
        n_interrupting = sum(_interrupts(lines, number, furniture) for number in judged)
        if n_interrupting >= 2 and n_interrupting >= INTERRUPTING_SHARE * len(judged):
            wanted.update(numbers[1:])
    spans = _spans_of_lines(lines, wanted)
    return spans if sum(end - start for start, end in spans) <= LARGEST_REPEATED_SHARE * len(text) else []


def _repeated(lines: list[str]) -> list[list[int]]:
    """The places of each line that could be a head, a page number at its edge left out."""
    keys = [line.strip(EDGES) if len(line) <= LONGEST_BOILERPLATE else "" for line in lines]
    counts = Counter(keys)
    counts.pop("", None)
    # What ends in a colon leads on to what follows: a speaker, "a poem says:".
    places: dict[str, list[int]] = {key: [] for key, n in counts.items() if n >= N_REPEATED and key[-1] not in ":："}
    if places:
        for number, key in enumerate(keys):
            if key in places:
                places[key].append(number)
    return list(places.values())


def _interrupts(lines: list[str], number: int, furniture: set[int]) -> bool:
    """Whether the line stands in the middle of a sentence of prose, its neighbours in furniture left out."""
    before, after = _text_line(lines, number, -1, furniture), _text_line(lines, number, 1, furniture)
    if not before or not after or before[-1] in SENTENCE_END:
        return False
    if HAN_CHARACTER.match(before[-1]) or HAN_CHARACTER.match(after[0]):
        return len(before) >= LONG_HAN_LINE and after[0].isalnum()
    return len(before) >= LONG_LINE and after[0].islower()


def _text_line(lines: list[str], number: int, step: int, furniture: set[int]) -> str:
    """The next line of text in a direction; "" where only furniture follows."""
    n_passed = 0
    number += step
    while 0 <= number < len(lines) and n_passed <= NEAR:
        line = lines[number].strip(BLANKS)
        if line and number not in furniture and not PAGE_NUMBER.fullmatch(line):
            return line
        n_passed += bool(line)
        number += step
    return ""


# -- near-empty --------------------------------------------------------------------------------------------------------

SAYS_SOMETHING = re.compile("[^\\W_]|[\u2600-\u27bf\U0001f000-\U0001faff]")
CHARACTERS_A_LETTER = 100
"""A document needs a letter, digit or pictograph of any script, and one for so many characters."""


def _near_empty(text: str) -> list[Span]:
    needed = 1 + len(text) // CHARACTERS_A_LETTER
    for n_found, _ in enumerate(SAYS_SOMETHING.finditer(text), start=1):
        if n_found == needed:
            return []
    return [(0, len(text))] if text else []


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        # Mojibake before control: the C1 controls in it are half of the evidence.
        Rule(MOJIBAKE, "lines whose characters come from reading them in the wrong encoding", _mojibake),
        Rule(CONTROL, "control characters that no text needs, byte-order marks, noncharacters", _controls),
        Rule(BOILERPLATE, "whole lines of navigation, notices, cookie banners, page numbers", _boilerplate),
        Rule(REPEATED_LINES, "running heads that interrupt sentences; the first of each stays", _repeated_lines),
        Rule(NEAR_EMPTY, "documents without letters, digits or pictographs", _near_empty),
    )
}
