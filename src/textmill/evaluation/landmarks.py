"""Is 2.3 normal? A number placed between guessing, counting and the best that is known. Room: evaluation/.

The table holds published numbers that we are sure of, each with its source; where none is known in these units, the
verdict says so. They were taken on other texts: they say how far one can get on text of that kind, not on this text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from textmill.messages import Message, message, paragraph
from textmill.results import Evaluation

Kind = Literal["english", "chinese", "python_docs", "other"]
KIND_NAMES: dict[Kind, Message] = {
    "english": message("English text"),
    "chinese": message("Chinese text"),
    "python_docs": message("the documentation inside Python"),
    "other": message("text of this kind"),
}
PYTHON_DOCS = "builtin:python-docs"
NEAR_BITS = 0.2  # a floor so near to the best known, on another text, leaves no way to measure in percent


@dataclass(frozen=True)
class Landmark:
    """What somebody reached. bits: per unit. is_best: the one that a model of this kind of text is held against."""

    kind: Kind
    text: Message
    bits: float
    unit: Literal["byte", "character"]
    by: Message
    source: str
    is_best: bool = False


LANDMARKS = (
    Landmark(
        "english",
        message("English Wikipedia with its markup (enwik8, trained on 90 MB of it)"),
        0.99,
        "byte",
        message("Transformer-XL, 277 M parameters"),
        "Dai et al. 2019, arXiv:1901.02860",
        is_best=True,
    ),
    Landmark(
        "english",
        message("English Wikipedia in 27 symbols (text8, trained on 90 MB of it)"),
        1.08,
        "character",
        message("Transformer-XL, 277 M parameters"),
        "Dai et al. 2019, arXiv:1901.02860",
    ),
    Landmark(
        "english",
        message("the Pile, mixed English text it was not trained on"),
        0.7177,
        "byte",
        message("GPT-3, 175 B parameters"),
        "Gao et al. 2020, arXiv:2101.00027",
    ),
    Landmark(
        "english",
        message("the Brown corpus"),
        1.75,
        "character",
        message("a word trigram model of 583 M words"),
        "Brown et al. 1992, Computational Linguistics 18(1)",
    ),
    Landmark(
        "english",
        message("tinyshakespeare, trained on 1 MB of it"),
        1.4697 / math.log(2),
        "character",
        message("nanoGPT, 11 M parameters, 1.4697 nats"),
        "README of karpathy/nanoGPT",
    ),
    Landmark(
        "english",
        message("printed English in 27 symbols, upper bound (his lower bound is 0.6)"),
        1.3,
        "character",
        message("people who guess the next letter"),
        "Shannon 1951, Bell System Technical Journal 30",
    ),
    Landmark(
        "python_docs",
        message("pydoc topics and docstrings, other modules held out than here"),
        2.01,
        "byte",
        message("the modern preset, 1 M parameters, three minutes on two cores"),
        message("measured by this project"),
        is_best=True,
    ),
    Landmark(
        "python_docs",
        message("pydoc topics and docstrings, other modules held out than here"),
        2.15,
        "byte",
        message("a Kneser-Ney 5-gram over BPE tokens"),
        message("measured by this project"),
    ),
)


def kind_of(languages: Mapping[str, float], paths: Sequence[str] = ()) -> Kind:
    """Which kind of text this is, from its shares of letters (zh, en, other) and where it came from."""
    if paths and all(path == PYTHON_DOCS for path in paths):
        return "python_docs"
    if any(path.startswith("builtin:") and path != PYTHON_DOCS for path in paths):
        return "other"  # a world: what was reached on texts by people says nothing of it
    if languages.get("zh", 0.0) > 0.5:
        return "chinese"
    return "english" if languages.get("en", 0.0) > 0.5 else "other"


def best_known(kind: Kind) -> Landmark | None:
    """What a model of this kind of text is held against; None where no number with a source is known."""
    return next((landmark for landmark in LANDMARKS if landmark.kind == kind and landmark.is_best), None)


def verdict(evaluation: Evaluation, languages: Mapping[str, float], paths: Sequence[str] = ()) -> Message:
    """A short paragraph: how far the model stands between guessing, the floor and the best known for its kind of text.

    Its first sentence alone says whether the model beats its floor. Reckoned in bits per byte, so that two tokenizers
    on one text are judged alike.
    """
    metrics, bpb = evaluation.metrics, evaluation.metrics["bpb"]
    if not math.isfinite(bpb):
        return message("The model gives some of this text no probability at all: there is no finite number to judge.")
    opening = message(
        "A loss of %(loss)s nats per token is %(bits)s bits per byte (%(bytes)s bytes per token).",
        loss=f"{metrics['loss']:.2f}",
        bits=f"{bpb:.2f}",
        bytes=f"{metrics['n_bytes'] / metrics['n_tokens']:.2f}",
    )
    standing, *more = _against_floors(evaluation, bpb)
    if "bleu" in metrics:  # given its source, a target is another matter than a text
        return paragraph([standing, opening, *more, *_against_baselines(evaluation)])
    return paragraph([standing, opening, *more, *_against_best(evaluation, bpb, languages, paths)])


def _against_baselines(evaluation: Evaluation) -> list[Message]:
    """What translations are worth beside what needs no model."""
    bleu = {name: row["bleu"] for name, row in evaluation.baselines.items() if "bleu" in row}
    ours = evaluation.metrics["bleu"]
    said = [message("BLEU is %(bleu)s.", bleu=f"{ours:.1f}")]
    if "copy" in bleu:
        said.append(message("The source as it stands would have %(bleu)s.", bleu=f"{bleu['copy']:.1f}"))
    if "dictionary" in bleu:
        said.append(message("Word by word, by a dictionary, it would be %(bleu)s.", bleu=f"{bleu['dictionary']:.1f}"))
    if ours <= max(bleu.values(), default=-1.0):
        said.append(message("That is no translation yet: train longer, or on more pairs."))
    return said


def _best_floor(evaluation: Evaluation) -> tuple[str, float] | None:
    """Name and bits per byte of the better n-gram row."""
    rows = {name: row["bpb"] for name, row in evaluation.baselines.items() if name != "uniform" and "bpb" in row}
    return min(rows.items(), key=lambda item: item[1]) if rows else None


def _against_floors(evaluation: Evaluation, bpb: float) -> list[Message]:
    """Whether it beats its floor, in one sentence; then what else there is to say of guessing and counting."""
    uniform = evaluation.baselines.get("uniform", {}).get("bpb", math.inf)
    if bpb >= uniform:
        return [
            message("Not normal: guessing evenly over its vocabulary would spend %(bits)s.", bits=f"{uniform:.2f}"),
            message(
                "It has learned nothing that holds on this text: train longer, or measure on text like that it was "
                "trained on."
            ),
        ]
    guessing = (
        [message("Guessing evenly would spend %(bits)s.", bits=f"{uniform:.2f}")] if math.isfinite(uniform) else []
    )
    floor = _best_floor(evaluation)
    if floor is None:
        return [message("There is no n-gram floor beside it."), *guessing]
    name, bits = floor
    what = message("5-grams over bytes") if name == "ngram_bytes" else message("5-grams over the same tokens")
    said = {"what": what, "bits": f"{bits:.2f}"}
    if bpb >= bits:
        way = max(0.0, (uniform - bpb) / (uniform - bits)) if uniform > bits and math.isfinite(uniform) else 0.0
        return [
            message(
                "Worse than the floor: counting %(what)s spends %(bits)s, the model %(percent)s more.",
                percent=_percent(bpb / bits - 1),
                **said,
            ),
            *guessing,
            *(
                [
                    message(
                        "The network has come %(percent)s of the way from guessing to counting.", percent=_percent(way)
                    )
                ]
                if way
                else []
            ),
            message(
                "Until it is better than counting, its number is no sign of understanding: train longer, on more "
                "text, or use the n-gram."
            ),
        ]
    said["percent"] = _percent(1 - bpb / bits)
    difference = evaluation.convention.get("bpb_minus_floor", {}).get(name)
    if difference is not None and difference[1] >= 0:
        better = message(
            "Better than the floor: counting %(what)s spends %(bits)s, the model %(percent)s less; but on this little "
            "text that could be chance, for the interval of the difference reaches 0.",
            **said,
        )
    else:
        better = message(
            "Better than the floor: counting %(what)s spends %(bits)s, the model %(percent)s less.", **said
        )
    return [better, *guessing]


def _against_best(
    evaluation: Evaluation, bpb: float, languages: Mapping[str, float], paths: Sequence[str]
) -> list[Message]:
    kind = kind_of(languages, paths)
    best = best_known(kind)
    if best is None:
        return [
            message(
                "For %(kind)s no published number in bits per byte is known to us: the floor is the measure.",
                kind=KIND_NAMES[kind],
            )
        ]
    floor = _best_floor(evaluation)
    if floor is not None and floor[1] <= best.bits:
        return []  # an easier text: what was reached on another one says nothing of it
    named = {
        "kind": KIND_NAMES[kind],
        "bits": f"{best.bits:.2f}",
        "by": best.by,
        "text": best.text,
        "source": best.source,
    }
    if floor is None or bpb >= floor[1] or floor[1] - best.bits < NEAR_BITS:
        return [message("The best known for %(kind)s is %(bits)s (%(by)s, on %(text)s; %(source)s).", **named)]
    way = (floor[1] - bpb) / (floor[1] - best.bits)
    if way >= 1:
        return [
            message(
                "The best known for %(kind)s is %(bits)s (%(by)s, on %(text)s; %(source)s); the model is there.",
                **named,
            )
        ]
    named["percent"] = _percent(way)
    if way < 0.5:
        return [
            message(
                "The best known for %(kind)s is %(bits)s (%(by)s, on %(text)s; %(source)s): of the way from the floor "
                "to there the model has gone %(percent)s, which is normal for a small model and a small text.",
                **named,
            )
        ]
    return [
        message(
            "The best known for %(kind)s is %(bits)s (%(by)s, on %(text)s; %(source)s): of the way from the floor to "
            "there the model has gone %(percent)s.",
            **named,
        )
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.095 else f"{100 * share:.1f} %"
