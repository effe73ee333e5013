"""A remote model measured as a run is: the same scores, intervals and baselines, in the same document. Room: hub/.

Called by the verbs eval and compare. A text is measured by the log-probabilities that the server echoes; labelled
texts, pairs and questions by what the model answers to a prompt (few_shot.py).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from textmill.config import Config
from textmill.errors import InputError, UsageError, did_you_mean
from textmill.evaluation.answer_baselines import BASELINES
from textmill.evaluation.answers import FEW_PASSAGES, difference, scores_of
from textmill.evaluation.answers import alarms as alarms_of_answers
from textmill.evaluation.answers import verdict as verdict_of_answers
from textmill.evaluation.evaluating import FEW_DOCUMENTS, signature
from textmill.hub.few_shot import FewShot
from textmill.hub.remote_model import Prompt, RemoteModel
from textmill.hub.remote_odds import continued
from textmill.hub.remote_work import answer_of, answer_settings, classify_remote, place_of, translate_remote
from textmill.messages import Message, message, paragraph, plural_message, record_of
from textmill.metrics.answers import intervals as intervals_of_answers
from textmill.metrics.answers import metrics_of as metrics_of_answers
from textmill.metrics.bootstrap import intervals
from textmill.metrics.calibration import brier_score, calibration_intervals, expected_calibration_error, noise_floor
from textmill.metrics.classification import class_intervals, class_scores, compare_classes
from textmill.metrics.language import ExampleScore, metrics_of
from textmill.metrics.translation import self_test, translation_scores
from textmill.models.tfidf import Tfidf
from textmill.results import Evaluation
from textmill.tasks.answer import Asked
from textmill.tasks.answering import Refusal
from textmill.tasks.translate import TranslatedPairs, doubts, scored_as
from textmill.text import Document, ReadReport, read_documents
from textmill.text.aligned import SentencePair
from textmill.text.columns import utf8_size
from textmill.text.documents import ANSWERS, LABELS, QUESTION, QUESTION_ID
from textmill.text.sides import languages_said

PIECE = 4000
"""Characters of a text that are read together, unless it is said."""
KINDS = {"classify": "labelled", "translate": "pairs", "answer": "questions"}
"""Task of a file of examples -> what its documents are called in [data]."""
UNANSWERED = "(none of the labels)"


@dataclass(frozen=True)
class TextWays:
    """How a text is measured. begin: what stands before each piece and is not counted, so that its first token has a
    probability; "": none, and that token has none. piece: characters that are read together."""

    begin: str = ""
    piece: int = PIECE


def evaluate_remote(
    model: RemoteModel,
    data: str,
    config: Config,
    few: FewShot | None = None,
    ways: TextWays | None = None,
    probable: bool = False,
) -> Evaluation:
    """Measure a remote model on a file or folder: with examples on what their task asks, without on the text itself.

    config: [data] reads it, [eval] says how sure. probable: labels with their probabilities, as the server tells them.
    Raises InputError for data that does not fit, UsageError for probabilities of what has no labels, RemoteError.
    """
    if probable and (few is None or few.task != "classify"):
        raise UsageError('--probabilities are of labels: --prompts FILE with task = "classify"')
    documents, notes = read_for(data, config, few)
    if few is None:
        return _of_text(model, data, documents, notes, config, ways or TextWays())
    if few.task == "classify":
        return _of_labels(model, data, documents, notes, config, few, probable)
    measured = {"translate": _of_pairs, "answer": _of_questions}[few.task]
    return measured(model, data, documents, notes, config, few)


def read_for(data: str, config: Config, few: FewShot | None) -> tuple[list[Document], list[str]]:
    """The documents, as the task of the examples reads them, and what is to be said of them. Raises InputError."""
    kind = {} if few is None else {KINDS[few.task]: True}
    report = ReadReport()
    documents = list(read_documents([data], config.data.model_copy(update=kind), report))
    if not documents:
        raise InputError("there is no document here to measure on", where=data)
    notes = list(report.notes)
    if report.n_bad_records:
        notes.append(
            message(
                "%(n)s records could not be read and were left out; first: %(first)s",
                n=f"{report.n_bad_records:,}",
                first=report.bad_records[0] if report.bad_records else "",
            )
        )
    return documents, notes


def planned(
    documents: Sequence[Document], few: FewShot | None, ways: TextWays, probable: bool = False
) -> dict[str, Any]:
    """What measuring would ask at most: requests, and characters of their prompts."""
    if few is None:
        texts = [f"{ways.begin}{piece}" for document in documents for piece in pieces_of(document.text, ways.piece)]
    else:
        texts = [prompt_of(document, few).text for document in documents]
        if probable:
            texts = [text for prompt in texts for text in continued(prompt, few.labels)]
    texts = list(dict.fromkeys(texts))
    return {"requests": len(texts), "characters of prompts": sum(map(len, texts))}


def prompt_of(document: Document, few: FewShot) -> Prompt:
    """The prompt for a document that is read for the task of the examples."""
    if few.task == "classify":
        return few.prompt(text=document.text)
    if few.task == "translate":
        return few.prompt(source=document.text)
    return few.prompt(passage=document.text, question=document.meta[QUESTION])


# --- texts


def pieces_of(text: str, most: int) -> Iterator[str]:
    """A text in pieces of at most so many characters, cut behind a line end or blank where one is near; together they
    are the text.

    >>> list(pieces_of("one two three", 9)), list(pieces_of("山重水复疑无路", 3))
    (['one two ', 'three'], ['山重水', '复疑无', '路'])
    """
    start = 0
    while len(text) - start > most:
        least = start + max(1, most // 2)
        line, blank = (text.rfind(mark, least, start + most) for mark in ("\n", " "))
        cut = line if line >= 0 else blank
        end = cut + 1 if cut >= 0 else start + most
        yield text[start:end]
        start = end
    if start < len(text) or not text:
        yield text[start:]


def _of_text(
    model: RemoteModel, data: str, documents: Sequence[Document], notes: list[str], config: Config, ways: TextWays
) -> Evaluation:
    settings = config.eval
    pieces = [(number, piece) for number, one in enumerate(documents) for piece in pieces_of(one.text, ways.piece)]
    full = [(number, piece) for number, piece in pieces if piece]
    if not full:
        raise InputError("there is no text here to measure on", where=data)
    scores, n_unscored, bytes_unscored = [], 0, 0
    for (number, piece), echo in zip(full, model.echoes([ways.begin + piece for _, piece in full]), strict=True):
        begins = len(ways.begin)
        over = next((token for token in echo.tokens if token.start < begins < token.end), None)
        if over is not None:
            raise InputError(
                f"a token of this server, {over.text!r}, reaches from --begin into the text: what it costs belongs to "
                "neither alone",
                where=documents[number].source,
                hint=r"Let it end in a mark of its own, such as a line end: --begin $'\n'",
            )
        scored = [token for token in echo.scored if token.start >= begins]
        before = b"" if begins else echo.unscored_bytes
        n_unscored += 0 if begins else echo.n_unscored
        bytes_unscored += len(before)
        n_chars = len(piece) - sum(byte & 0xC0 != 0x80 for byte in before)
        nats = -math.fsum(token.logprob or 0.0 for token in scored)
        scores.append(
            ExampleScore(documents[number].source, nats, len(scored), utf8_size(piece) - len(before), n_chars)
        )
    alone = len(documents) == 1
    if not alone:
        scores = _by_document([number for number, _ in full], scores)
    found = intervals(scores, settings.resamples, settings.confidence, settings.seed)
    if not found:
        notes.append(message("This is too little text for an interval."))
    elif not alone and len(scores) < FEW_DOCUMENTS:
        notes.append(message("There are only %(n)s documents: the intervals are rough.", n=len(scores)))
    notes.append(
        message("There is no floor: what a remote model was trained on is not known, nor whether this text was in it.")
    )
    metrics = metrics_of(scores)
    said: dict[str, Any] = {
        "loss": message("nats per token"),
        "perplexity": message("per token"),
        "bpb": message("bits per UTF-8 byte"),
        "bpc": message("bits per code point"),
        "token": message("those of the server of %(name)s", name=model.name),
        "end_mark": message("not scored: a server does not tell it"),
        "begin_mark": False,
        "begins_with": repr(ways.begin) if ways.begin else message("nothing"),
        "unscored": message(
            "%(tokens)s tokens of %(bytes)s bytes, the first of each piece: they have no probability and are not "
            "counted",
            tokens=f"{n_unscored:,}",
            bytes=f"{bytes_unscored:,}",
        ),
        "documents": message("read apart"),
        "window": message("pieces of at most %(n)s characters", n=f"{ways.piece:,}"),
        "stride": None,
        "resampled": message("%(n)s pieces of one document", n=f"{len(scores):,}")
        if alone
        else message("%(n)s documents", n=f"{len(scores):,}"),
        **_how_sure(config),
    }
    rows = [vars(score) | {"source": printable(score.source)} for score in scores]
    evaluation = _document(model, data, metrics, found, {}, said, notes, rows)
    evaluation.convention["signature"] = signature(evaluation)
    evaluation.verdict = message(
        "It spends %(bpb)s bits on a byte of this text and %(bpc)s on a character.",
        bpb=f"{metrics['bpb']:.3f}",
        bpc=f"{metrics['bpc']:.3f}",
    )
    return _recorded(evaluation)


def _by_document(numbers: Sequence[int], scores: Sequence[ExampleScore]) -> list[ExampleScore]:
    """The pieces of each document together."""
    together: dict[int, list[ExampleScore]] = {}
    for number, score in zip(numbers, scores, strict=True):
        together.setdefault(number, []).append(score)
    return [
        ExampleScore(
            own[0].source,
            math.fsum(one.nats for one in own),
            sum(one.n_tokens for one in own),
            sum(one.n_bytes for one in own),
            sum(one.n_chars for one in own),
        )
        for own in together.values()
    ]


# --- classes


def _of_labels(
    model: RemoteModel,
    data: str,
    documents: Sequence[Document],
    notes: list[str],
    config: Config,
    few: FewShot,
    probable: bool = False,
) -> Evaluation:
    """An answer that is none of the labels is a class of its own, which no text has: it is wrong, as it should be."""
    settings, labels = config.eval, list(few.labels)
    number_of = {label: number for number, label in enumerate([*labels, UNANSWERED])}
    for document in documents:
        own = document.meta.get(LABELS, ())
        unknown = next((label for label in own if label not in labels), None)
        if len(own) != 1:
            raise InputError(
                f"this text has {len(own)} labels, and a remote model is asked for one", where=document.source
            )
        if unknown is not None:
            near = did_you_mean(unknown, labels)
            raise InputError(f"the label {unknown!r} is none of those in {few.where}", where=document.source, hint=near)
    texts = [document.text for document in documents]
    said = list(classify_remote(model, few, texts, at_once=max(1, len(texts)), probable=probable))
    truth = [number_of[document.meta[LABELS][0]] for document in documents]
    ours = [number_of[one.label or UNANSWERED] for one in said]
    n_classes = len(number_of)
    voices = {"majority": [Counter(truth).most_common(1)[0][0]] * len(truth)}
    shown = [str(one["label"]) for one in few.examples]
    if len(set(shown)) > 1:
        taught = Tfidf.fit([one["text"] for one in few.examples], [[number_of[label]] for label in shown], labels)
        voices["tfidf"] = taught.probabilities(texts).argmax(axis=1).tolist()
        notes.append(
            message("tf-idf with logistic regression was taught by the %(n)s examples of the prompt.", n=len(shown))
        )
    notes.append(message("Always the same class: the one that most of these very texts have."))

    how_sure = settings.resamples, settings.confidence, settings.seed
    metrics = _class_metrics(truth, ours, n_classes, labels)
    metrics["n_unanswered"] = sum(not one.label for one in said)
    certain = class_intervals(truth, ours, n_classes, *how_sure)
    found = dict(certain.shares) | {
        f"f1_class.{label}": own for label, own in zip(labels, certain.f1_class, strict=False) if own is not None
    }
    differences: dict[str, Any] = {}
    for voice, theirs in voices.items():
        own = compare_classes(truth, ours, theirs, n_classes, *how_sure).differences["accuracy"]
        if own.interval is not None:
            differences[f"minus_{voice}"] = list(own.interval)
    if metrics["n_unanswered"]:
        notes.append(
            plural_message(
                "%(n)s answer is none of the labels and counts as wrong.",
                "%(n)s answers are none of the labels and count as wrong.",
                int(metrics["n_unanswered"]),
            )
        )
    probabilities: dict[str, Any] = {"probabilities": message("none: a remote model gives answers")}
    if probable:
        told = [(right, list(one.probabilities.values())) for right, one in zip(truth, said, strict=True)]
        told = [(right, shares) for right, shares in told if shares]
        probabilities = _calibration(told, metrics, found, how_sure, notes, model.name)
    convention = {
        "accuracy": message("texts whose answer is their label"),
        "f1_macro": message(
            "mean over the classes that occur, answers that are none of the labels as one of them; nothing over "
            "nothing is 0"
        ),
        **probabilities,
        **_prompted(few),
        "resampled": message("%(n)s documents", n=f"{len(texts):,}"),
        **_how_sure(config),
        **differences,
    }
    rows = [
        {"source": printable(one.source), "label": one.meta[LABELS][0], "output": own.label, "said": own.said or ""}
        | {f"probability.{label}": share for label, share in own.probabilities.items()}
        for one, own in zip(documents, said, strict=True)
    ]
    baselines = {voice: _class_metrics(truth, theirs, n_classes, labels) for voice, theirs in voices.items()}
    evaluation = _document(model, data, metrics, found, baselines, convention, notes, rows)
    evaluation.convention["signature"] = (
        f"{data} | {len(texts):,} texts | {len(labels)} classes | {len(few.examples)} examples | bootstrap over texts"
    )
    evaluation.verdict = _verdict_of_labels(metrics, found, baselines)
    return _recorded(evaluation)


def _calibration(
    told: Sequence[tuple[int, list[float]]],
    metrics: dict[str, float],
    found: dict[str, Any],
    how_sure: tuple[int, float, int],
    notes: list[str],
    name: str,
) -> dict[str, Any]:
    """Add ece and brier of the texts that have probabilities, told (right class, a share of each), with their
    intervals; and the words of how they were taken."""
    if told:
        truth, shares = [right for right, _ in told], np.array([own for _, own in told])
        resamples, confidence, seed = how_sure
        metrics["ece"] = expected_calibration_error(truth, shares)
        metrics["ece_noise"] = noise_floor(shares, seed=seed).mean
        metrics["brier"] = brier_score(truth, shares)
        found |= calibration_intervals(truth, shares, resamples=resamples, confidence=confidence, seed=seed)
    if len(told) < metrics["n_texts"]:
        notes.append(
            message("ECE and Brier score are those of the %(n)s texts that have probabilities.", n=f"{len(told):,}")
        )
    return {
        "probabilities": message(
            "those that the server of %(name)s tells of the labels, shared out over them; not calibrated", name=name
        ),
        "ece": message("15 bins of equal width over the probability of the likeliest class"),
        "brier": message("squares summed over the classes: 0 to 2"),
    }


def _class_metrics(
    truth: Sequence[int], given: Sequence[int], n_classes: int, labels: Sequence[str]
) -> dict[str, float]:
    scores = class_scores(list(truth), list(given), n_classes)
    found = dict(scores.shares)
    found |= {f"f1_class.{label}": own.f1 for label, own in zip(labels, scores.classes, strict=False)}
    return {**found, "n_texts": len(truth)}


def _verdict_of_labels(
    metrics: dict[str, float], found: dict[str, tuple[float, float]], baselines: dict[str, dict[str, float]]
) -> Message:
    percent = f"{100 * metrics['accuracy']:.1f}"
    if "accuracy" in found:
        low, high = found["accuracy"]
        said = [
            message(
                "Of these texts %(percent)s %% are told right (%(low)s to %(high)s %%).",
                percent=percent,
                low=f"{100 * low:.1f}",
                high=f"{100 * high:.1f}",
            )
        ]
    else:
        said = [message("Of these texts %(percent)s %% are told right.", percent=percent)]
    if "tfidf" in baselines:
        accuracy = f"{100 * baselines['tfidf']['accuracy']:.1f}"
        said.append(message("tf-idf with logistic regression, the floor, tells %(percent)s %%.", percent=accuracy))
    accuracy = f"{100 * baselines['majority']['accuracy']:.1f}"
    said.append(message("Always the same class would be %(percent)s %%.", percent=accuracy))
    return paragraph(said)


# --- translations


def _of_pairs(
    model: RemoteModel, data: str, documents: Sequence[Document], notes: list[str], config: Config, few: FewShot
) -> Evaluation:
    settings = config.eval
    pairs = [SentencePair.of(document) for document in documents]
    number_of: dict[str, int] = {}
    numbered = [(number_of.setdefault(pair.source, len(number_of)), pair.target) for pair in pairs]
    sources = list(number_of)
    told = list(translate_remote(model, few, sources, config.generate, at_once=max(1, len(sources))))
    done = TranslatedPairs(sources, [" ".join(one.translation.split("\n")) for one in told], numbered)
    references = done.references
    language, about = scored_as(languages_said(config.data)[1], references)
    how_sure = settings.resamples, settings.confidence, settings.seed
    ours = translation_scores(done.outputs, references, language, *how_sure)
    copied = translation_scores(sources, references, language, 1)
    tested = self_test(references, language)
    notes += [*about, *done.notes, *doubts(tested)]
    if n_cut := sum(not one.finished for one in told):
        notes.append(
            plural_message(
                "%(n)s translation did not end within generate.max_new_tokens and is cut there.",
                "%(n)s translations did not end within generate.max_new_tokens and are cut there.",
                n_cut,
            )
        )
    convention = {
        **{f"{name}_signature": score.signature for name, score in ours.items()},
        **{
            f"{name}_self_test": message(
                "%(identical)s of the references beside themselves, %(shuffled)s in another order",
                identical=f"{own.identical:.1f}",
                shuffled=f"{own.shuffled:.1f}",
            )
            for name, own in tested.items()
        },
        **_prompted(few),
        "resampled": message("%(n)s documents", n=f"{len(sources):,}"),
        **_how_sure(config),
    }
    metrics = {name: score.value for name, score in ours.items()} | {"n_sentences": float(len(sources))}
    found = {name: score.interval for name, score in ours.items() if score.interval is not None}
    rows = [
        {
            "source": printable(pair.place),
            "n_bytes": utf8_size(pair.target),
            "sentence": number,
            "output": done.outputs[number],
            "reference": reference,
        }
        for pair, (number, reference) in zip(pairs, numbered, strict=True)
    ]
    baselines = {"copy": {name: score.value for name, score in copied.items()}}
    evaluation = _document(model, data, metrics, found, baselines, convention, notes, rows)
    evaluation.convention["signature"] = (
        f"{data} | {len(sources):,} sentences | {ours['bleu'].signature} | {len(few.examples)} examples"
    )
    evaluation.verdict = message(
        "BLEU is %(ours)s; that of the sources as they stand %(copy)s.",
        ours=f"{ours['bleu'].value:.1f}",
        copy=f"{copied['bleu'].value:.1f}",
    )
    return _recorded(evaluation)


# --- questions


def _of_questions(
    model: RemoteModel, data: str, documents: Sequence[Document], notes: list[str], config: Config, few: FewShot
) -> Evaluation:
    settings = config.eval
    asked = [
        Asked(
            question=document.meta[QUESTION],
            context=document.text,
            question_ids=(),
            ids=(),
            between=(),
            answers=tuple(document.meta[ANSWERS]),
            name=document.meta.get(QUESTION_ID, ""),
            place=document.source,
            n_bytes=utf8_size(document.text),
        )
        for document in documents
    ]
    prompts = [prompt_of(document, few) for document in documents]
    answers = [answer_of(one.texts[0], few) for one in model.complete(prompts, answer_settings(), seed=0)]
    stands = [
        not answer or place_of(answer, one.context) is not None for one, answer in zip(asked, answers, strict=True)
    ]
    how_sure = settings.resamples, settings.confidence, settings.seed
    ours = scores_of(asked, answers, settings.convention)
    floors = {
        floor: scores_of(asked, [answers_of(one.question, one.context) for one in asked], settings.convention)
        for floor, answers_of in BASELINES.items()
    }
    metrics = metrics_of_answers(ours) | {"n_unplaced": sum(not one for one in stands)}
    found = intervals_of_answers(ours, *how_sure)
    baselines = {floor: metrics_of_answers(own) for floor, own in floors.items()}
    group_of = {context: number for number, context in enumerate(dict.fromkeys(one.context for one in asked))}
    if len(group_of) < FEW_PASSAGES:
        notes.append(message("There are only %(n)s passages: the intervals are rough.", n=len(group_of)))
    if metrics["n_unplaced"]:
        notes.append(
            plural_message(
                "%(n)s answer stands nowhere in its passage; it is held beside the right ones as it came.",
                "%(n)s answers stand nowhere in their passages; they are held beside the right ones as they came.",
                int(metrics["n_unplaced"]),
            )
        )
    notes += alarms_of_answers(metrics, baselines)
    convention = {
        "convention": settings.convention,
        "em": message("questions whose answer is one of the right ones, as the convention compares them"),
        "f1": message("of the tokens of the convention, with the right answer that is nearest; a mean over questions"),
        "refuses": message("where the answer is %(word)s", word=few.none),
        **_prompted(few),
        "resampled": message("%(n)s passages", n=f"{len(group_of):,}"),
        **_how_sure(config),
        **{
            f"f1_minus_{floor}": list(own)
            for floor, other in floors.items()
            if (own := difference(ours, other, how_sure))
        },
    }
    rows = [
        {
            "source": printable(one.place),
            "question_id": one.name,
            "question": one.question,
            "group": group_of[one.context],
            "has_answer": int(bool(one.answers)),
            "output": answer,
            "placed": int(placed),
            "em": own.em,
            "f1": own.f1,
        }
        for one, answer, placed, own in zip(asked, answers, stands, ours, strict=True)
    ]
    evaluation = _document(model, data, metrics, found, baselines, convention, notes, rows)
    evaluation.convention["signature"] = (
        f"{data} | {len(asked):,} questions | {len(group_of):,} passages | EM and F1 by {settings.convention} | "
        "bootstrap over passages"
    )
    evaluation.verdict = verdict_of_answers(metrics, found, baselines, Refusal(least=0.0))
    return _recorded(evaluation)


# --- what they share


def _document(
    model: RemoteModel,
    data: str,
    metrics: dict[str, float],
    found: dict[str, tuple[float, float]],
    baselines: dict[str, dict[str, float]],
    convention: dict[str, Any],
    notes: list[str],
    rows: list[dict[str, Any]],
) -> Evaluation:
    return Evaluation(
        run=model.name,
        data=data,
        metrics=metrics,
        intervals=found,
        baselines=baselines,
        convention=convention | {"notes": notes},
        documents=rows,
        remote=model.use,
    )


def _recorded(evaluation: Evaluation) -> Evaluation:
    """With what its sentences are made of."""
    said = evaluation.convention
    evaluation.messages = record_of([*said.values(), *said["notes"], evaluation.verdict])
    return evaluation


def _prompted(few: FewShot) -> dict[str, Any]:
    return {"examples": len(few.examples), "decoding": message("the likeliest token each time")}


def _how_sure(config: Config) -> dict[str, Any]:
    settings = config.eval
    return {"resamples": settings.resamples, "confidence": settings.confidence, "seed": settings.seed}


def printable(source: str) -> str:
    return source.encode(errors="backslashreplace").decode()
