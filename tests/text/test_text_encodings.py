"""Which encoding a file's bytes are found to be in: marks, strict UTF-8, and what the characters say.

The texts are our own sentences; the right answer is the codec of Python's that wrote the bytes.
"""

import itertools
import random
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.errors import ConfigError
from textmill.text.encodings import BLOCK, CODECS, ENCODINGS, Detector, Finding, named

ENGLISH = (
    "The café on the corner opens at seven, and nobody minds if you stay until noon. “One more cup,” she said — "
    "it’s only £3, or €4 if the coins are from the other side of the sea. The waiter’s naïve smile, the rain on "
    "the glass, a résumé left beside a plate: small things, but she wrote them all down.\n"
)
SIMPLIFIED = (
    "昨天下午下了一场大雨，院子里的花都被打落了。奶奶坐在门口，一边剥豆子，一边说：“明年还会再开的。”我点点头，"
    "把伞收好，走进屋里写作业。\n晚饭以后，爸爸讲起他小时候在河边捉鱼的事情，我们听得忘了时间。窗外的月亮很亮，"
    "风也停了。他说那条河现在已经没有了，变成了一条宽宽的马路，可是每次经过，他还是会想起水的声音。\n"
)
TRADITIONAL = (
    "昨天下午下了一場大雨，院子裡的花都被打落了。奶奶坐在門口，一邊剝豆子，一邊說：「明年還會再開的。」我點點頭，"
    "把傘收好，走進屋裡寫作業。\n晚飯以後，爸爸講起他小時候在河邊捉魚的事情，我們聽得忘了時間。窗外的月亮很亮，"
    "風也停了。他說那條河現在已經沒有了，變成了一條寬寬的馬路，可是每次經過，他還是會想起水的聲音。\n"
)
JAPANESE = (
    "昨日は朝から雨が降っていたので、家で本を読んで過ごしました。夕方になると空が明るくなり、近くの公園まで散歩に"
    "行きました。\n小さなカフェでコーヒーを飲みながら、友だちに手紙を書いたのです。帰り道、月がとてもきれいでした。\n"
)
KOREAN = (
    "어제는 아침부터 비가 내려서 집에서 책을 읽으며 하루를 보냈습니다. 저녁이 되자 하늘이 밝아져서 가까운 공원까지 "
    "산책을 나갔습니다.\n"
    "작은 가게에서 따뜻한 차를 마시고 친구에게 편지를 썼습니다. 돌아오는 길에 달이 아주 밝았습니다.\n"
)
UNICODE = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
WRITTEN = [
    *((text, encoding) for text in (ENGLISH, SIMPLIFIED, TRADITIONAL, JAPANESE, KOREAN) for encoding in UNICODE),
    (ENGLISH, "cp1252"),
    (SIMPLIFIED, "gb18030"),
    (TRADITIONAL, "gb18030"),
    (TRADITIONAL, "big5"),
    (JAPANESE, "shift_jis"),
    (JAPANESE, "euc-jp"),
    (KOREAN, "euc-kr"),
]
LANGUAGES = {ENGLISH: "en", SIMPLIFIED: "zh", TRADITIONAL: "zh-Hant", JAPANESE: "ja", KOREAN: "ko"}


def found(raw: bytes, given: str | None = None, piece: int = 1 << 18) -> Finding:
    detector = Detector(given)
    for start in range(0, len(raw), piece):
        detector.feed(raw[start : start + piece])
    return detector.finding()


def written(text: str, encoding: str) -> bytes:
    return text.encode(CODECS[encoding].python)


@pytest.mark.parametrize(("text", "encoding"), WRITTEN, ids=[f"{LANGUAGES[t]}-{e}" for t, e in WRITTEN])
def test_a_text_is_found_in_the_encoding_it_was_written_in(text: str, encoding: str) -> None:
    finding = found(written(text, encoding))
    assert (finding.encoding, finding.mark, finding.n_bad, finding.is_binary) == (encoding, 0, 0, False)
    assert finding.how == ("utf-8" if encoding == "utf-8" else "frequency")
    assert finding.near_ties == []
    first = next(line for line in text.split("\n") if not line.isascii())
    assert finding.lines[0].strip("…") in first and not finding.lines[0].isascii()


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *((text, encoding) for text in (SIMPLIFIED, TRADITIONAL) for encoding in ("gb18030", "utf-16-le", "utf-16-be")),
        (TRADITIONAL, "big5"),
    ],
)
def test_chinese_without_line_ends_or_ascii_is_found_too(text: str, encoding: str) -> None:
    assert found(written(text.replace("\n", ""), encoding)).encoding == encoding


@pytest.mark.parametrize("encoding", [name for name in ENCODINGS if CODECS[name].mark])
def test_a_mark_decides_and_its_bytes_are_counted(encoding: str) -> None:
    mark = CODECS[encoding].mark
    assert mark == "\ufeff".encode(CODECS[encoding].python)
    finding = found(mark + written("你好 hello", encoding))
    assert (finding.encoding, finding.mark, finding.how) == (encoding, len(mark), "mark")
    assert finding.lines == ["你好 hello"]


def test_utf_8_goes_before_all_that_its_bytes_could_also_be() -> None:
    raw = "中文".encode()
    assert raw.decode("gb18030")
    finding = found(raw)
    assert (finding.encoding, finding.how, finding.lines, finding.near_ties) == ("utf-8", "utf-8", ["中文"], [])


@pytest.mark.parametrize("bad", [b"\xff", b"\x80", b"\xe4\xb8", b"\xff\xfe\xfd"])
@pytest.mark.parametrize("text", [SIMPLIFIED * 3, ENGLISH * 3], ids=["zh", "en"])
def test_a_bad_stretch_in_utf_8_is_counted_and_is_not_another_encoding(text: str, bad: bytes) -> None:
    raw = text.encode()
    middle = len(text[: len(text) // 2].encode())
    for damaged in (raw[:middle] + bad + raw[middle:], raw + bad, bad + raw):
        finding = found(damaged)
        assert (finding.encoding, finding.n_bad, finding.near_ties) == ("utf-8", 1, [])


@pytest.mark.parametrize("tail", [b"\xe4\xb8", b"\xe5\xa5", b"\xe2\x80", b"\xf0\x9f\x98"])
@pytest.mark.parametrize("end", ["", " ", "\n"])
def test_plain_ascii_that_ends_inside_a_utf_8_character_is_a_utf_8_file_cut_off(tail: bytes, end: str) -> None:
    for n_lines in (1, 20, 4000):
        finding = found(b"A line of plain English.\n" * n_lines + b"And one more" + end.encode() + tail)
        assert (finding.encoding, finding.n_bad, finding.is_binary, finding.near_ties) == ("utf-8", 1, False, [])


@given(
    st.lists(
        st.sampled_from([b"a", b"\n", "é".encode(), "中".encode(), "😀".encode()])
        | st.sampled_from([bytes((byte,)) for byte in b"\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xe0\xe4\xed\xf0\xf4\xf5\xff"])
    )
)
def test_bad_stretches_are_those_that_the_codec_replaces(parts: list[bytes]) -> None:
    good = "中文".encode() * 400
    raw = good + b"".join(parts)
    text = raw.decode("utf-8", "surrogateescape")
    assert found(raw, "utf-8").n_bad == len(re.findall("[\udc80-\udcff]+", text))


@settings(deadline=None, max_examples=8)
@given(st.data())
def test_the_finding_does_not_depend_on_the_cuts_between_pieces(data: st.DataObject) -> None:
    text, encoding = data.draw(st.sampled_from(WRITTEN))
    unit = written(text, encoding)
    raw = unit * (2 * BLOCK // len(unit) + 1) + data.draw(st.sampled_from([b"", b"\xff", b"\xe4\xb8"]))
    piece = data.draw(st.integers(1000, 2 * BLOCK))
    assert found(raw, piece=piece) == found(raw, piece=len(raw))


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"The caf\xe9 is open.\n", "The café is open."),
        (b"caf\xe9", "café"),
        (b"It costs \xa35 a day.\n", "It costs £5 a day."),
        (b"It\x92s \x93fine\x94 \x97 really\x85\n", "It’s “fine” — really…"),
        ("Für größere Straßen.\n".encode("cp1252"), "Für größere Straßen."),
    ],
)
def test_a_few_accents_or_curly_quotes_are_cp1252(raw: bytes, line: str) -> None:
    plain = b"A line of plain English, as long as any other.\n"
    for text in (raw, plain * 2000 + raw, plain * 4000 + raw + (b"" if raw == b"caf\xe9" else plain * 4000)):
        finding = found(text)
        assert (finding.encoding, finding.lines) == ("cp1252", [line])


def test_what_cannot_be_decided_is_shown_as_a_near_tie_with_its_lines() -> None:
    finding = found(b"It costs wor\x80ld, and nobody knows why.\n")
    readings = {finding.encoding: finding.lines} | {tie.encoding: tie.lines for tie in finding.near_ties}
    assert readings == {
        "utf-8": ["It costs wor\\x80ld, and nobody knows why."],
        "cp1252": ["It costs wor€ld, and nobody knows why."],
    }
    assert all(-8 < tie.score < 0 for tie in finding.near_ties)


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "shift_jis"])
@pytest.mark.parametrize("sign", "£°’")
def test_english_with_one_odd_sign_in_an_eastern_encoding_is_found_or_shown_as_a_near_tie(
    encoding: str, sign: str
) -> None:
    raw = written(f"It stood there {sign} all day, and nobody said a word.\n", encoding)
    for text in (raw, raw * 3):
        finding = found(text)
        assert encoding in (finding.encoding, *(tie.encoding for tie in finding.near_ties))


@pytest.mark.parametrize(("text", "encoding"), WRITTEN, ids=[f"{LANGUAGES[t]}-{e}" for t, e in WRITTEN])
@pytest.mark.parametrize(
    "before", ["", "A line of plain English, as long as any other.\n" * 400], ids=["whole", "later"]
)
def test_leaving_hopeless_readings_early_changes_no_finding(
    text: str, encoding: str, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = written(before + text * 60, encoding)
    early = found(raw)
    monkeypatch.setattr("textmill.text.encodings.FIRST_LOOK", len(raw))
    assert found(raw) == early


@pytest.mark.parametrize("size", [200, 2048, 300_000])
def test_random_bytes_are_no_text(size: int) -> None:
    for seed in range(5 if size < 10_000 else 1):
        finding = found(random.Random(seed).randbytes(size))
        assert finding.is_binary and re.match(r"byte \d+: ", finding.reason) and finding.lines == []


@pytest.mark.parametrize(
    "head",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"PK\x03\x04\x14\x00",
        b"\x7fELF\x02\x01",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    ],
)
def test_a_file_that_starts_like_a_picture_an_archive_or_a_program_is_no_text(head: bytes) -> None:
    finding = found(head + b"\xff\xfe words and words \x00\x00\x80" * 20)
    assert finding.is_binary and finding.reason.startswith("byte 0: it starts like ")


def test_nuls_alone_are_no_text_and_a_stray_nul_in_a_text_is_text() -> None:
    assert found(b"\x00" * 5000).is_binary
    finding = found(b"a text\x00 with a NUL and \x1b[0m and more words")
    assert (finding.encoding, finding.is_binary, finding.n_bad) == ("utf-8", False, 0)
    assert finding.lines == ["a text\\x00 with a NUL and \\x1b[0m and more words"]


@pytest.mark.parametrize("codec", ["cp1251", "koi8_r"])
def test_a_text_in_an_encoding_that_is_not_read_is_refused_and_not_misread(codec: str) -> None:
    text = "Вчера с утра шёл дождь, и мы весь день читали дома.\nВечером небо стало светлым, и мы пошли гулять.\n"
    finding = found((text * 4).encode(codec))
    assert finding.is_binary and "no encoding that is read" in finding.reason


def test_an_empty_file_and_plain_ascii_are_utf_8() -> None:
    assert found(b"") == Finding("utf-8", 0, "utf-8", [])
    assert found(b"one\n\ntwo\nthree\nfour\n") == Finding("utf-8", 0, "utf-8", ["one", "two", "three"])


def test_lines_show_the_first_three_that_are_not_ascii_wherever_they_stand() -> None:
    plain = "A line of plain English, as long as any other.\n"
    text = plain * 3000 + "première\n" + plain * 3000 + "x" * 500 + "中文\n" + plain * 3000 + "fin — 終\nno — 四\n"
    assert found(text.encode()).lines == ["première", "…" + "x" * 20 + "中文", "fin — 終"]


@pytest.mark.parametrize(("text", "encoding"), WRITTEN, ids=[f"{LANGUAGES[t]}-{e}" for t, e in WRITTEN])
def test_an_encoding_given_by_hand_is_taken(text: str, encoding: str) -> None:
    finding = found(written(text, encoding), encoding)
    assert (finding.encoding, finding.how, finding.near_ties) == (encoding, "given", [])


@pytest.mark.parametrize("order", ["le", "be"])
def test_utf_16_given_without_an_order_takes_the_mark_or_the_likelier_order(order: str) -> None:
    raw = SIMPLIFIED.encode(f"utf-16-{order}")
    mark = "\ufeff".encode(f"utf-16-{order}")
    for text, n_mark in ((raw, 0), (mark + raw, 2)):
        finding = found(text, "utf-16")
        assert (finding.encoding, finding.mark, finding.how) == (f"utf-16-{order}", n_mark, "given")


def test_a_mark_is_seen_where_utf_8_is_given_and_missed_where_it_is_not_there() -> None:
    assert (found(b"\xef\xbb\xbfa", "utf-8").encoding, found(b"\xef\xbb\xbfa", "utf-8").mark) == ("utf-8-sig", 3)
    assert (found(b"a", "utf-8-sig").encoding, found(b"a", "utf-8-sig").mark) == ("utf-8", 0)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *((name, name) for name in ENCODINGS),
        ("GBK", "gb18030"),
        ("gb2312", "gb18030"),
        ("cp936", "gb18030"),
        ("sjis", "shift_jis"),
        ("windows-1252", "cp1252"),
        ("latin-1", "cp1252"),
        ("UTF8", "utf-8"),
        ("utf_16_le", "utf-16-le"),
        ("utf16", "utf-16"),
        ("cp950", "big5"),
        ("big5hkscs", "big5-hkscs"),
    ],
)
def test_other_names_of_an_encoding_are_understood(name: str, meant: str) -> None:
    assert named(name) == meant


@pytest.mark.parametrize(("name", "near"), [("gb18031", "gb18030"), ("rot13", None), ("a\x00b", None)])
def test_a_name_that_is_no_encoding_is_an_error_with_the_nearest_one(name: str, near: str | None) -> None:
    with pytest.raises(ConfigError, match="no encoding") as error:
        Detector(name)
    assert "there are utf-8 " in str(error.value.hint)
    assert near is None or f"did you mean '{near}'?" in str(error.value.hint)


def sequences(codec: str) -> Iterator[bytes]:
    """All byte sequences that could be one character in an encoding without an order of bytes."""
    every = range(256)
    yield from (bytes((a,)) for a in every)
    if codec == "cp1252":
        return
    yield from (bytes(pair) for pair in itertools.product(every, every))
    if codec == "euc_jp":
        yield from (bytes((0x8F, *pair)) for pair in itertools.product(range(0xA1, 0xFF), repeat=2))
    if codec == "gb18030":
        for a, c in itertools.product(range(0x81, 0xFF), repeat=2):
            yield from (bytes((a, b, c, d)) for b in range(0x30, 0x3A) for d in range(0x30, 0x3A))


@pytest.mark.parametrize("name", ["gb18030", "big5", "big5-hkscs", "shift_jis", "euc-jp", "euc-kr", "cp1252"])
def test_a_character_written_back_takes_as_many_bytes_as_it_was_read_from(name: str) -> None:
    codec = CODECS[name].python
    n_characters, two, longer = 0, [], []
    for raw in sequences(codec):
        try:
            text = raw.decode(codec)
        except UnicodeDecodeError:
            continue
        if len(text) == 1:
            n_characters += 1
            if len(text.encode(codec)) != len(raw):
                longer.append(raw)
        elif len(text) == 2 and raw[0] >= 0x80 and not raw[:1].decode(codec, "ignore"):
            two.append(raw)
            assert len(text.encode(codec)) == len(raw), raw
    assert n_characters > 250
    # JIS X 0212 has a full-width tilde of its own, which Python reads as the tilde of ASCII.
    assert longer == ([b"\x8f\xa2\xb7"] if name == "euc-jp" else [])
    # A letter and its accent, in one sequence: the only place where a character alone could not be counted.
    assert two == ([b"\x88\x62", b"\x88\x64", b"\x88\xa3", b"\x88\xa5"] if name == "big5-hkscs" else [])


def test_memory_stays_bounded_however_long_the_file_is() -> None:
    detector = Detector()
    piece = SIMPLIFIED.encode("gb18030") * 2000
    for _ in range(20):
        detector.feed(piece)
    held = [detector._head, detector._last, detector._buffer, *(s.raw for s in detector._stretches.values())]
    assert sum(map(len, held)) < 4 * BLOCK
    assert detector.finding().encoding == "gb18030"
