"""Translation: the target's next token from its source and the tokens before it. Room: tasks/.

A store holds the two sides of a pair one after the other: document 2 n is the source of pair n, 2 n + 1 its target.
One vocabulary serves both, or each side has its own (Tokenizer.of_source). A model of both directions reads each pair
twice, the second time back to front; its sources begin with the name of the language that is wanted (Johnson et al.
2017, 1611.04558).
Shapes: B batch, S tokens of a source, T tokens of a target.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from textmill.config import Config
from textmill.errors import ConfigError, ContextFull
from textmill.generation.beam import BeamSettings, Hypothesis, padded, search
from textmill.generation.engine import device_of, reading
from textmill.generation.forced import Forced
from textmill.messages import message, plural_message
from textmill.metrics.language import ExampleScore, metrics_of
from textmill.metrics.loss import LossSum
from textmill.metrics.translation import (
    BACK,
    TITLES,
    References,
    SelfTest,
    cut_wrongly,
    each_of,
    references_of,
    self_test,
    translation_scores,
)
from textmill.models import IGNORED
from textmill.models.encoder_decoder import EncoderDecoder
from textmill.models.network import NO_HEADS, Heads
from textmill.tasks.length_batches import LengthSampler, sampler_by_length
from textmill.tasks.measuring import DocumentIds
from textmill.tasks.own_texts import OwnTexts, field_of_texts, kept_texts, text_of
from textmill.tasks.task import Batch, Judgement
from textmill.tasks.teacher import Teacher
from textmill.tasks.word_dictionary import WordDictionary
from textmill.text import Document, languages
from textmill.text.aligned import SentencePair
from textmill.text.columns import utf8_size
from textmill.text.sides import languages_said
from textmill.tokens import StoreWriter, Tokenizer, TokenStore

if TYPE_CHECKING:
    from textmill.runs import Prepared

ENCODE_TOGETHER = 1024  # pairs handed to the tokenizer at once
N_SAMPLES = 3
N_TRANSLATED = 200  # pairs, to choose the best by translations
ALIKE = {"bleu": 20.0, "chrf": 40.0}  # shuffled lines score less, unless they are much alike


@dataclass(frozen=True)
class PairIds:
    """A pair as ids. source: as the model reads it, its mark at the end. target: without marks. way: 0, or 1 where the
    pair stands back to front."""

    source: tuple[int, ...]
    target: tuple[int, ...]
    place: str
    n_bytes: int
    n_chars: int
    way: int = 0
    kept: tuple[str | None, str | None] = (None, None)
    """Source and target themselves, where their ids do not give them back."""


@dataclass(frozen=True)
class Translation:
    """A translated text. score: what the n best are ranked by; ended: it is whole."""

    text: str
    score: float
    ended: bool
    hypothesis: Hypothesis | None = None


@dataclass(frozen=True)
class TranslatedPairs:
    """Sources, their best translations, and of each pair the number of its source and its target.

    A source that stands in several pairs has all of their targets as references: a translation is right by any.
    """

    sources: list[str]
    outputs: list[str]
    pairs: list[tuple[int, str]]

    @property
    def references(self) -> list[tuple[str, ...]]:
        """Of each source."""
        return references_of(self.pairs)

    @property
    def notes(self) -> list[str]:
        """What is said where sources repeat."""
        n_repeated = sum(len(targets) > 1 for targets in self.references)
        if not n_repeated:
            return []
        return [
            plural_message(
                "%(n)s source has several translations in this text: it is scored once, against all of them.",
                "%(n)s sources have several translations in this text: each is scored once, against all of them.",
                n_repeated,
            )
        ]


class PairRows:
    """The pairs of a store that fit into seq_len places on each side. prefixes: Translate.prefixes."""

    def __init__(
        self, store: TokenStore, tokenizer: Tokenizer, seq_len: int, prefixes: Sequence[tuple[int, ...]] = ((),)
    ):
        sides = (store.starts[1:] - store.starts[:-1]).reshape(-1, 2)  # with the mark: the places that a side takes
        longer = [[len(prefix), 0] if way == 0 else [0, len(prefix)] for way, prefix in enumerate(prefixes)]
        sizes = (sides[:, None] + np.array(longer)).max(axis=2).ravel()
        self.store, self.tokenizer, self.seq_len, self.prefixes = store, tokenizer, seq_len, prefixes
        self.kept = (sizes <= seq_len).nonzero()[0]
        self.sizes: list[int] = sizes[self.kept].tolist()
        n_long = len(sizes) - len(self.kept)
        self.notes = []
        if n_long:
            self.notes.append(
                plural_message(
                    "%(n)s pair is longer than model.seq_len (%(seq_len)s tokens) and is not trained on.",
                    "%(n)s pairs are longer than model.seq_len (%(seq_len)s tokens) and are not trained on.",
                    n_long,
                    seq_len=seq_len,
                )
            )

    def __len__(self) -> int:
        """Rows of seq_len places that the pairs fill, one side beside the other."""
        return -(-sum(self.sizes) // self.seq_len)

    def pair(self, number: int) -> PairIds:
        """The pair of a number among those kept."""
        return stored_pair(self.store, int(self.kept[number]), self.tokenizer, self.prefixes)


class Translate:
    """P(target | source).

    label_smoothing: share of the target's probability that training spreads over all tokens; the loss that is reported
    is without it. directions: of a model of both, the name of the target's language and that of the source's: what a
    source begins with, behind which stands a mark of its own, so that no text can be taken for it. best_by: loss, bleu
    or chrf.
    """

    form = "encoder-decoder"
    teacher: Teacher | None = None

    def __init__(self, label_smoothing: float = 0.0, directions: tuple[str, str] | None = None, best_by: str = "loss"):
        if not 0 <= label_smoothing < 1:
            raise ConfigError(f"label_smoothing is {label_smoothing}: it must be at least 0 and below 1")
        self.label_smoothing, self.directions, self.best_by = label_smoothing, directions, best_by

    @classmethod
    def of(cls, config: Config) -> Self:
        """With the smoothing of [train], its way to choose the best, and the directions of [task]. Raises ConfigError
        where both are wanted and the languages have no names."""
        directions = None
        if config.task.both_ways:
            source, target = languages_said(config.data)
            if not source or not target or source.lower() == target.lower():
                raise ConfigError(
                    "both directions are wanted, and the two languages have no names to tell them apart",
                    where="task.both_ways",
                    hint="Say them: --source en --target de, as the files end or the columns are called.",
                )
            directions = target, source
        return cls(config.train.label_smoothing or 0.0, directions, config.train.best_by)

    def heads_of(self, store: TokenStore) -> Heads:
        """None but the one over the vocabulary."""
        return NO_HEADS

    def refuse(self, parts: dict[str, TokenStore]) -> None:
        """Any pairs will do."""

    # --- pairs -> ids -> batches

    @property
    def ways(self) -> Sequence[str | None]:
        """For each way in which a pair is read, the language that is wanted; None: there is one way, without a name."""
        return (None,) if self.directions is None else self.directions

    def prefixes(self, tokenizer: Tokenizer) -> list[tuple[int, ...]]:
        """What sources begin with, for each of the ways."""
        return [() if name is None else (*tokenizer.encode(name), tokenizer.mark) for name in self.ways]

    def source_ids(self, texts: Sequence[str], tokenizer: Tokenizer, way: int = 0) -> list[tuple[int, ...]]:
        """Sources as the model reads them: (direction, mark,) tokens, mark."""
        before, own = self.prefixes(tokenizer)[way], tokenizer.of_source
        return [(*before, *ids, own.mark) for ids in own.encode_batch(list(texts))]

    def pair_ids(self, pairs: Sequence[SentencePair], tokenizer: Tokenizer) -> list[PairIds]:
        """Pairs -> ids, in order, each in all of the ways."""
        texts = [[pair.source for pair in pairs], [pair.target for pair in pairs]]
        own = tokenizer.of_source, tokenizer
        ids = [[tuple(text) for text in by.encode_batch(side)] for by, side in zip(own, texts, strict=True)]
        prefixes = self.prefixes(tokenizer)
        return [
            PairIds(
                (*prefix, *ids[way][number], tokenizer.of_source.mark),
                ids[1 - way][number],
                pair.place,
                utf8_size(texts[1 - way][number]),
                len(texts[1 - way][number]),
                way,
                (
                    None if own[way].exact else texts[way][number],
                    None if own[1 - way].exact else texts[1 - way][number],
                ),
            )
            for number, pair in enumerate(pairs)
            for way, prefix in enumerate(prefixes)
        ]

    def source_text(self, pair: PairIds, tokenizer: Tokenizer) -> str:
        """What stands to be translated, without its direction."""
        start = 0 if self.directions is None else pair.source.index(tokenizer.of_source.mark) + 1
        return text_of(pair.source[start:-1], pair.kept[0], tokenizer.of_source)

    def documents(self, texts: Sequence[Document], tokenizer: Tokenizer) -> list[PairIds]:
        """Documents of pairs as ids."""
        return self.pair_ids([SentencePair.of(document) for document in texts], tokenizer)

    def encode(self, documents: Iterable[Document], tokenizer: Tokenizer, folder: Path) -> TokenStore:
        """Documents -> ids on disk, a source and its target one after the other. Raises NoSpace."""
        own = tokenizer.of_source, tokenizer
        n_ids = max(by.vocab_size for by in own)
        mark, fields = n_ids - 1 if tokenizer.source_vocab_size else tokenizer.mark, field_of_texts(*own)
        with StoreWriter(folder, n_ids, fields=fields, mark=mark) as writer:
            documents = iter(documents)
            while some := [SentencePair.of(document) for document in islice(documents, ENCODE_TOGETHER)]:
                sources = tokenizer.of_source.encode_arrays([pair.source for pair in some])
                targets = tokenizer.encode_arrays([pair.target for pair in some])
                texts = [
                    (text, ids, by, pair.place)
                    for pair, *sides in zip(some, sources, targets, strict=True)
                    for text, ids, by in zip((pair.source, pair.target), sides, own, strict=True)
                ]
                writer.add_all(
                    [(ids, utf8_size(text), len(text), place) for text, ids, _, place in texts],
                    kept_texts((text, ids, by) for text, ids, by, _ in texts) if fields else None,
                )
            return writer.close()

    def written(self, store: TokenStore) -> range:
        """The targets; of a model of both directions all."""
        return range(store.n_documents) if len(self.ways) > 1 else range(1, store.n_documents, 2)

    def examples(self, store: TokenStore, tokenizer: Tokenizer, max_tokens: int | None = None) -> Iterator[PairIds]:
        """The pairs of a store up to max_tokens in all, the first one in any case."""
        n_tokens, prefixes, own = 0, self.prefixes(tokenizer), OwnTexts(store)
        for number in range(store.n_documents // 2 * len(prefixes)):
            pair = stored_pair(store, number, tokenizer, prefixes, own)
            n_tokens += len(pair.source) + len(pair.target)
            if number and max_tokens is not None and n_tokens > max_tokens:
                return
            yield pair

    def rows(self, store: TokenStore, tokenizer: Tokenizer, config: Config) -> PairRows:
        """The pairs that fit into model.seq_len."""
        return PairRows(store, tokenizer, config.model.seq_len, self.prefixes(tokenizer))

    def sampler(self, rows: PairRows, config: Config) -> LengthSampler:
        """Batches of at most train.batch × model.seq_len places. Raises ConfigError for another order than shuffle."""
        return sampler_by_length(rows, config, "a pair", "pairs")

    def collate(self, rows: PairRows, indices: Sequence[int]) -> Batch:
        """Pairs by number -> a batch."""
        by = rows.tokenizer
        return self.batch([rows.pair(number) for number in indices], by.mark, begin=by.begin)

    def batch(
        self, pairs: Sequence[PairIds], mark: int, device: torch.device | str = "cpu", begin: int | None = None
    ) -> Batch:
        """Each target is read as mark + tokens and predicts tokens + mark. begin: what it begins with, where that is
        not the mark."""
        begin = mark if begin is None else begin
        source, source_segments = padded([pair.source for pair in pairs], device)
        ids, segments = padded([(begin, *pair.target) for pair in pairs], device)
        targets, _ = padded([(*pair.target, mark) for pair in pairs], device)
        if segments is not None:
            targets = targets.masked_fill(segments < 0, IGNORED)
        n_targets = sum(len(pair.target) + 1 for pair in pairs)
        return Batch(ids, targets, segments, n_targets, source, source_segments)

    # --- loss and numbers

    def loss(self, model: Any, batch: Batch, state: Any = None) -> tuple[LossSum, Any]:
        """Nats over the batch's targets, with the gradient of the smoothed loss and of what a teacher says; and the
        state after them."""
        begun = model.begin(batch.source, batch.source_segments)
        hidden, after = model(batch.ids, batch.segments, begun)
        lesson = self.teacher.lesson(batch) if self.teacher is not None and model.training else None
        nats = model.head.nll(hidden, batch.targets, self.label_smoothing if model.training else 0.0, lesson)
        return LossSum(nats.sum(), batch.n_targets), after

    def measure(
        self,
        model: EncoderDecoder,
        examples: Iterable[PairIds],
        tokenizer: Tokenizer,
        config: Config,
        n_blocks: int | None = None,
    ) -> list[ExampleScore]:
        """Nats of each target given its source, in the order of the pairs. Raises ContextFull for a longer one."""
        pairs, at_once = list(examples), config.eval.batch
        refuse_beyond_context(model, [max(len(pair.source), len(pair.target) + 1) for pair in pairs])
        scores: list[ExampleScore | None] = [None] * len(pairs)
        by_length = sorted(range(len(pairs)), key=lambda n: (len(pairs[n].target), len(pairs[n].source)))
        with reading(model):
            for start in range(0, len(pairs), at_once):
                numbers = by_length[start : start + at_once]
                together, device = [pairs[number] for number in numbers], device_of(model)
                some = self.batch(together, tokenizer.mark, device, tokenizer.begin)
                assert some.source is not None
                nats, _ = model.nll(
                    some.ids, some.targets, some.segments, model.begin(some.source, some.source_segments)
                )
                for number, own in zip(numbers, nats.to("cpu", torch.float64).sum(dim=1).tolist(), strict=True):
                    pair = pairs[number]
                    scores[number] = ExampleScore(pair.place, own, len(pair.target) + 1, pair.n_bytes, pair.n_chars)
        return [score for score in scores if score is not None]

    def metrics(self, scores: Sequence[ExampleScore]) -> dict[str, float]:
        """loss perplexity bpb bpc of the targets, and the counts behind them."""
        return metrics_of(scores)

    def as_documents(self, examples: Iterable[PairIds]) -> list[DocumentIds]:
        """The targets alone: a floor reads no source."""
        return [(pair.target, pair.n_bytes, pair.n_chars, pair.place) for pair in examples]

    def output_scores(
        self, model: EncoderDecoder, tokenizer: Tokenizer, examples: Iterable[PairIds], config: Config
    ) -> dict[str, float]:
        """bleu and chrf of greedy translations of the first pairs, of both directions the mean; {} where the best is
        chosen by the loss."""
        if self.best_by == "loss":
            return {}
        settings = BeamSettings(beams=1, max_new_tokens=config.generate.max_new_tokens)
        some = list(islice(examples, N_TRANSLATED))
        found: list[dict[str, float]] = []
        for way in range(len(self.ways)):
            done = self.translated(model, tokenizer, some, settings, way)
            language, _ = scored_as(languages_said(config.data)[1 - way], done.references)
            scores = translation_scores(done.outputs, done.references, language, resamples=1)
            found.append({name: score.value for name, score in scores.items()})
        return {name: sum(one[name] for one in found) / len(found) for name in found[0]}

    def judge(
        self,
        model: EncoderDecoder,
        tokenizer: Tokenizer,
        examples: Sequence[PairIds],
        config: Config,
        training: TokenStore | None = None,
    ) -> Judgement:
        """bleu and chrf of the translations by the search of [generate]; of the sources as they stand (copy), and word
        by word by what stands beside what in training (dictionary). The scores are tested on the references first.

        Of a model of both directions, the names of the scores of the second one end in _back."""
        judged = [self.judged(model, tokenizer, examples, config, training, way) for way in range(len(self.ways))]
        first, *others = judged
        rows = [iter(one.rows) for one in judged]
        return Judgement(
            metrics=first.metrics | {f"{name}{BACK}": value for one in others for name, value in one.metrics.items()},
            intervals=first.intervals
            | {f"{name}{BACK}": interval for one in others for name, interval in one.intervals.items()},
            baselines={
                name: scores
                | {f"{measure}{BACK}": value for one in others for measure, value in one.baselines[name].items()}
                for name, scores in first.baselines.items()
            },
            convention=first.convention
            | {f"{name}{BACK}": value for one in others for name, value in one.convention.items()}
            | {"beams": config.generate.beams, "length_power": config.generate.length_power},
            rows=[next(rows[pair.way]) for pair in examples],
            notes=[*dict.fromkeys(note for one in judged for note in one.notes)],
        )

    def judged(
        self,
        model: EncoderDecoder,
        tokenizer: Tokenizer,
        examples: Sequence[PairIds],
        config: Config,
        training: TokenStore | None,
        way: int,
    ) -> Judgement:
        """judge of the examples of one way."""
        settings = BeamSettings.of(config.generate)
        done = self.translated(model, tokenizer, examples, settings, way)
        references = done.references
        language, notes = scored_as(languages_said(config.data)[1 - way], references)
        how_sure = config.eval.resamples, config.eval.confidence, config.eval.seed
        ours = translation_scores(done.outputs, references, language, *how_sure)
        others = {"copy": done.sources}
        if training is not None:
            dictionary = WordDictionary.learned(sides_of(training, tokenizer, way))
            others["dictionary"] = [dictionary.translate(source) for source in done.sources]
        baselines = {name: translation_scores(texts, references, language, 1) for name, texts in others.items()}
        tested = self_test(references, language)
        return Judgement(
            metrics={name: score.value for name, score in ours.items()},
            intervals={name: score.interval for name, score in ours.items() if score.interval is not None},
            baselines={
                name: {measure: score.value for measure, score in found.items()} for name, found in baselines.items()
            },
            convention={f"{name}_signature": score.signature for name, score in ours.items()}
            | {
                f"{name}_self_test": message(
                    "%(identical)s of the references beside themselves, %(shuffled)s in another order",
                    identical=f"{found.identical:.1f}",
                    shuffled=f"{found.shuffled:.1f}",
                )
                for name, found in tested.items()
            },
            rows=[
                {"sentence": number, "output": done.outputs[number], "reference": reference}
                | ({} if self.directions is None else {"way": way})
                for number, reference in done.pairs
            ],
            notes=[*notes, *done.notes, *doubts(tested)],
        )

    # --- translations

    def translated(
        self, model: EncoderDecoder, tokenizer: Tokenizer, examples: Sequence[PairIds], settings: BeamSettings, way: int
    ) -> TranslatedPairs:
        """The examples of one way, each source translated once."""
        number_of: dict[str, int] = {}
        pairs = [
            (
                number_of.setdefault(self.source_text(pair, tokenizer), len(number_of)),
                text_of(pair.target, pair.kept[1], tokenizer),
            )
            for pair in examples
            if pair.way == way
        ]
        sources = list(number_of)
        outputs = [best[0].text for best in self.translations(model, tokenizer, sources, settings, way)]
        return TranslatedPairs(sources, outputs, pairs)

    def predict(
        self, model: EncoderDecoder, tokenizer: Tokenizer, inputs: Sequence[str], config: Config, seed: int
    ) -> Iterator[str]:
        """The best translation of each text, by the search of [generate], in the first direction."""
        for best in self.translations(model, tokenizer, inputs, BeamSettings.of(config.generate)):
            yield best[0].text

    def translations(
        self,
        model: EncoderDecoder,
        tokenizer: Tokenizer,
        texts: Sequence[str],
        settings: BeamSettings | None = None,
        way: int = 0,
        batch: int = 32,
        forced: Sequence[Forced | None] | None = None,
    ) -> Iterator[list[Translation]]:
        """The n best translations of each text, in order; of an empty text the one empty text. way: number of the
        direction. forced: for each text what its translations must hold.

        Raises ContextFull, before anything is translated, where a text is longer than the model can read.
        """
        sources = self.source_ids(texts, tokenizer, way)
        refuse_beyond_context(model, [len(source) for source in sources])
        full = [number for number, text in enumerate(texts) if text.strip()]
        told = None if forced is None else [forced[number] for number in full]
        some = [sources[number] for number in full]
        found = search(model, some, tokenizer.mark, settings, batch, told, tokenizer.begin)
        for text in texts:
            if not text.strip():
                yield [Translation("", 0.0, ended=True)]
                continue
            best = next(found)
            yield [Translation(tokenizer.decode(one.ids), one.score, one.ended, one) for one in best]

    def looked_at(
        self,
        model: EncoderDecoder,
        tokenizer: Tokenizer,
        text: str,
        settings: BeamSettings | None = None,
        forced: Forced | None = None,
        way: int = 0,
    ) -> tuple[list[str], list[str], list[list[float]]]:
        """Tokens of the text, of its best translation, and how much each of these looked at each of those; the marks
        at their ends are "". Raises ContextFull where the text is longer than the model can read."""
        [source], mark, device = self.source_ids([text], tokenizer, way), tokenizer.mark, device_of(model)
        refuse_beyond_context(model, [len(source)])
        begin = mark if tokenizer.begin is None else tokenizer.begin
        [best, *_] = next(search(model, [source], mark, settings, forced=[forced], begin=begin))
        written = [*best.ids, *([mark] if best.ended else [])]
        with reading(model):
            begun = model.begin(torch.tensor([source], device=device))
            read = torch.tensor([[begin, *written[:-1]]], device=device)
            weights = model.attention_to_source(read, None, begun)[0]  # (T, S)
        shown = [
            ["" if token == by.mark else by.decode([token]) for token in side]
            for by, side in ((tokenizer.of_source, source), (tokenizer, written))
        ]
        return shown[0], shown[1], weights.tolist()

    def opening(self, config: Config, prepared: Prepared) -> str:
        """A few held-out sources, a line each."""
        store = prepared.valid or prepared.train
        some = range(min(N_SAMPLES, store.n_documents // 2))
        own, by = OwnTexts(store), prepared.tokenizer.of_source
        texts = [text_of(store.document(2 * number).tolist(), own.kept(2 * number), by) for number in some]
        return "\n".join(" ".join(text.split()) for text in texts)

    def samples(
        self, model: Any, tokenizer: Tokenizer, config: Config, opening: str, n: int, n_tokens: int
    ) -> list[str]:
        """The first n lines of the opening, each with its likeliest translation below it."""
        sources = opening.split("\n")[:n]
        settings = BeamSettings(beams=1, max_new_tokens=max(1, n_tokens))
        found = self.translations(model, tokenizer, sources, settings)
        return [f"{source}\n→ {best[0].text}" for source, best in zip(sources, found, strict=True)]


def scored_as(said: str, references: References) -> tuple[str, list[str]]:
    """The language that scores are taken for, and a note where it is not the one that is said."""
    texts = [text for own in each_of(references) for text in own]
    found = language_of(texts)
    if said and cut_wrongly(texts, said):
        note = message(
            "The target is said to be %(said)s, and its letters are of a script without blanks between words: BLEU is "
            "taken over characters, as for Chinese.",
            said=said,
        )
        return "zh", [note]
    return said or found, []


def doubts(tested: Mapping[str, SelfTest]) -> list[str]:
    """What the test of the scores on the references themselves found."""
    notes: list[str] = []
    for name, found in tested.items():
        said = {"score": TITLES[name], "found": f"{found.identical:.1f}", "shuffled": f"{found.shuffled:.1f}"}
        if found.identical < 100:
            notes.append(
                message(
                    "%(score)s of the references beside themselves is %(found)s, not 100: these texts are too short "
                    "for it, or cut wrongly.",
                    **said,
                )
            )
        if found.shuffled > ALIKE[name]:
            notes.append(
                message(
                    "%(score)s of the references in another order is %(shuffled)s: these lines are much alike, and a "
                    "translation of nothing in particular scores so much.",
                    **said,
                )
            )
    return notes


def language_of(texts: Sequence[str]) -> str:
    """zh or en, as most of their letters are; scores of other languages are cut as those of English are."""
    return "zh" if languages(texts).get("zh", 0.0) > 0.5 else "en"


def stored_pair(
    store: TokenStore,
    number: int,
    tokenizer: Tokenizer,
    prefixes: Sequence[tuple[int, ...]] = ((),),
    own: OwnTexts | None = None,
) -> PairIds:
    """Pair `number` of a store, each counted once for each way to read it. prefixes: Translate.prefixes. own: the texts
    themselves, where they are wanted."""
    pair, way = divmod(number, len(prefixes))
    source, target = 2 * pair + way, 2 * pair + 1 - way
    return PairIds(
        (*prefixes[way], *store.document(source).tolist(), tokenizer.of_source.mark),
        tuple(store.document(target).tolist()),
        store.source(2 * pair),
        store.document_bytes(target),
        store.document_chars(target),
        way,
        (None, None) if own is None else (own.kept(source), own.kept(target)),
    )


def sides_of(store: TokenStore, tokenizer: Tokenizer, way: int) -> Iterator[tuple[str, str]]:
    """The texts of all pairs of a store, source first."""
    by, own = (tokenizer.of_source, tokenizer), OwnTexts(store)
    for number in range(store.n_documents // 2):
        places = [(side, 2 * number + side) for side in (way, 1 - way)]
        sides = [text_of(store.document(place).tolist(), own.kept(place), by[side]) for side, place in places]
        yield sides[0], sides[1]


def refuse_beyond_context(model: EncoderDecoder, lengths: Sequence[int]) -> None:
    """Raises ContextFull where one of the texts, its marks counted, is longer than the model reads."""
    for number, length in enumerate(lengths, start=1):
        if model.max_context is not None and length > model.max_context:
            raise ContextFull(
                f"text {number} has {length} tokens with its marks, and the model reads {model.max_context}",
                hint="Cut it into sentences, or train with a longer --model.seq_len.",
            )
