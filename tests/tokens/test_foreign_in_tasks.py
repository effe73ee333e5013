"""Tasks over tokenizers of other people's models: what begins a text, what ends it, and texts that ids do not give."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from foreign_files_kit import LAYOUTS

from textmill.config import Config
from textmill.generation import score, write
from textmill.generation.assembler import TextAssembler
from textmill.models import IGNORED
from textmill.tasks.answer import Answer, TokenPlaces
from textmill.tasks.classify import LABELS, Classify, texts_of
from textmill.tasks.lm import LanguageModelling
from textmill.tasks.mask import Mask
from textmill.tasks.measuring import TokenSizes, first_tokens, score_documents
from textmill.tasks.own_texts import Losses
from textmill.tasks.translate import Translate, sides_of
from textmill.text import Document
from textmill.tokens.foreign import ForeignTokenizer, foreign_tokenizer

LINES = ["The OLD Cat, 今天天气很好。", "Rain falls  on quiet streets", "café 😀 \u13a0 naïve"]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ForeignTokenizer]:
    @cache
    def of(name: str) -> ForeignTokenizer:
        tokenizer = foreign_tokenizer(LAYOUTS[name](tmp_path_factory.mktemp("foreign") / name))
        assert isinstance(tokenizer, ForeignTokenizer)
        return tokenizer

    return of


def documents(**meta: Any) -> list[Document]:
    return [Document(text, f"a.txt:{number}", dict(meta)) for number, text in enumerate(LINES, start=1)]


class Reader:
    """A fixed model that remembers what it was given to read."""

    max_context = None

    def __init__(self, vocab_size: int, written: list[int] | None = None):
        self.vocab_size, self.written, self.read = vocab_size, written or [], []  # type: ignore[var-annotated]

    def nll(self, ids, targets, segments=None, state=None):  # type: ignore[no-untyped-def]
        self.read.append(ids.tolist())
        return torch.where(targets == IGNORED, 0.0, torch.ones_like(targets, dtype=torch.float64)), None

    def log_probs(self, ids, segments=None, state=None):  # type: ignore[no-untyped-def]
        self.read.append(ids.tolist())
        scores = torch.zeros(*ids.shape, self.vocab_size, dtype=torch.float64)
        if self.written:
            scores -= 100
            scores[:, -1, self.written.pop(0)] = 0
        return scores.log_softmax(dim=-1), None


@pytest.mark.parametrize("name", ["gpt2", "llama2", "llama3", "roberta"])
@pytest.mark.parametrize("pack", [True, False])
def test_every_document_is_read_after_what_begins_it_and_ends_in_the_mark(
    name: str, pack: bool, opened: Any, tmp_path: Path
) -> None:
    tokenizer, task = opened(name), LanguageModelling()
    store = task.encode(documents(), tokenizer, tmp_path / "store")
    rows = task.rows(store, tokenizer, Config.model_validate({"tokens": {"pack": pack}, "model": {"seq_len": 7}}))

    read, wanted = [], []
    for number in range(len(rows)):
        ids, targets, _ = rows.row(number)
        read += ids.tolist()
        wanted += targets.tolist()

    own = [tokenizer.encode(text) for text in LINES]
    assert read == [number for ids in own for number in (tokenizer.begin, *ids)]
    assert wanted == [number for ids in own for number in (*ids, tokenizer.mark)]


@pytest.mark.parametrize("name", ["llama2", "llama3", "qwen"])
def test_a_text_is_scored_after_what_begins_it(name: str, opened: Any) -> None:
    tokenizer = opened(name)
    ids = tokenizer.encode(LINES[0])
    before = [] if tokenizer.begin is None else [tokenizer.begin]
    model = Reader(tokenizer.vocab_size)

    found = score(model, tokenizer, LINES[0], include_end=True)

    assert [number for [row] in model.read for number in row] == [*before, *ids]
    assert [token.id for token in found.tokens] == [*ids, tokenizer.mark][0 if before else 1 :]
    assert all(0 <= token.start <= token.end <= len(LINES[0]) for token in found.tokens)


def test_documents_are_measured_after_what_begins_them_by_their_own_bytes(opened: Any) -> None:
    tokenizer, task = opened("llama2"), LanguageModelling()
    model = Reader(tokenizer.vocab_size)
    own = task.documents(documents(), tokenizer)

    scores = task.measure(model, own, tokenizer, Config())
    blocks = score_documents(
        Reader(tokenizer.vocab_size), own[:1], tokenizer.mark, sizes=TokenSizes.of(tokenizer), n_blocks=3
    )

    assert {row[0] for rows in model.read for row in rows} == {tokenizer.begin}
    assert [one.n_bytes for one in scores] == [len(text.encode()) for text in LINES]
    assert sum(block.n_bytes for block in blocks) == len(LINES[0].encode())
    assert sum(block.n_chars for block in blocks) == len(LINES[0])


@pytest.mark.parametrize("name", ["bert", "llama2", "gpt2"])
def test_a_document_that_is_cut_has_its_share_of_the_bytes(name: str, opened: Any) -> None:
    tokenizer = opened(name)
    [own, *_] = LanguageModelling().documents(documents(), tokenizer)

    sizes = [next(first_tokens([own], n, tokenizer))[1] for n in range(1, len(own[0]) + 1)]

    assert sizes == sorted(sizes) and sizes[-1] == len(LINES[0].encode())


def test_a_prompt_is_read_after_what_begins_it_and_every_stop_ends_the_text(opened: Any) -> None:
    tokenizer = opened("qwen")
    for stop in tokenizer.stops:
        written = [*tokenizer.encode(" old"), stop, *tokenizer.encode("x")]
        model = Reader(tokenizer.vocab_size, written)

        [result] = write(
            model, tokenizer, ["the cat"], Config().generate.model_copy(update={"temperature": 0}), 0
        ).finish()

        assert (result.text, result.finish_reason) == (" old", "stop")
        read = [number for [row] in model.read for number in row]
        prompt = tokenizer.encode("the cat")
        assert read[: len(prompt)] == prompt  # nothing begins a text of this model


def test_a_blank_after_a_prompt_is_kept_and_one_that_begins_a_text_is_not(opened: Any) -> None:
    tokenizer = opened("llama2")
    [number] = tokenizer.encode("the")

    assert TextAssembler(tokenizer, goes_on=True).push(number) == " the"
    assert TextAssembler(tokenizer).push(number) == "the"


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_a_classifier_reads_a_text_as_its_model_was_taught(name: str, opened: Any, tmp_path: Path) -> None:
    tokenizer, task = opened(name), Classify(seq_len=64)
    store = task.encode(documents(**{LABELS: ("a",)}), tokenizer, tmp_path / "store")
    rows = task.rows(store, tokenizer, Config())

    batch = task.collate(rows, [0])
    [given] = task.ids_of(LINES[:1], tokenizer)

    expected = [tokenizer.begin, *tokenizer.encode(LINES[0]), *tokenizer.after]
    assert batch.ids[0].tolist() == expected == [tokenizer.begin, *given]
    assert rows.sizes[0] == len(expected)
    assert texts_of(store, tokenizer)[0] == LINES
    assert [text.text(tokenizer) for text in task.examples(store, tokenizer)] == LINES


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_a_question_and_its_passage_are_laid_out_as_the_model_was_taught(
    name: str, opened: Any, tmp_path: Path
) -> None:
    tokenizer, task = opened(name), Answer(seq_len=64)
    meta = {"question": "Who reads?", "answers": ((4, "OLD Cat"),), "question_id": "1"}
    given = [Document(LINES[0], "a.json:1", meta)]
    store = task.encode(given, tokenizer, tmp_path / "store")

    [one] = task.examples(store, tokenizer)
    batch = task.batch([one], tokenizer)

    question, passage = tokenizer.encode("Who reads?"), tokenizer.encode(LINES[0])
    row = [tokenizer.begin, *question, *tokenizer.between, *passage, *tokenizer.after]
    assert batch.ids[0].tolist() == row
    assert one.context == LINES[0]
    assert task.rows(store, tokenizer, Config()).sizes == [len(row)]
    places = TokenPlaces.of(one, tokenizer)
    first, last = (int(batch.targets[0, :, side].nonzero()[0]) - one.n_before for side in (0, 1))
    assert LINES[0][places.starts[first] : places.ends[last]].strip() == "OLD Cat"


def test_a_masked_text_hides_its_own_tokens_alone_and_exchanges_them_for_such(opened: Any, tmp_path: Path) -> None:
    tokenizer = opened("bert")
    task = Mask(seq_len=8, share=0.5)
    store = task.encode(documents(), tokenizer, tmp_path / "store")
    rows = task.rows(store, tokenizer, Config())
    around = {tokenizer.begin, *tokenizer.after}

    whole: list[int] = []
    for number in range(len(rows.windows)):
        ids, targets, _ = rows.row(number)
        assert not around & set(targets[targets != IGNORED].tolist())
        whole += np.where(targets == IGNORED, ids, targets).tolist()

    own = [[tokenizer.begin, *tokenizer.encode(text), *tokenizer.after] for text in LINES]
    assert [number for number in whole if number not in around] == [n for ids in own for n in ids if n not in around]
    assert not np.isin(list(around), tokenizer.plain_ids).any()
    texts = task.documents(documents(), tokenizer)
    scores = task.measure(Guesser(), texts, tokenizer, Config.model_validate({"model": {"seq_len": 8}}))
    assert [score.n_tokens for score in scores] == [len(tokenizer.encode(text)) for text in LINES]


class Guesser(torch.nn.Module):
    """Says that every hidden token costs a nat."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(1, 1)
        self.heads = {"mask": self}

    def forward(self, ids, segments, masked):  # type: ignore[no-untyped-def]
        return ids

    def told(self, hidden, targets, weight):  # type: ignore[no-untyped-def]
        wanted = targets[targets != IGNORED]
        return torch.ones(len(wanted)), wanted


def test_a_translator_reads_its_target_after_what_begins_it(opened: Any, tmp_path: Path) -> None:
    tokenizer, task = opened("marian"), Translate()
    pairs = [Document(text, f"a.tsv:{n}", {"target": text[::-1]}) for n, text in enumerate(LINES, start=1)]
    store = task.encode(pairs, tokenizer, tmp_path / "store")
    rows = task.rows(store, tokenizer, Config())

    batch = task.collate(rows, [0])

    assert batch.source is not None
    source, target = tokenizer.of_source.encode(LINES[0]), tokenizer.encode(LINES[0][::-1])
    assert batch.source[0].tolist() == [*source, tokenizer.mark]
    assert batch.ids[0].tolist() == [tokenizer.begin, *target]
    assert batch.targets[0].tolist() == [*target, tokenizer.mark]
    assert list(sides_of(store, tokenizer, 0)) == [(text, text[::-1]) for text in LINES]
    [first, *_] = task.examples(store, tokenizer)
    assert task.source_text(first, tokenizer) == LINES[0]


def test_what_ids_do_not_say_is_counted(opened: Any) -> None:
    losses, none = Losses(opened("bert")), Losses(opened("gpt2"))

    assert list(losses.counted(documents())) == documents() == list(none.counted(documents()))

    assert (losses.n_texts, losses.n_changed) == (3, 3)
    assert losses.n_unknown == sum(opened("bert").encode(text).count(1) for text in LINES) > 0
    assert len(losses.notes) == 2 and none.notes == []
