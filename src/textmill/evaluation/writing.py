"""How a run writes, beside people's text of the same corpus: loops, repetition, copies, and the way of writing to take.

Room: evaluation/. Called by `eval --writing`; the causes of loops are told in loop_causes.py, the copies in copied.py.
A model writes on from the beginnings of held-out documents and, where chance decides, from nothing. People's text are
pieces of held-out documents that are as long, so that both have the same room to repeat themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from textmill.config import Config
from textmill.config.measure import GenerateConfig
from textmill.errors import InputError, RunError
from textmill.evaluation.copied import copied
from textmill.evaluation.loop_causes import Facts, causes_of, loops_more, still_falling
from textmill.files import make_folder, sealed, write_atomically
from textmill.generation.copying import least_copied
from textmill.generation.loops import find_loop
from textmill.generation.writing import PromptIds, write
from textmill.messages import message, record_of
from textmill.metrics.language import ExampleScore, metrics_of
from textmill.models import NextToken
from textmill.results import Copied, Generated, WritingCandidate, WritingMeasured, WritingScore, WrittenText
from textmill.runs import Prepared, Run
from textmill.tasks.lm import BY_TEMPLATE, spans_of
from textmill.tasks.measuring import TokenSizes, score_documents
from textmill.tokens import Tokenizer, TokenStore

if TYPE_CHECKING:
    from pathlib import Path

PROMPT_TOKENS = 16
FREE_SHARE = 4  # of so many texts one is written from nothing
TOGETHER = 32  # rows written together
PIECES_OF_PEOPLE = 4  # for each written text
LONGEST_N_GRAM, OF_DISTINCT = 4, 3
FEW_COPIED = 0.02  # of people's held-out text: so little may count as copied
WIDER = (1, 1.5, 2, 3, 4)  # times the least length, until so little does
ENDS_LOOKED_AT, READ_BEFORE_AN_END = 100, 128
CHOSEN_KNOBS = ("temperature", "top_p", "repetition_penalty", "no_repeat")
PLAIN = {"top_k": 0, "min_p": 0.0, "presence_penalty": 0.0, "frequency_penalty": 0.0}
TRIED: tuple[dict[str, float | int], ...] = tuple(
    {"temperature": temperature, "top_p": top_p, "repetition_penalty": penalty, "no_repeat": no_repeat}
    for penalty, no_repeat, cuts in (
        (1.0, 0, ((0.6, 1.0), (0.8, 0.95), (0.8, 1.0), (1.0, 0.9), (1.0, 0.95), (1.0, 1.0))),
        (1.0, 8, ((0.8, 0.95), (0.8, 1.0), (1.0, 0.95))),
        (1.1, 0, ((0.8, 0.95), (0.8, 1.0), (1.0, 0.95))),
    )
    for temperature, top_p in cuts
)
"""What --choose tries besides what the run has: from bold to the model's own distribution; some of them without any run
of eight tokens twice, or with a light penalty (Keskar et al. 2019 take 1.2)."""
MARGIN = 0.02  # the loop rate may lie so far above that of people's text


@dataclass(frozen=True)
class Beginning:
    """A place in a held-out document that is written on from. ids: what begins it included; rest: what people wrote."""

    text: str
    ids: list[int]
    rest: list[int]


def measure_writing(
    run: Run,
    config: Config,
    checkpoint: str | None = None,
    n_texts: int = 100,
    choose: bool = False,
    told: Callable[[str], None] = lambda text: None,
) -> WritingMeasured:
    """Write n_texts texts and measure them. config: the run's, with what is said now of [generate].

    Without `choose` from beginnings of the validation part. With it each way of writing of TRIED is measured on those,
    the one that is nearest to people's text (|difference in bits per byte by the model itself|: Holtzman et al. 2020,
    arXiv:1904.09751, section 4.2) among those whose loop rate is at most two points above theirs is chosen, and that
    one is measured, once, on the test part. It is not written to the run: see keep_chosen.
    Raises RunError for a run that is no language model or whose text is gone, InputError where nothing was held out.
    """
    refuse_what_does_not_write(run)
    prepared = run.prepared()
    model = run.model(checkpoint, device=config.machine.device)
    notes: list[str] = []
    validation = prepared.valid if prepared.valid is not None and prepared.valid.n_documents else None
    test = prepared.test if prepared.test is not None and prepared.test.n_documents else None
    store = validation or test
    if store is None:
        raise InputError(
            "nothing was held out when this run was trained: there is no beginning to write on from, and no text of "
            "people beside it",
            where=str(run.path),
            hint="Train with a part held out: --valid PATH, or leave --data.valid_share at its default.",
        )
    if choose and (validation is None or test is None):
        raise InputError(
            "a way of writing is chosen on the validation part and measured on the test part; this run has not both",
            where=str(run.path),
            hint="Leave --choose out, or train with both held out: --valid PATH --test PATH.",
        )

    pen = _Pen(run, model, prepared, config, n_texts)
    candidates: list[WritingCandidate] = []
    chosen: dict[str, float | int] | None = None
    settings = config.generate
    if choose:
        candidates = _tried(pen, store, settings, told)
        fit = [each for each in candidates if each.stays]
        best = min(fit or candidates, key=lambda each: (each.distance if fit else each.score.loop_rate, each.distance))
        if not fit:
            notes.append(
                message("No way of writing that was tried keeps within two points of people: the one that loops least.")
            )
        chosen = best.settings
        settings = settings.model_copy(update=PLAIN | chosen)
        assert test is not None
        store = test
    name: Literal["validation", "test"] = "validation" if store is validation else "test"

    told(f"writing {n_texts} texts …")
    beginnings = pen.beginnings(store)
    written = pen.written(beginnings, settings)
    pieces = pen.pieces_of_people(store, [each.text for each in written], notes)
    score = pen.score(beginnings, written, settings)
    people = pen.score_of_people(store, beginnings, pieces, settings)
    told("writing as the model itself would, and always the likeliest token …")
    plain = GenerateConfig(temperature=1.0, top_p=1.0, max_new_tokens=settings.max_new_tokens)
    bold = plain.model_copy(update={"temperature": 0.0})
    sampled, greedy = (pen.score(beginnings, pen.written(beginnings, way), way) for way in (plain, bold))

    told("looking for copies in the training text …")
    copies, of_people = _copies([each.text for each in written], pieces, prepared, notes)
    score = score.model_copy(update={"copied": _share(copies)})
    people = people.model_copy(update={"copied": _share(of_people)})

    facts = pen.facts(store, people)
    return WritingMeasured(
        run=str(run.path),
        data=name,
        checkpoint=str(checkpoint if checkpoint is not None else run.default_checkpoint)
        if run.kind == "network"
        else "",
        settings=settings.model_dump(mode="json"),
        model=score,
        people=people,
        sampled=sampled,
        greedy=greedy,
        facts=facts.told(),
        loops=loops_more(score, people.loop_rate),
        causes=causes_of(facts, score, people, sampled, greedy, str(run.path)),
        candidates=candidates,
        chosen=chosen,
        texts=[
            WrittenText(
                prompt=each.prompt, text=each.text, finish_reason=each.finish_reason, loop=_loop(each.text), copied=own
            )
            for each, own in zip(written, copies, strict=True)
        ],
        notes=notes,
        messages=record_of(notes),
    )


def save_writing(run_path: Path, found: WritingMeasured) -> Path:
    """Write eval/writing.json of a run folder, atomically; the path. Raises NoSpace."""
    make_folder(run_path / "eval")
    path = run_path / "eval" / "writing.json"
    write_atomically(path, sealed(found.model_copy(update={"seal": ""}).to_json(indent=2) + "\n"))
    return path


def keep_chosen(run: Run, chosen: dict[str, float | int]) -> None:
    """Make a way of writing that of the run: its config.toml says it, so generate, chat and the report take it.

    Only for a run whose lock is held or that nobody trains. Raises NoSpace.
    """
    generate = run.config.generate.model_copy(update=PLAIN | chosen)
    run.info["chosen"] = {"generate": chosen, "by": "textmill eval --writing --choose", "in": "eval/writing.json"}
    run.write_config(run.config.model_copy(update={"generate": generate}))


def refuse_what_does_not_write(run: Run) -> None:
    """Raises RunError where a run is no language model."""
    if run.info["form"] != "decoder":
        raise RunError(
            f"how it writes is measured of language models (this is {run.config.task.name})",
            where=str(run.path),
            hint=f"Measure it as it is: textmill eval {run.path}",
        )


def answers_in(store: TokenStore) -> list[tuple[int, int, int]] | None:
    """(document, start, stop) of each stretch that is learned, where the rest is only read; None where all is."""
    spans = spans_of(store)
    if spans is None:
        return None
    return [(number, start, stop) for number, own in enumerate(spans) for start, stop in own]


class _Pen:
    """A model that writes from held-out beginnings, and what its texts are held against."""

    def __init__(self, run: Run, model: NextToken, prepared: Prepared, config: Config, n_texts: int):
        self.run, self.model, self.prepared, self.config, self.n_texts = run, model, prepared, config, n_texts
        self.tokenizer: Tokenizer = prepared.tokenizer
        self.sizes = TokenSizes.of(self.tokenizer)
        self.begin_mark = config.tokens.begin_mark and self.tokenizer.begin is not None
        self.begin = [self.tokenizer.begin] if self.begin_mark and self.tokenizer.begin is not None else []
        self.seed = config.eval.seed

    def beginnings(self, store: TokenStore) -> list[Beginning]:
        """As many as texts are wanted, of documents drawn without repetition; where there are fewer, from inside them.

        A document is written on from its first 16 tokens, or from its first half where it is shorter. Of conversations
        and of texts under conditions, what is only read is the beginning: fewer, where there are fewer answers.
        """
        generator = np.random.default_rng([self.seed, 1])
        if (answers := answers_in(store)) is not None:
            drawn = generator.permutation(len(answers))[: self.n_texts].tolist()
            return [self._before(store, *answers[number]) for number in drawn]
        lengths = np.diff(store.starts) - 1
        numbers = np.flatnonzero(lengths >= 2)
        if not len(numbers):
            raise InputError("no held-out document has two tokens to begin with", where=str(self.run.path))
        numbers = generator.permutation(numbers)[: self.n_texts]
        places = [(int(number), 0) for number in numbers]
        roomy = [number for number in numbers.tolist() if lengths[number] > 2 * PROMPT_TOKENS]
        while roomy and len(places) < self.n_texts:
            number = int(generator.choice(roomy))
            places.append((number, int(generator.integers(1, lengths[number] - PROMPT_TOKENS))))
        return [self._beginning(store.document(number).tolist(), start) for number, start in places]

    def _beginning(self, ids: list[int], start: int) -> Beginning:
        n = min(PROMPT_TOKENS, max(1, (len(ids) - start) // 2))
        own = ids[start : start + n]
        return Beginning(self.tokenizer.decode(own), [*(self.begin if start == 0 else []), *own], ids[start + n :])

    def _before(self, store: TokenStore, number: int, start: int, stop: int) -> Beginning:
        ids = store.document(number).tolist()
        begin = [] if BY_TEMPLATE in store.names else self.begin  # a template says what it begins with
        return Beginning(self.tokenizer.decode(ids[:start]), [*begin, *ids[:start]], ids[start:stop])

    def written(self, beginnings: Sequence[Beginning], settings: GenerateConfig) -> list[Generated]:
        """A text from each beginning; where chance decides, a quarter of them from nothing."""
        is_free = self.begin_mark and settings.temperature > 0 and answers_in(self.prepared.train) is None
        n_free = len(beginnings) // FREE_SHARE if is_free else 0
        prompts = [PromptIds(each.text, each.ids) for each in beginnings[: len(beginnings) - n_free]]
        texts: list[Generated] = []
        for start in range(0, len(prompts), TOGETHER):
            texts += self._write(prompts[start : start + TOGETHER], settings, start)
        return texts + (self._write([""], settings, len(prompts), n_free) if n_free else [])

    def _write(
        self, prompts: Sequence[str | PromptIds], settings: GenerateConfig, number: int, n: int = 1
    ) -> list[Generated]:
        seeds = [  # each its own: texts that share their chance are one draw, not many
            int(np.random.SeedSequence([self.seed, number + place]).generate_state(1, np.uint64)[0])
            for place in range(len(prompts))
        ]
        return write(
            self.model, self.tokenizer, prompts, settings, seeds, n, self.begin_mark, notice=lambda text: None
        ).finish()

    def pieces_of_people(self, store: TokenStore, texts: Sequence[str], notes: list[str]) -> list[str]:
        """Pieces of held-out documents, four as long as each text; where no document is so long, whole ones."""
        generator = np.random.default_rng([self.seed, 2])
        places = answers_in(store)
        if places is None:
            places = [(number, 0, len(store.document(number))) for number in range(store.n_documents)]
        documents = [
            self.tokenizer.decode(store.document(number)[start:stop].tolist()) for number, start, stop in places
        ]
        lengths = np.array([len(document) for document in documents])
        pieces, n_short = [], 0
        for text in texts:
            roomy = np.flatnonzero(lengths >= len(text))
            n_short += not len(roomy)
            for _ in range(PIECES_OF_PEOPLE if text else 0):
                number = int(generator.choice(roomy)) if len(roomy) else int(np.argmax(lengths))
                start = int(generator.integers(lengths[number] - len(text) + 1)) if len(roomy) else 0
                pieces.append(documents[number][start : start + len(text)])
        if n_short:
            notes.append(
                message(
                    "%(n)s texts are longer than every held-out document: beside them stands the longest one, whole.",
                    n=n_short,
                )
            )
        return pieces

    def score(
        self, beginnings: Sequence[Beginning], written: Sequence[Generated], settings: GenerateConfig
    ) -> WritingScore:
        heads = [each.ids for each in beginnings[: len(written)]]
        heads = [head if each.prompt else self.begin for head, each in zip(heads, written, strict=True)]
        texts = [each.text for each in written]
        ended = sum(each.finish_reason == "stop" for each in written) / len(written)
        return self._score(texts, self._bpb(heads, [self.tokenizer.encode(text) for text in texts]), ended)

    def score_of_people(
        self, store: TokenStore, beginnings: Sequence[Beginning], pieces: Sequence[str], settings: GenerateConfig
    ) -> WritingScore:
        """Loops and repetition of pieces of the same lengths; bits per byte and ends of what stands after the same
        beginnings."""
        limit = settings.max_new_tokens
        rests = [each.rest[:limit] for each in beginnings]
        ended = sum(len(each.rest) < limit for each in beginnings) / len(beginnings)
        return self._score(pieces, self._bpb([each.ids for each in beginnings], rests), ended, PIECES_OF_PEOPLE)

    def _score(self, texts: Sequence[str], bpb: float | None, ended: float, every: int = 1) -> WritingScore:
        """every: of so many texts one counts for distinct-3, which falls with the number of texts."""
        from scipy.stats import binomtest

        n_loops = sum(find_loop(text) is not None for text in texts)
        interval = binomtest(n_loops, len(texts)).proportion_ci(self.config.eval.confidence, method="wilson")
        ids = [self.tokenizer.encode(text) for text in texts]
        grams = [gram for own in ids[::every] for gram in _grams(own, OF_DISTINCT)]
        return WritingScore(
            n_texts=len(texts),
            n_chars=sum(map(len, texts)),
            loop_rate=n_loops / len(texts),
            loop_interval=(float(interval.low), float(interval.high)),
            rep_4=repeated(ids, LONGEST_N_GRAM),
            distinct_3=len(set(grams)) / len(grams) if grams else 0.0,
            bpb=bpb,
            ended=ended,
        )

    def _bpb(self, heads: Sequence[list[int]], rests: Sequence[list[int]]) -> float | None:
        """Bits per byte that the model spends on what stands after each head."""
        documents: list[Any] = []
        for head, rest in zip(heads, rests, strict=True):
            own = [*head[1:], *rest] if self.begin_mark and head[:1] == [self.tokenizer.begin] else [*head, *rest]
            counted = np.zeros(len(own) + 1, dtype=bool)
            counted[len(own) - len(rest) : len(own)] = True
            n_bytes, n_chars = (int(each[rest].sum()) for each in (self.sizes.n_bytes, self.sizes.n_chars))
            if n_bytes:
                documents.append((own, n_bytes, n_chars, "", counted))
        if not documents:
            return None
        return metrics_of(self._spent(documents))["bpb"]

    def _spent(self, documents: Sequence[Any]) -> list[ExampleScore]:
        return score_documents(
            self.model,
            documents,
            self.tokenizer.mark,
            self.begin_mark,
            batch=self.config.eval.batch,
            sizes=self.sizes,
            begin=self.tokenizer.begin,
        )

    def facts(self, store: TokenStore, people: WritingScore) -> Facts:
        """What the causes of loops are judged by."""
        evaluation = self.run.evaluation()
        floors = {} if evaluation is None else evaluation.baselines
        own = None if evaluation is None else evaluation.metrics.get("bpb")
        floor = min((row["bpb"] for name, row in floors.items() if name.startswith("ngram")), default=None)
        whole = not self.run.info["data"].get("by_blocks")
        return Facts(
            bpb=people.bpb if own is None else own,
            floor_bpb=floor if self.run.kind == "network" and own is not None else None,
            fall=still_falling(self.run.log.read()) if self.run.kind == "network" else None,
            mark_probability=self._mark_probability(store) if whole else None,
            mark_share=store.n_documents / store.n_tokens,
            uniform=1 / self.tokenizer.vocab_size,
            n_marks=self.prepared.train.n_documents,
        )

    def _mark_probability(self, store: TokenStore) -> float | None:
        """Of the end mark where held-out documents end: the geometric mean."""
        numbers = np.linspace(0, store.n_documents - 1, min(ENDS_LOOKED_AT, store.n_documents)).astype(int)
        documents = []
        for number in numbers.tolist():
            ids = store.document(number)[-READ_BEFORE_AN_END:]
            counted = np.zeros(len(ids) + 1, dtype=bool)
            counted[-1] = True
            if len(ids):
                documents.append((ids, 0, 0, "", counted))
        spent = self._spent(documents)
        n = sum(each.n_tokens for each in spent)
        return math.exp(-math.fsum(each.nats for each in spent) / n) if n else None


def _tried(
    pen: _Pen, store: TokenStore, settings: GenerateConfig, told: Callable[[str], None]
) -> list[WritingCandidate]:
    """Every way of writing on the same beginnings, what the run has first."""
    beginnings = pen.beginnings(store)
    own = {name: getattr(settings, name) for name in CHOSEN_KNOBS}
    ways = [own, *(way for way in TRIED if way != own)]
    candidates = []
    for number, way in enumerate(ways, start=1):
        told(f"way of writing {number} of {len(ways)} …")
        changed = settings.model_copy(update=PLAIN | way)
        written = pen.written(beginnings, changed)
        score = pen.score(beginnings, written, changed)
        people = pen.score_of_people(
            store, beginnings, pen.pieces_of_people(store, [each.text for each in written], []), changed
        )
        far = math.inf if score.bpb is None or people.bpb is None else abs(score.bpb - people.bpb)
        candidates.append(
            WritingCandidate(
                settings=way,
                score=score,
                stays=score.loop_rate <= people.loop_rate + MARGIN,
                distance=far,
            )
        )
    return candidates


def _copies(
    texts: Sequence[str], pieces: Sequence[str], prepared: Prepared, notes: list[str]
) -> tuple[list[Copied], list[Copied]]:
    """Of the written texts and of people's. What counts as a copy is so long that at most FEW_COPIED of people's held-
    out text is one; where no length tried is, the longest is taken, and the notes say so."""
    together = [*texts, *pieces]
    least = [least_copied(text) for text in together]
    found = copied(together, prepared, least)
    for script in sorted(set(least)):
        ours = [place for place, own in enumerate(least) if own == script]
        of_people = [place for place in ours if place >= len(texts)]
        for wider in WIDER:
            wanted = round(script * wider)
            again = found if wider == 1 else _at(found, ours, together, prepared, wanted)
            if not of_people or _share([again[place] for place in of_people]) <= FEW_COPIED:
                break
        else:
            notes.append(
                message(
                    "Of people's held-out text, too, %(percent)s %% stands in the training text, in stretches of "
                    "%(n)s characters: what the model copies is to be held against that.",
                    percent=f"{100 * _share([again[place] for place in of_people]):.1f}",
                    n=wanted,
                )
            )
        found = again
    return found[: len(texts)], found[len(texts) :]


def _at(
    found: list[Copied], places: Sequence[int], texts: Sequence[str], prepared: Prepared, least: int
) -> list[Copied]:
    """The copies of the texts at these places counted anew, from a longer least length on."""
    anew = copied([texts[place] for place in places], prepared, [least] * len(places))
    changed = list(found)
    for place, each in zip(places, anew, strict=True):
        changed[place] = each
    return changed


def _share(copies: Sequence[Copied]) -> float:
    n_chars = sum(each.n_chars for each in copies)
    return sum(each.n_copied for each in copies) / n_chars if n_chars else 0.0


def _grams(ids: Sequence[int], n: int) -> list[tuple[int, ...]]:
    return [tuple(ids[place : place + n]) for place in range(len(ids) - n + 1)]


def repeated(texts: Sequence[Sequence[int]], n: int) -> float:
    """rep-n: 1 − different runs of n tokens / all of them, in each text; the mean over the texts that have one.

    Welleck et al. 2020, arXiv:1908.04319, section 6 (seq-rep-n).

    >>> repeated([[1, 2, 1, 2, 1], [1, 2, 3]], 2)
    0.25
    """
    shares = [1 - len(set(grams)) / len(grams) for ids in texts if (grams := _grams(ids, n))]
    return math.fsum(shares) / len(shares) if shares else 0.0


def _loop(text: str) -> str:
    loop = find_loop(text)
    return "" if loop is None else text[loop.start : loop.start + loop.period]
