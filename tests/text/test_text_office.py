"""PDF, DOCX and EPUB: their text, their pages without text by name, and no file that does harm."""

import io
import logging
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.config import DataConfig
from textmill.errors import InputError, MissingExtra, TextmillError
from textmill.text import office
from textmill.text.documents import BAD_RECORD, EMPTY, Dropped, Found
from textmill.text.docx import read_docx
from textmill.text.epub import read_epub
from textmill.text.files import TextFile, examine
from textmill.text.pdf import read_pdf

Item = Found | Dropped
Reader = Callable[[TextFile, DataConfig, Callable[[str], None]], Iterator[Item]]


def read(reader: Reader, path: Path, raw: bytes) -> tuple[list[Item], list[str]]:
    path.write_bytes(raw)
    notes: list[str] = []
    file = examine(TextFile(path, path.name, path.suffix[1:]), False, [])
    return list(reader(file, DataConfig(), notes.append)), notes


def text_of(items: list[Item]) -> str:
    (found,) = (item for item in items if isinstance(item, Found))
    assert (found.n_bytes, found.markup, found.unused_column) == (len(found.document.text.encode()), 0, 0)
    return found.document.text


def dropped(items: list[Item]) -> list[Item]:
    return [item for item in items if isinstance(item, Dropped)]


# -- PDF ---------------------------------------------------------------------------------------------------------------


def pdf(*contents: bytes) -> bytes:
    """A PDF with these page contents; the font F1 is Helvetica, F2 maps 0001 and 0002 to two Chinese characters."""
    cmap = b"1 begincodespacerange <0000> <ffff> endcodespacerange 2 beginbfchar <0001> <4e2d> <0002> <6587> endbfchar"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>"
        % (len(contents), b" ".join(b"%d 0 R" % (7 + 2 * i) for i in range(len(contents)))),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H"
        b" /DescendantFonts [5 0 R] /ToUnicode 6 0 R >>",
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /CIDSystemInfo"
        b" << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(cmap), cmap),
    ]
    for number, content in enumerate(contents):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>" % (8 + 2 * number)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    raw, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(raw))
        raw += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(raw))
    return raw + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + end


ONE = b"BT /F1 12 Tf 20 200 Td (Page one.) Tj ET"
CHINESE = b"BT /F2 12 Tf 20 200 Td <00010002> Tj ET"
SCAN = b"0 0 100 100 re f"


def test_a_pdf_is_its_pages_and_those_without_text_are_named(tmp_path: Path) -> None:
    items, notes = read(read_pdf, tmp_path / "a.pdf", pdf(ONE, SCAN, CHINESE))
    assert text_of(items) == "Page one.\n\n中文"
    assert dropped(items) == [Dropped(EMPTY, 0, "a.pdf#page 2")]
    assert notes == ["a.pdf: 1 page without text, probably pictures: text in them is not read."]


def test_a_pdf_written_by_another_program_is_read(tmp_path: Path) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("pdf")
    from matplotlib.figure import Figure

    figure = Figure()
    figure.text(0.1, 0.5, "drawn by a plot")
    sink = io.BytesIO()
    figure.savefig(sink, format="pdf")
    items, _ = read(read_pdf, tmp_path / "a.pdf", sink.getvalue())
    assert text_of(items) == "drawn by a plot"


def test_a_scanned_pdf_is_said_to_need_text_recognition(tmp_path: Path) -> None:
    items, notes = read(read_pdf, tmp_path / "a.pdf", pdf(SCAN, SCAN))
    assert items == [Dropped(EMPTY, 0, "a.pdf#page 1"), Dropped(EMPTY, 0, "a.pdf#page 2")]
    assert len(notes) == 1 and "OCR" in notes[0]


@pytest.mark.parametrize("password", ["", "secret"])
def test_only_a_password_that_is_asked_for_locks_a_pdf(password: str, tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf")
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf(ONE)))
    writer.encrypt(password, "owner", algorithm="RC4-128")
    sink = io.BytesIO()
    writer.write(sink)
    if not password:
        items, _ = read(read_pdf, tmp_path / "a.pdf", sink.getvalue())
        assert text_of(items) == "Page one."
        return
    with pytest.raises(InputError, match="locked with a password") as error:
        read(read_pdf, tmp_path / "a.pdf", sink.getvalue())
    assert error.value.where == "a.pdf"


@pytest.mark.parametrize("raw", [b"", b"%PDF-1.4", b"no pdf", b"\0" * 5000])
def test_what_is_no_pdf_is_an_error_with_its_name(raw: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="damaged, or no PDF") as error:
        read(read_pdf, tmp_path / "a.pdf", raw)
    assert error.value.where == "a.pdf"


def test_warnings_of_the_pdf_library_become_a_note_and_never_a_line_on_stderr(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    raw = b"junk before it\n" + pdf(ONE).replace(b"startxref\n", b"startxref\n9")
    items, notes = read(read_pdf, tmp_path / "a.pdf", raw)
    assert text_of(items) == "Page one."
    assert len(notes) == 1 and "not quite well formed" in notes[0]
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
    assert logging.getLogger("pypdf").propagate


def test_without_pypdf_the_command_to_install_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdf", None)
    with pytest.raises(MissingExtra, match="needs pypdf") as error:
        read(read_pdf, tmp_path / "a.pdf", pdf(ONE))
    assert error.value.hint == "pip install 'textmill[office]'"


# -- DOCX --------------------------------------------------------------------------------------------------------------


def zipped(members: dict[str, str | bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()


RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Target='
    '"{}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>'
)
WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:mc="x:mc"'


def docx(body: str, main: str = "word/document.xml", prolog: str = "", **more: str) -> bytes:
    story = f"{prolog}<w:document {WORD}><w:body>{body}</w:body></w:document>"
    return zipped({"_rels/.rels": RELATIONS.format(main), main: story, **more})


def paragraph(text: str) -> str:
    return f"<w:p><w:pPr><w:tabs><w:tab w:pos='9'/></w:tabs></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def cell(*texts: str) -> str:
    return f"<w:tc>{''.join(map(paragraph, texts))}</w:tc>"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (paragraph("One") + "<w:p/>" + paragraph("中文 &amp; two"), "One\n\n中文 & two"),
        ("<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t xml:space='preserve'> c</w:t></w:r></w:p>", "a\tb\n c"),
        (
            f"{paragraph('x')}<w:tbl><w:tr>{cell('a', 'b')}{cell('')}{cell('c')}</w:tr>"
            f"<w:tr>{cell('d')}</w:tr></w:tbl>",
            "x\na b\t\tc\nd",
        ),
        (
            "<w:p><w:del><w:r><w:delText>no</w:delText></w:r></w:del><w:ins><w:r><w:t>yes</w:t></w:r></w:ins></w:p>",
            "yes",
        ),
        ("<w:p><w:moveFrom><w:r><w:t>no</w:t></w:r></w:moveFrom><w:r><w:t>yes</w:t></w:r></w:p>", "yes"),
        ("<w:p><w:r><w:instrText>PAGE</w:instrText><w:t>7</w:t></w:r></w:p>", "7"),
        (
            f"<w:p><w:r><w:t>out</w:t><mc:AlternateContent><mc:Choice>{paragraph('box')}</mc:Choice>"
            f"<mc:Fallback>{paragraph('box')}</mc:Fallback></mc:AlternateContent><w:t>side</w:t></w:r></w:p>",
            "box\noutside",
        ),
    ],
)
def test_a_word_file_is_its_paragraphs_and_tables(body: str, text: str, tmp_path: Path) -> None:
    items, notes = read(read_docx, tmp_path / "a.docx", docx(body, main="word/document2.xml"))
    assert text_of(items) == text
    assert notes == []


def test_footnotes_follow_the_text_and_headers_are_not_read(tmp_path: Path) -> None:
    notes = f"<w:footnotes {WORD}><w:footnote>{paragraph('a note')}</w:footnote></w:footnotes>"
    header = f"<w:hdr {WORD}>{paragraph('header')}</w:hdr>"
    raw = docx(paragraph("text"), **{"word/footnotes.xml": notes, "word/header1.xml": header})
    assert text_of(read(read_docx, tmp_path / "a.docx", raw)[0]) == "text\n\na note"


def test_a_word_file_without_text_is_an_empty_record(tmp_path: Path) -> None:
    assert read(read_docx, tmp_path / "a.docx", docx("<w:p/>"))[0] == [Dropped(EMPTY, 0, "a.docx")]


BOMB = '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE w [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (docx(paragraph("&b;"), prolog=BOMB), "document type"),
        (docx(paragraph("&a;"), prolog=OUTSIDE), "document type"),
        (docx("<w:p>"), "damaged, or no DOCX"),
        (docx("<w:p/>")[:-30], "damaged, or no DOCX"),
        (zipped({"a.txt": "x"}), "damaged, or no DOCX"),
        (zipped({"_rels/.rels": RELATIONS.format("nowhere.xml")}), "no main part"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, "old Word file"),
        (b"", "damaged, or no DOCX"),
    ],
)
def test_a_word_file_that_is_damaged_or_means_harm_is_an_error_with_its_name(
    raw: bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message) as error:
        read(read_docx, tmp_path / "a.docx", raw)
    assert error.value.where == "a.docx"


def test_what_unpacks_to_more_than_the_limit_is_refused_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office, "LARGEST_CONTENT", 2 << 20)
    items, _ = read(read_docx, tmp_path / "a.docx", docx(paragraph("x" * (1 << 20))))
    assert len(text_of(items)) == 1 << 20
    with pytest.raises(InputError, match="more than 2 MiB") as error:
        read(read_docx, tmp_path / "a.docx", docx(paragraph("x" * (3 << 20))))
    assert error.value.where == "a.docx#word/document.xml"
    half = "<p>" + "x" * (3 << 19)
    with pytest.raises(InputError, match="more than 2 MiB"):  # all members together
        read(read_epub, tmp_path / "a.epub", epub({"a.xhtml": half, "b.xhtml": half}))


# -- EPUB --------------------------------------------------------------------------------------------------------------

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OPS/book.opf"/></rootfiles></container>'
)


def epub(chapters: dict[str, str | bytes], order: list[str] | None = None, locked: str = "") -> bytes:
    names = list(chapters) if order is None else order
    items = "".join(
        f'<item id="i{n}" href="{name.replace(" ", "%20")}" media-type="application/xhtml+xml"/>'
        for n, name in enumerate(names)
    )
    spine = "".join(f'<itemref idref="i{n}"/>' for n in range(len(names)))
    book = f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{items}</manifest><spine>{spine}</spine></package>'
    members: dict[str, str | bytes] = {"META-INF/container.xml": CONTAINER, "OPS/book.opf": book}
    if locked:
        members["META-INF/encryption.xml"] = locked
    return zipped(members | {f"OPS/{name}": page for name, page in chapters.items()})


XHTML = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>{}</body></html>'


def test_a_book_is_its_chapters_in_reading_order_and_those_without_text_are_named(tmp_path: Path) -> None:
    chapters: dict[str, str | bytes] = {
        "z.xhtml": XHTML.format("<h1>First</h1><p>中\n文</p>"),
        "a b.xhtml": XHTML.format("<p>second &amp; last</p>"),
        "cover.xhtml": XHTML.format("<img src='x.png'/>"),
        "unlisted.xhtml": XHTML.format("no"),
    }
    raw = epub(chapters, ["cover.xhtml", "z.xhtml", "gone.xhtml", "a b.xhtml", "z.xhtml"])
    items, notes = read(read_epub, tmp_path / "a.epub", raw)
    assert text_of(items) == "First\n\n中文\n\nsecond & last"
    assert [(item.category, item.n_bytes, item.source) for item in items if isinstance(item, Dropped)] == [
        (EMPTY, 0, "a.epub#OPS/cover.xhtml"),
        (BAD_RECORD, 0, "a.epub#OPS/gone.xhtml"),
    ]
    assert notes == []


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ('<?xml version="1.0" encoding="gb2312"?><p>中文镕</p>'.encode("gb18030"), "中文镕"),
        ('<?xml version="1.0" encoding="utf-16"?><p>中文</p>'.encode("utf-16"), "中文"),
        ("\ufeff<p>中文</p>".encode(), "中文"),
        (b"<p>a\r\nb</p>", "a b"),
    ],
)
def test_a_chapter_is_read_in_the_encoding_that_it_says(page: bytes, text: str, tmp_path: Path) -> None:
    assert text_of(read(read_epub, tmp_path / "a.epub", epub({"a.xhtml": page}))[0]) == text


@pytest.mark.parametrize("page", [b"<p>caf\xe9</p>", b"<?xml encoding='hex'?><p>41</p>", b"<?xml encoding='x-no'?>x"])
def test_a_chapter_in_another_encoding_than_it_says_is_a_bad_record(page: bytes, tmp_path: Path) -> None:
    items, _ = read(read_epub, tmp_path / "a.epub", epub({"a.xhtml": page, "b.xhtml": "<p>fine</p>"}))
    assert text_of(items) == "fine"
    (bad,) = (item for item in items if isinstance(item, Dropped))
    assert (bad.category, bad.source) == (BAD_RECORD, "a.epub#OPS/a.xhtml")


def test_a_locked_chapter_is_refused_and_a_locked_font_is_not(tmp_path: Path) -> None:
    def encrypted(name: str) -> bytes:
        listed = f'<encryption><EncryptedData><CipherReference URI="{name}"/></EncryptedData></encryption>'
        return epub({"a.xhtml": "<p>fine</p>"}, locked=listed)

    assert text_of(read(read_epub, tmp_path / "a.epub", encrypted("OPS/font.otf"))[0]) == "fine"
    with pytest.raises(InputError, match="DRM"):
        read(read_epub, tmp_path / "a.epub", encrypted("OPS/a.xhtml"))


def test_a_chapter_outside_the_archive_is_never_opened(tmp_path: Path) -> None:
    (tmp_path / "secret.xhtml").write_text("<p>secret</p>")
    items, _ = read(read_epub, tmp_path / "a.epub", epub({}, [str(tmp_path / "secret.xhtml"), "../../secret.xhtml"]))
    assert [item.category for item in items if isinstance(item, Dropped)] == [BAD_RECORD, BAD_RECORD]
    assert len(items) == 2


# -- all ---------------------------------------------------------------------------------------------------------------

WHOLE: dict[str, tuple[Reader, bytes]] = {
    "a.pdf": (read_pdf, pdf(ONE, CHINESE)),
    "a.docx": (read_docx, docx(paragraph("text") * 3)),
    "a.epub": (read_epub, epub({"a.xhtml": "<p>one</p>", "b.xhtml": "<p>two</p>"})),
}


@pytest.mark.parametrize("name", WHOLE)
@settings(max_examples=60, deadline=None)
@given(places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=3)), min_size=1, max_size=6))
def test_a_damaged_file_is_an_error_of_ours_or_is_read(
    name: str, places: list[tuple[float, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    reader, raw = WHOLE[name]
    for share, new in places:
        at = int(share * len(raw))
        raw = raw[:at] + new + raw[at + max(1, len(new)) :]
    try:
        items, _ = read(reader, tmp_path_factory.getbasetemp() / name, raw)
    except TextmillError as error:
        assert str(error.where).startswith(name)
        return
    for item in items:
        assert item.n_bytes == (len(item.document.text.encode()) if isinstance(item, Found) else 0)


@pytest.mark.parametrize("name", WHOLE)
@settings(max_examples=25, deadline=None)
@given(raw=st.binary(max_size=200))
def test_random_bytes_are_refused_by_name(name: str, raw: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(TextmillError, match="damaged, or no"):
        read(WHOLE[name][0], tmp_path_factory.getbasetemp() / name, raw)
