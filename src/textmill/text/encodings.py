"""A file's bytes -> the encoding that they are in, with three lines to judge it by. Room: text/ (bytes -> documents).

Used by the first pass over every file. In this order: a byte-order mark; strict UTF-8; and else the candidates are
weighed by the frequency of the characters that they would give. The weight of a reading is its cost in bits, and all
candidates pay for the same bytes, so the costs compare as they stand: the cheapest reading is the likeliest one, and a
sample that costs 8 bits a byte or more whichever way it is read is no better explained than noise: a binary file.

A character costs what it would under a small hand-written model of five kinds of text (Latin letters, simplified
Chinese, traditional Chinese, Japanese, other scripts), and each stretch of the sample is charged by its cheapest kind:
    its rarity      by lists of frequent characters, then by the levels of the national standards, which put the common
                    characters first (GB 2312 rows 16-55, Big5 A440-C67E, JIS X 0208 rows 16-47);
    its neighbour   an accented letter stands beside plain ones, a Han character beside another, and neither inside an
                    English word: what tells "é" in CP1252 from half a Han character.
All numbers are base-2 logarithms, set by hand and adjusted on mistakes seen in English encyclopedia and film-review
text.

A verdict rests on a sample (the start, and stretches around bytes that are not ASCII from all over the file), except
that UTF-8 is checked byte by byte: whoever decodes the file can still meet a sequence that its encoding does not have.
"""

from __future__ import annotations

import codecs
import contextlib
import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Literal

from textmill.errors import ConfigError, did_you_mean
from textmill.messages import message

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["latin", "simplified", "traditional", "japanese", "other"]
KINDS: tuple[Kind, ...] = ("latin", "simplified", "traditional", "japanese", "other")

# -- names -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Codec:
    """How Python spells an encoding, and what files in it are like."""

    python: str
    mark: bytes = b""
    """What a file may start with."""
    unit: int = 1
    """Bytes of the smallest character."""
    kinds: tuple[Kind, ...] = KINDS
    """The kinds of text that it is written for."""


CODECS = {
    "utf-8": Codec("utf-8"),
    "utf-8-sig": Codec("utf-8", codecs.BOM_UTF8),
    "utf-16-le": Codec("utf-16-le", codecs.BOM_UTF16_LE, 2),
    "utf-16-be": Codec("utf-16-be", codecs.BOM_UTF16_BE, 2),
    "utf-32-le": Codec("utf-32-le", codecs.BOM_UTF32_LE, 4),
    "utf-32-be": Codec("utf-32-be", codecs.BOM_UTF32_BE, 4),
    # A superset of GBK and GB 2312, so one name serves all three. It has the kana where EUC-JP has them: weighed as
    # Japanese, every EUC-JP file would be read with wrong Han characters.
    "gb18030": Codec("gb18030", b"\x84\x31\x95\x33", kinds=("latin", "simplified", "traditional")),
    # Real files come from Windows. cp950 has the euro and seven letters that big5 lacks (裏 and 恒 among them), and
    # reads the name dot A145 as ‧ and A1E3 as ～, as browsers do. big5hkscs changes these back, has no euro, gives
    # other letters in C6A1-C8D3 and two characters for one sequence in four places: right for Hong Kong, by hand only.
    "big5": Codec("cp950", kinds=("latin", "traditional")),
    "big5-hkscs": Codec("big5hkscs"),
    # cp932 is shift_jis with the circled numbers and company signs of Windows, which Japanese files hold.
    "shift_jis": Codec("cp932", kinds=("latin", "japanese")),
    # Weighed so that Japanese and Korean files are not taken for rare Chinese, which their bytes also are.
    "euc-jp": Codec("euc_jp", kinds=("japanese",)),
    "euc-kr": Codec("cp949", kinds=("other",)),
    "cp1252": Codec("cp1252", kinds=("latin",)),
}
ENCODINGS = tuple(CODECS)
"""The names that are shown, and that --encoding takes."""

CANDIDATES = tuple(name for name in ENCODINGS if name not in ("utf-8-sig", "big5-hkscs"))
"""What is weighed; big5-hkscs reads nearly all of Big5 alike, so weighing it would only make ties."""

_EASTERN = {"gb18030", "big5", "shift_jis", "euc-jp", "euc-kr"}

_SYNONYMS = {
    "ascii": "utf-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "cp950": "big5",
    "big5hkscs": "big5-hkscs",
    "cp932": "shift_jis",
    "euc_jp": "euc-jp",
    "euc_kr": "euc-kr",
    "cp949": "euc-kr",
    "iso8859-1": "cp1252",
}
_EITHER_ORDER = ("utf-16", "utf-32")


def named(name: str) -> str:
    """The name in ENCODINGS (or utf-16, utf-32: either order) that a person means by `name`.

    Raises ConfigError for a name that is none. ISO 8859-1 is read as CP1252, its superset in all but control codes.

    >>> named("GBK"), named("windows-1252"), named("UTF8"), named("utf16")
    ('gb18030', 'cp1252', 'utf-8', 'utf-16')
    """
    word = name.strip().lower()
    if word in CODECS:
        return word
    with contextlib.suppress(LookupError, ValueError):
        word = codecs.lookup(word).name
    word = _SYNONYMS.get(word, word)
    if word in CODECS or word in _EITHER_ORDER:
        return word
    known = (*ENCODINGS, *_EITHER_ORDER, *_SYNONYMS)
    near = did_you_mean(name.lower(), known)
    choice = f"there are {' '.join(ENCODINGS)}; and gbk, utf-16 and other names of these"
    raise ConfigError(f"no encoding '{name}'", where="data.encoding", hint=f"{near} ({choice})" if near else choice)


# -- what is found -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """One way to read the bytes."""

    encoding: str
    score: float
    """Mean log2-probability of a byte of the sample, below 0: nearer to 0 is likelier; -8 is noise."""
    lines: list[str]
    """The first three lines with a character that is not ASCII (else the first three), at most 60 characters each."""


@dataclass(frozen=True)
class Finding:
    """The encoding of a file, and how sure that is."""

    encoding: str
    mark: int
    """Bytes of the byte-order mark at the start; 0: none."""
    how: Literal["utf-8", "mark", "frequency", "given"]
    lines: list[str]
    """As in Reading; what cannot be decoded or printed stands as an escape."""
    near_ties: list[Reading] = field(default_factory=list)
    """Other readings nearly as likely, the likeliest first."""
    n_bad: int = 0
    """Undecodable stretches in a file taken as UTF-8."""
    is_binary: bool = False
    """No encoding makes it a text; `encoding` is then the least unlikely one."""
    reason: str = ""
    """Why it is no text, with a byte position."""


# -- the model ---------------------------------------------------------------------------------------------------------

# Written down from general knowledge of the languages, most frequent first; the traditional list is the simplified one
# with these pairs exchanged.
_FREQUENT_SIMPLIFIED = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种"
    "事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第"
    "公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合"
    "回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总"
    "何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听"
    "白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带"
    "导争运花风云吃店房间服务早晚酒价钱买您吧呢吗啊曰兵不军城夫臣"
)
_PAIRS = (
    "这這个個们們来來为為国國说說时時会會对對于於着著过過发發后後里裡种種经經么麼学學现現当當没沒动動还還进進样樣"
    "开開从從实實军軍无無与與长長机機关關点點业業将將两兩间間问問并並应應战戰头頭体體见見产產话話给給门門儿兒东東"
    "声聲员員论論处處义義几幾认認条條系係气氣题題尔爾别別变變总總电電数數报報结結务務场場计計资資许許统統区區队隊"
    "决決马馬书書则則听聽达達强強难難权權设設记記类類据據边邊张張该該规規万萬觉覺术術领領传傳师師观觀让讓识識带帶"
    "导導争爭运運风風云雲价價钱錢买買吗嗎"
)
_FREQUENT_JAPANESE = "日本人大年国一会中出者時事行上分生見気私思言今学前後方何手自間話家子名月長地場体入来同"
_HIRAGANA = "のにはをたがでてとしれさいるなもかっりすらこうまくあんきどよ"
_CHINESE_MARKS = {"，。": 4.5, "、：；！？“”（）《》…—": 6.5, "「」『』‘’·【】〈〉　─﹑‧〔〕～．％￡￥￠＄": 8.5}
_JAPANESE_MARKS = {"、。": 4.5, "「」ー（）・": 6.0, "『』！？…々～　：【】": 8.5}
_LATIN = {
    "éèàüäöß": 4.0,
    "êçñáíóúôâîëïûåøæœ": 5.5,
    "ãõìòùýšž": 8.0,
    "ðþÿ": 14.0,
    "ÉÄÖÜÀÇÑÅØ": 6.5,
    "´": 6.5,
    "¨ªº±²³¹¼¾×÷¶": 8.5,
    "’“”–—‘…": 4.0,
    "€£§°©®«»½\u00a0·™•„¿¡": 7.0,
}
_ASCII = {" ": 2.5, "\n": 6.0, "\r\t": 7.0, ",.": 6.5, "0123456789": 8.5}
_LETTERS = "etaoinshrdlcumwfgypbvkjxqz"

_UNDECODABLE, _UNDECODABLE_UTF8, _CONTROL = 24.0, 12.0, 12.0
"""Bits a byte. A damaged UTF-8 file is likelier than a damaged file in anything else."""
_CUT = 3.0
"""Bits of a UTF-8 character of which the file's end has left two bytes or three: the commonest damage."""
_NOISE = 8.0
"""Bits a byte that tell nothing: eight."""
_TIE_BITS, _TIE_SHARE = 4.0, 0.3
"""A reading is a near tie if it costs at most so much more: bits in all, or bits for each byte that is not ASCII."""
_EASTERN_TIE_BITS, _EASTERN_TIE_SHARE, _EASTERN_TIE_MOST = 20.0, 0.5, 3.3
"""The same between two eastern encodings, and the most for each byte that is not ASCII: an English text with one odd
sign, or the same one three times, hardly says which of them it is in; Chinese and Japanese say it by 1.4 bits a byte.
"""
_FAR_BITS, _FAR_SHARE = 64.0, 0.5
"""A reading is hopeless if a small part of the sample costs so much more: bits in all, and bits for each such byte."""

_FREQUENT_HANGUL = (
    "이다는을가에의고하지은도를로사한어서기나자그있리인아시해니들게만대일스라보전정원수여부구과주제장상오소생경면까으성비"
    "안무유적우동미신공국조요마모와회것말없때중계진연방화래거운문물실식간치트습"
)

_BOTH = "“”‘’´¨…—–·°×÷±§"
"""Signs that Latin and Chinese texts have alike, or that stand where an apostrophe does."""

# The cost of a step from a character of one group (rows) to one of another (columns):
# a A lower and upper case in ASCII, . the rest of ASCII, w W the same with accents, s signs, q signs of both worlds,
# c Chinese and Japanese, o other scripts, x what no text has.
_LATIN_STEPS = """
    a    A    .    w    W    s    q    c    o    x
a   0.1  0.1  0.1  5.5  14   8    6.5  18   18   4
A   0.1  0.1  0.1  8    8    8    7    18   18   4
.   0.1  0.1  0.1  8    8    6.5  6    18   6    4
w   0.2  7    2.5  7.5  14   10   6.5  18   18   4
W   0.5  2    4    10   7    12   7    18   18   4
s   4    2    0.7  9    8    7    6    18   12   4
q   1.5  2    0.9  9    8    7    6    18   12   4
c   9    9    4    12   12   8    6    2    12   4
o   12   12   1    12   12   10   6    12   4    4
x   2    2    2    4    4    4    4    4    4    2
"""
_EASTERN_STEPS = """
    a    A    .    w    W    s    q    c    o    x
a   0.1  0.1  0.1  10   16   12   7    7    10   4
A   0.1  0.1  0.1  10   12   12   7    6    10   4
.   0.1  0.1  0.1  12   12   10   4    1.5  10   4
w   0.5  8    3    8    14   12   8    8    10   4
W   1    3    5    12   8    12   8    8    10   4
s   4    4    2    12   12   6    4    2    8    4
q   6    6    3    12   12   8    0.4  0.4  8    4
c   8    7    3    14   14   10   0.4  0.4  10   4
o   12   12   4    12   12   8    4    4    2    4
x   2    2    2    4    4    4    4    4    4    2
"""
_OTHER_STEPS = """
    a    A    .    w    W    s    q    c    o    x
a   0.1  0.1  0.1  10   16   12   7    14   8    4
A   0.1  0.1  0.1  10   12   12   7    14   8    4
.   0.1  0.1  0.1  12   12   10   6    10   3    4
w   0.5  8    3    8    14   12   8    14   10   4
W   1    3    5    12   8    12   8    14   10   4
s   4    4    2    12   12   6    4    10   4    4
q   6    6    2    12   12   8    6    10   2    4
c   14   14   4    14   14   10   8    6    8    4
o   10   10   2    14   14   12   6    8    0.4  4
x   2    2    2    4    4    4    4    4    4    2
"""
_STEPS: dict[str, str] = {"latin": _LATIN_STEPS, "other": _OTHER_STEPS}


def _steps(kind: str) -> dict[str, float]:
    """Two groups as one string -> the bits of the step."""
    head, *rows = _STEPS.get(kind, _EASTERN_STEPS).strip().splitlines()
    columns = head.split()
    return {
        row.split()[0] + column: float(bits)
        for row in rows
        for column, bits in zip(columns, row.split()[1:], strict=True)
    }


def _spread(tiers: dict[str, float]) -> dict[str, float]:
    return {character: bits for characters, bits in tiers.items() for character in characters}


def _ranked(characters: str) -> dict[str, float]:
    """The most frequent Han characters, cheaper the further in front: about half of running text."""
    return {character: 6.5 if rank < 20 else 8.0 if rank < 100 else 9.2 for rank, character in enumerate(characters)}


def _level(codec: str, first: int, last: int, bits: float) -> dict[str, float]:
    """The characters of a two-byte standard from code `first` to `last`."""
    pairs = (bytes((code >> 8, code & 255)) for code in range(first, last + 1) if code & 255 >= 0x40)
    return {character: bits for pair in pairs for character in pair.decode(codec, "ignore") if ord(character) > 127}


def _group(code: int) -> str:
    """The row and column of a character in the tables of steps."""
    character = chr(code)
    category = unicodedata.category(character)
    if character == "\ufffd" or (category[0] == "C" and character not in "\t\n\r"):
        return "x"
    if code < 128:
        return "a" if character.islower() else "A" if character.isupper() else "."
    if character in _BOTH:
        return "q"
    if code < 0x250 and category[0] == "L":
        return "W" if character.isupper() else "w"
    if 0x370 <= code < 0x2000 or 0xAC00 <= code < 0xD7B0:
        return "o"
    return "c" if 0x2E80 <= code < 0xFFEF or code >= 0x20000 else "s"


_REST = {"a": 9.5, "A": 9.5, ".": 9.5, "w": 9.0, "W": 9.0, "s": 10.0, "q": 10.0, "c": 22.0, "o": 12.0, "x": 0.0}
"""What a character costs that no list holds, by its group."""


def _listed(kind: str) -> dict[str, float]:
    """Character -> bits in one kind of text."""
    costs: dict[str, float] = {}
    if kind == "simplified":
        costs |= _level("big5", 0xA440, 0xC67E, 19.5)
        costs |= _level("gb2312", 0xD8A1, 0xF7FE, 19.0) | _level("gb2312", 0xB0A1, 0xD7FE, 13.0)
        costs |= _spread(_CHINESE_MARKS) | _ranked(_FREQUENT_SIMPLIFIED)
    elif kind == "traditional":
        costs |= _level("big5", 0xC940, 0xF9D5, 19.0) | _level("big5", 0xA440, 0xC67E, 13.0)
        exchange = str.maketrans(_PAIRS[::2], _PAIRS[1::2])
        costs |= _spread(_CHINESE_MARKS) | _ranked(_FREQUENT_SIMPLIFIED.translate(exchange))
    elif kind == "japanese":
        costs |= _level("euc_jp", 0xD0A1, 0xF4FE, 19.0) | _level("euc_jp", 0xB0A1, 0xCFFE, 13.0)
        costs |= _level("euc_jp", 0xA5A1, 0xA5FE, 8.0) | _level("euc_jp", 0xA4A1, 0xA4FE, 8.0)
        costs |= dict.fromkeys(_HIRAGANA, 5.0) | dict.fromkeys(_FREQUENT_JAPANESE, 9.0) | _spread(_JAPANESE_MARKS)
    elif kind == "other":
        costs |= {chr(code): 15.0 for code in range(0xAC00, 0xD7A4)} | dict.fromkeys(_FREQUENT_HANGUL, 7.5)
        costs |= {chr(code): 7.0 for code in range(0x370, 0x600)} | _spread(_CHINESE_MARKS)
    if kind != "japanese":
        costs |= _level("euc_jp", 0xA4A1, 0xA5FE, 18.0)
    if kind == "latin":
        costs |= {chr(code): 8.0 for code in range(0x391, 0x3CA)} | _spread(_LATIN)
    else:
        costs |= {chr(0xFF01 + place): 12.0 for place in range(94) if chr(0xFF01 + place) not in costs}
    costs |= _spread(_ASCII) | {letter: 3.2 + 0.25 * rank for rank, letter in enumerate(_LETTERS)}
    return costs


class _Model:
    """The costs as arrays, looked up for whole texts at once; a character's row is filled when it turns up."""

    def __init__(self) -> None:
        import numpy as np

        self.listed = [_listed(kind) for kind in KINDS]
        self.letters = {letter: 1 + place for place, letter in enumerate(_REST)}
        n_columns, n_groups = len(KINDS) + 3, 1 + len(_REST)
        # A row for each code point: of these 37 MB the system sets aside no more than is touched.
        # Seven columns are used: rows of eight numbers are fetched faster.
        self.groups = np.zeros(0x110000, np.uint8)
        self.costs = np.zeros((0x110000, n_columns), np.float32)
        self.steps = np.zeros((n_groups * n_groups, n_columns), np.float32)
        for column, kind in enumerate(KINDS):
            for pair, bits in _steps(kind).items():
                self.steps[self.letters[pair[0]] * n_groups + self.letters[pair[1]], column] = bits

    def weighed(self, texts: list[str]) -> NDArray[np.float64]:
        """(texts, 8): bits as each of KINDS, how many undecodable and control characters, and nothing."""
        import numpy as np

        points = np.frombuffer("".join("." + text for text in texts).encode("utf-32-le"), np.uint32).astype(np.intp)
        starts = np.cumsum([0, *(1 + len(text) for text in texts[:-1])])
        groups = self.groups[points]
        if not groups.all():
            self._learn(np.unique(points[groups == 0]))
            groups = self.groups[points]
        bits = self.costs.take(points, 0)
        bits[1:] += self.steps.take(groups[:-1].astype(np.intp) * (1 + len(_REST)) + groups[1:], 0)
        bits[starts] = 0
        return np.add.reduceat(bits, starts, 0, np.float64)

    def _learn(self, points: NDArray[np.intp]) -> None:
        characters = [chr(point) for point in points.tolist()]
        groups = [_group(ord(character)) for character in characters]
        rest = [_REST[group] for group in groups]
        for column, listed in enumerate(self.listed):
            self.costs[points, column] = list(map(listed.get, characters, rest))
        is_control = [character < " " and character not in "\t\n\r" for character in characters]
        n_kinds = len(KINDS)
        self.costs[points, n_kinds] = [
            group == "x" and not control for group, control in zip(groups, is_control, strict=True)
        ]
        self.costs[points, n_kinds + 1] = is_control
        self.groups[points] = [self.letters[group] for group in groups]


_model = cache(_Model)


# -- the sample --------------------------------------------------------------------------------------------------------

BLOCK = 1 << 17
SECTION, STRETCH, RUN_UP = BLOCK // 16, 512, 64
MOST_STRETCHES = 32
FIRST_LOOK, FIRST_LINES = 1024, 2048
"""Bytes of the head by which the hopeless candidates are dropped, with a few stretches from further on; bytes in which
lines to show are looked for before all the rest is decoded."""

_MAGIC = {
    b"\x89PNG": message("a PNG picture"),
    b"\xff\xd8\xff": message("a JPEG picture"),
    b"GIF8": message("a GIF picture"),
    b"%PDF-": message("a PDF document"),
    b"PK\x03\x04": message("a zip archive"),
    b"\x7fELF": message("a program"),
    b"MZ": message("a program"),
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf": message("a 7z archive"),
    b"Rar!": message("a rar archive"),
    b"\xd0\xcf\x11\xe0": message("an old Office document"),
    b"PAR1": "parquet",
    b"SQLite format 3": message("a database"),
    b"RIFF": message("sound or a picture"),
    b"ID3": message("sound"),
}


@dataclass(frozen=True)
class _Stretch:
    """Bytes of the file from `start` on, a multiple of four; `is_end`: the file ends with them."""

    start: int
    raw: bytes
    is_end: bool = False

    def decoded(self, codec: Codec, errors: str = "replace", loosely: bool = False) -> tuple[str, int]:
        """The characters that surely begin and end here, and the bytes they took.

        No encoding has a byte below 0x30 inside a character, so reading may begin behind one; UTF-16 and UTF-32 begin
        at a multiple of four. `loosely`: in UTF-8 it begins with the first whole character, maybe inside a line.
        """
        raw = self.raw
        if self.start and loosely and codec.python == "utf-8":
            raw = raw.lstrip(bytes(range(0x80, 0xC0)))
        elif self.start and codec.unit == 1:
            safe = re.search(rb"[\x00-\x2f]", raw)
            raw = raw[safe.end() :] if safe else b""
        decoder = codecs.getincrementaldecoder(codec.python)(errors)
        text = decoder.decode(raw, self.is_end)
        return text, len(raw) - len(decoder.getstate()[0])


def _n_telling(sample: list[_Stretch]) -> int:
    """Bytes that are not ASCII, or NUL."""
    return sum(len(stretch.raw.translate(None, bytes(range(1, 128)))) for stretch in sample)


def _first_high(raw: bytes) -> int:
    """The place of the first byte above 0x7F, or -1. A failed decoding finds it several times sooner than re."""
    try:
        raw.decode("ascii")
    except UnicodeDecodeError as error:
        return error.start
    return -1


# -- detecting ---------------------------------------------------------------------------------------------------------


class Detector:
    """Fed a file's bytes in pieces of any size, it says which encoding they are in.

    Keeps at most the first BLOCK of the file and MOST_STRETCHES stretches; the finding does not depend on where the
    pieces are cut. `given`: the encoding decided by hand, as the person wrote it (see `named`).
    """

    def __init__(self, given: str | None = None):
        self.given = None if given is None else named(given)
        self.n_bytes = 0
        self._buffer = b""
        self._head = self._last = b""
        self._stretches: dict[int, _Stretch] = {}
        self._stride = 1
        self._for_lines: list[_Stretch] = []
        self._n_nul, self._first_nul = 0, -1
        self._utf8 = _Utf8()
        self._finding: Finding | None = None

    def feed(self, piece: bytes) -> None:
        """The next bytes of the file. Not after `finding`."""
        if self._finding is not None:
            raise ValueError("the finding is given already")
        if self._buffer:
            piece = self._buffer + piece
        whole = len(piece) - len(piece) % BLOCK
        for start in range(0, whole, BLOCK):
            self._take(piece[start : start + BLOCK])
        self._buffer = piece[whole:]

    def finding(self) -> Finding:
        """What the file is in, once all of it was fed. The same answer each time."""
        if self._finding is None:
            if self._buffer:
                self._take(self._buffer)
            if self._utf8.carry:
                start = max(self.n_bytes - len(self._last), (self.n_bytes - STRETCH) // 4 * 4)
                if self.n_bytes > SECTION:
                    tail = _Stretch(start, self._last[start - self.n_bytes :], is_end=True)
                    self._stretches.setdefault(start // SECTION, tail)
                self._utf8.end()
            self._finding = self._found()
        return self._finding

    def _take(self, block: bytes) -> None:
        start = self.n_bytes
        self.n_bytes += len(block)
        self._last = block
        if start == 0:
            self._head = block
        if 0 in block:
            if self._first_nul < 0:
                self._first_nul = start + block.index(0)
            self._n_nul += block.count(0)
        if self.given is not None and not self.given.startswith("utf-8"):
            return
        if not self._utf8.carry and block.isascii():
            self._utf8.n_bytes += len(block)
            self._utf8.ended_badly = False
        elif self._utf8.holds_for(block):
            if start and len(self._for_lines) < 3:
                self._for_lines.append(_around(block, max(0, _first_high(block)), start, len(block) < BLOCK))
        else:
            self._sample(block, start)

    def _sample(self, block: bytes, start: int) -> None:
        """A stretch from each section of a block that is not UTF-8; of a long file, from every second, fourth..."""
        for offset in range(0, len(block), SECTION):
            place = (start + offset) // SECTION
            if place == 0 or place % self._stride:
                continue
            bad = _first_bad(block[offset : offset + SECTION])
            if bad >= 0:
                self._stretches[place] = _around(block, offset + bad, start, len(block) < BLOCK)
        while len(self._stretches) > MOST_STRETCHES:
            self._stride *= 2
            self._stretches = {place: s for place, s in self._stretches.items() if place % self._stride == 0}

    # -- deciding --

    def _found(self) -> Finding:
        marked = next((name for name in _MARKED if self._head.startswith(CODECS[name].mark)), None)
        if self.given is not None:
            return self._as_given(self.given)
        utf8 = self._utf8
        # What is not UTF-16 or UTF-32 after its mark only looks as if it had one: FF FE are two letters in CP1252.
        if marked and (utf8.is_possible if marked == "utf-8-sig" else self._scores([marked])[marked][0] > -_NOISE):
            return self._reading_of(marked, "mark")
        few_nuls = self._n_nul * 10 < self.n_bytes or self.n_bytes == 0
        if few_nuls and utf8.is_possible and utf8.n_good >= 8 * utf8.n_bad_bytes:
            return self._reading_of("utf-8", "utf-8")
        kind = next((kind for magic, kind in _MAGIC.items() if self._head.startswith(magic)), None)
        if kind:
            reason = message("byte 0: it starts like %(kind)s", kind=kind)
            return Finding("utf-8", 0, "utf-8", [], is_binary=True, reason=reason)
        return self._weighed(few_nuls)

    def _as_given(self, given: str) -> Finding:
        if given in _EITHER_ORDER:
            orders = [f"{given}-le", f"{given}-be"]
            scores = self._scores(orders)
            given = next((name for name in orders if self._head.startswith(CODECS[name].mark)), "") or max(
                orders, key=lambda name: scores[name][0]
            )
        if given.startswith("utf-8"):
            given = "utf-8-sig" if self._head.startswith(codecs.BOM_UTF8) else "utf-8"
        return self._reading_of(given, "given")

    def _weighed(self, few_nuls: bool) -> Finding:
        names = [name for name in CANDIDATES if name != "utf-8" or self._utf8.is_possible]
        scored = sorted(self._scores(self._still_likely(names)).items(), key=lambda entry: -entry[1][0])
        encoding, (best, n_bytes) = scored[0]
        if best <= -_NOISE:
            where, what = self._utf8.first_bad, message("this byte and others are not UTF-8")
            if self._n_nul and (where < 0 or not few_nuls):
                where, what = self._first_nul, message("this and other bytes are NUL")
            reason = message(
                "byte %(place)s: %(what)s, and no encoding that is read makes it a text", place=where, what=what
            )
            return Finding(encoding, 0, "frequency", [], is_binary=True, reason=reason)
        telling = _n_telling(self._all())
        close = max(_TIE_BITS, _TIE_SHARE * telling)
        eastern = min(_EASTERN_TIE_MOST * telling, max(_EASTERN_TIE_BITS, _EASTERN_TIE_SHARE * telling))
        ties = [
            Reading(name, score, self._lines(name))
            for name, (score, _) in scored[1:]
            if score > -_NOISE
            and (best - score) * n_bytes <= (eastern if {encoding, name} <= _EASTERN else close) + 1e-6
        ]
        return self._reading_of(encoding, "utf-8" if encoding == "utf-8" else "frequency", ties)

    def _reading_of(
        self, encoding: str, how: Literal["utf-8", "mark", "frequency", "given"], ties: list[Reading] | None = None
    ) -> Finding:
        mark = CODECS[encoding].mark
        n_mark = len(mark) if self._head.startswith(mark) else 0
        n_bad = self._utf8.n_bad if encoding.startswith("utf-8") else 0
        return Finding(encoding, n_mark, how, self._lines(encoding), ties or [], n_bad)

    def _all(self) -> list[_Stretch]:
        head = self._head[:SECTION]
        return [_Stretch(0, head, len(head) == self.n_bytes), *(s for _, s in sorted(self._stretches.items()))]

    def _still_likely(self, names: list[str]) -> list[str]:
        """The candidates that a small part of the sample does not rule out."""
        head, *later = self._all()
        if len(head.raw) + STRETCH * len(later) <= FIRST_LOOK:
            return names
        telling = re.search(rb"[\x00\x80-\xff]", head.raw)
        start = max(0, telling.start() - RUN_UP) // 4 * 4 if telling else 0
        part = [_Stretch(start, head.raw[start : start + FIRST_LOOK]), *later[:: 1 + len(later) // 4]]
        scores = self._scores(names, part)
        best = max(score for score, _ in scores.values())
        far = _FAR_BITS + _FAR_SHARE * _n_telling(part)
        return [name for name, (score, n_bytes) in scores.items() if (best - score) * n_bytes <= far]

    def _scores(self, names: list[str], sample: list[_Stretch] | None = None) -> dict[str, tuple[float, int]]:
        """Encoding -> mean log2-probability of a byte of the sample in it, and the bytes that could be weighed."""
        sample = sample or self._all()
        read = [stretch.decoded(CODECS[name]) for name in names for stretch in sample]
        weighed = _model().weighed([text.removeprefix("\ufeff") for text, _ in read])
        scores = {}
        for place, name in enumerate(names):
            codec, own = CODECS[name], slice(place * len(sample), (place + 1) * len(sample))
            columns = [KINDS.index(kind) for kind in codec.kinds]
            likeliest = weighed[own, columns].min(1).sum()
            n_unfit, n_controls = weighed[own, len(KINDS) : len(KINDS) + 2].sum(0)
            undecodable = _UNDECODABLE_UTF8 if codec.python == "utf-8" else _UNDECODABLE
            bits = likeliest + (n_unfit * undecodable + n_controls * _CONTROL) * codec.unit
            if codec.python == "utf-8" and self._utf8.is_cut and any(stretch.is_end for stretch in sample):
                bits -= _UNDECODABLE_UTF8 - _CUT
            n_bytes = sum(n_read for _, n_read in read[own])
            # All costs are multiples of 0.05: without the rest of the single precision, equal sums are equal.
            scores[name] = -round(float(bits), 2) / max(1, n_bytes), n_bytes
        return scores

    def _lines(self, encoding: str) -> list[str]:
        codec = CODECS[encoding]
        # Mostly the first lines tell, and the rest need not be decoded; the last line may be cut here.
        start = _Stretch(0, self._head[:FIRST_LINES]).decoded(codec, "backslashreplace")[0].removeprefix("\ufeff")
        telling, plain = _telling(re.split(r"[\r\n]+", start)[:-1])
        if len(telling) == 3:
            return telling
        stretches = [_Stretch(0, self._head, len(self._head) == self.n_bytes)]
        if not (codec.unit == 1 and self._head.isascii() and not self._stretches and not self._for_lines):
            later = [s for s in (*self._stretches.values(), *self._for_lines) if s.start >= len(self._head)]
            stretches += sorted(later, key=lambda s: s.start)
        lines: list[str] = []
        covered = 0
        for stretch in stretches:
            if stretch.start >= covered:
                covered = stretch.start + len(stretch.raw)
                text = stretch.decoded(codec, "backslashreplace", loosely=True)[0].removeprefix("\ufeff")
                lines += re.split(r"[\r\n]+", text)
        telling, plain = _telling(lines)
        return telling or plain


def _telling(lines: list[str]) -> tuple[list[str], list[str]]:
    """The first three lines that are not ASCII, and the first three others, as they are shown."""
    telling: list[str] = []
    plain: list[str] = []
    for line in lines:
        if not line.isascii():
            telling.append(_shown(line))
        elif len(plain) < 3 and line.strip():
            plain.append(_shown(line))
        if len(telling) == 3:
            break
    return telling, plain


_MARKED = ("utf-8-sig", "utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be", "gb18030")
"""In the order to be tried: the mark of UTF-32 starts with that of UTF-16."""


class _Utf8:
    """Whether blocks that follow each other are UTF-8; counts what is and what is not."""

    def __init__(self) -> None:
        self.n_bytes = 0
        self.carry = b""
        """The start of a character at the end of the last block."""
        self.n_good = 0
        """Whole characters beyond ASCII."""
        self.n_bad, self.n_bad_bytes, self.first_bad = 0, 0, -1
        """Undecodable stretches, their bytes, and the place of the first. Counted until it is hopeless."""
        self.ended_badly = False
        self.is_cut = False
        """The file ends inside a character of which it has two bytes or three."""
        self.is_possible = True

    def holds_for(self, block: bytes) -> bool:
        """Count the next block; False if a sequence of it is not UTF-8."""
        if not self.is_possible:
            return block.isascii()
        raw = self.carry + block
        start = self.n_bytes - len(self.carry)
        self.n_bytes += len(block)
        end = _end_of_whole_characters(raw)
        n_good = _count_if_plain(raw[:end])
        if n_good >= 0:
            self.n_good += n_good
            self.carry = raw[end:]
            self.ended_badly = False
            return True
        self.carry = raw[end:]
        is_bad, n_good = _undecodable(raw[:end])
        n_bad_bytes = int(is_bad.sum())
        if n_bad_bytes:
            if self.first_bad < 0:
                self.first_bad = start + int(is_bad.argmax())
            starts_badly = bool(is_bad[0]) and not self.ended_badly
            self.n_bad += int((is_bad[1:] & ~is_bad[:-1]).sum()) + starts_badly
            self.n_bad_bytes += n_bad_bytes
        self.n_good += n_good
        self.ended_badly = bool(is_bad[-1]) if end else self.ended_badly
        # Chinese in GB 18030 has about one accidental UTF-8 character in five bytes that are none.
        if self.n_bad_bytes > 4096 and self.n_good < self.n_bad_bytes:
            self.is_possible, self.carry = False, b""
        return n_bad_bytes == 0

    def end(self) -> None:
        """The file ends inside a character."""
        self.is_cut = len(self.carry) > 1 and codecs.utf_8_decode(self.carry, "replace", False)[1] == 0
        if self.first_bad < 0:
            self.first_bad = self.n_bytes - len(self.carry)
        self.n_bad += not self.ended_badly
        self.n_bad_bytes += len(self.carry)


def _end_of_whole_characters(raw: bytes) -> int:
    for back in range(1, min(4, len(raw) + 1)):
        byte = raw[-back]
        if byte >= 0xC0:
            size = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(raw) - back if size > back else len(raw)
        if byte < 0x80:
            break
    return len(raw)


def _count_if_plain(raw: bytes) -> int:
    """How many characters beyond ASCII UTF-8 bytes hold, or -1 if they are not UTF-8.

    Lead and continuation bytes are matched by whole arrays, several times as fast as decoding; the few leads whose next
    byte is restricted, and characters of four bytes, are left to the codec.
    """
    import numpy as np

    codes = np.frombuffer(b"\x00\x00" + raw, np.uint8)
    leads = codes >= 0xC0
    if codes.max() >= 0xF0 or any(lead in raw for lead in (0xC0, 0xC1, 0xE0, 0xED)):
        is_valid = _first_bad(raw) < 0
    else:
        # As signed numbers the continuation bytes 0x80-0xBF are those below -64.
        follows = codes[2:].view(np.int8) < -64
        is_valid = bool(((leads[1:-1] | (codes[:-2] >= 0xE0)) == follows).all())
    return int(np.count_nonzero(leads)) if is_valid else -1


def _undecodable(raw: bytes) -> tuple[NDArray[np.bool_], int]:
    """Which bytes belong to no UTF-8 character, and how many whole characters beyond ASCII there are."""
    import numpy as np

    codes = np.frombuffer(raw + bytes(3), np.uint8)
    first, second, third, fourth = (codes[shift : shift + len(raw)] for shift in range(4))
    # Leads whose next byte is restricted: nothing longer than need be, no surrogate, nothing above U+10FFFF.
    low = np.select([first == 0xE0, first == 0xF0], [0xA0, 0x90], 0x80)
    high = np.select([first == 0xED, first == 0xF4], [0x9F, 0x8F], 0xBF)
    starts = (first >= 0xC2) & (first <= 0xF4) & (second >= low) & (second <= high)
    starts &= (first < 0xE0) | (third & 0xC0 == 0x80)
    starts &= (first < 0xF0) | (fourth & 0xC0 == 0x80)
    is_bad = (first >= 0x80) & ~starts
    for size, lead in ((1, 0xC0), (2, 0xE0), (3, 0xF0)):
        is_bad[size:] &= ~(starts & (first >= lead))[:-size]
    return is_bad, int(starts.sum())


def _first_bad(raw: bytes) -> int:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return error.start
    return -1


def _around(block: bytes, place: int, start: int, is_last: bool) -> _Stretch:
    """A stretch of the block that lies at `start` in the file, from a little before `place` on."""
    first = max(0, place - RUN_UP) // 4 * 4
    raw = block[first : first + STRETCH]
    return _Stretch(start + first, raw, is_last and first + STRETCH >= len(block))


def _shown(line: str) -> str:
    """At most 60 characters around the first that is not ASCII; what cannot be seen becomes an escape."""
    place = next((place for place, character in enumerate(line) if character > "\x7f"), 0)
    first = place - 20 if place > 40 else 0
    part = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in line[first : first + 60]
    )
    shown = "…" + part if first else part
    return shown if len(shown) <= 60 and first + 60 >= len(line) else shown[:59] + "…"
