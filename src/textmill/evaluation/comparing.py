"""Two runs on the same text: whose numbers are better, and how sure that is. Room: evaluation/.

Paired: the same documents are drawn for both, so what is hard in the text is hard for both and cancels (Koehn 2004).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textmill.errors import InputError
from textmill.evaluation.answers import difference as difference_of_answers
from textmill.evaluation.evaluating import evaluate
from textmill.evaluation.same_bytes import measured_on, other_tokens, same_text
from textmill.messages import Message, message
from textmill.metrics import translation
from textmill.metrics.answers import AnswerScore
from textmill.metrics.bootstrap import difference_interval
from textmill.metrics.classification import compare_classes
from textmill.metrics.language import ExampleScore
from textmill.results import Comparison, Evaluation, RemoteUse, ScoreDifference
from textmill.runs import Run
from textmill.tables import TASKS_WITH_LABELS, TASKS_WITH_QUESTIONS

TITLES = {
    **{"bpb": "bits per byte", "accuracy": "accuracy", "f1_macro": "macro F1", "em": "exact match", "f1": "F1"},
    **translation.TITLES,
}
CLASSES_AND_TOKENS = "one of the runs tells classes and the other tokens"
ANSWERS_AND_NONE = "one of the runs answers questions and the other does not"
LOWER_IS_BETTER = frozenset({"bpb"})


def compare(ours: Run, theirs: Run, data: str | None = None) -> Comparison:
    """Measure both runs on `data`, or on what both held out, and say what the second gains over the first.

    A model of others reads `data` as the run beside it does. Two that write, and whose tokens differ, are measured on
    the bytes that both predict. Raises InputError where they were not measured on the same documents, and as evaluate
    does.
    """
    refuse_unlike(ours, theirs)
    if other_tokens(ours, theirs) and (text := same_text(ours, theirs, data)) is not None:
        found = compared(measured_on((ours, theirs), text), ours.config.eval)
        return found.model_copy(update={"notes": [*text.notes, *found.notes]})
    for run, other in ((ours, theirs), (theirs, ours)):
        if other.keeps_results and not run.keeps_results:
            run.config = run.config.model_copy(update={"data": other.config.data})
    evaluations = [evaluate(run, data) for run in (ours, theirs)]
    return compared(evaluations, ours.config.eval)


def refuse_unlike(ours: Run, theirs: Run) -> None:
    """Raises InputError, before anything is read, for two runs that no number tells apart."""
    where = f"{ours.path} and {theirs.path}"
    tasks = [run.config.task.name for run in (ours, theirs)]
    if len({task in TASKS_WITH_LABELS for task in tasks}) == 2:
        raise InputError(CLASSES_AND_TOKENS, where=where)
    if len({task in TASKS_WITH_QUESTIONS for task in tasks}) == 2:
        raise InputError(ANSWERS_AND_NONE, where=where)


def compared(evaluations: Sequence[Evaluation], settings: Any) -> Comparison:
    """What the second of two evaluations gains over the first. settings: [eval], for the bootstrap."""
    one, two = evaluations
    if any("n_masked" in found.metrics for found in evaluations):
        raise InputError(
            "a run of hidden words is a beginning for other runs: compared are those that begin from it",
            where=f"{one.run} and {two.run}",
            hint="`textmill eval RUN` tells how many hidden words each guesses.",
        )
    if any("n_texts" in found.metrics for found in evaluations):
        return _of_classifiers(one, two, settings)
    if any("n_questions" in found.metrics for found in evaluations):
        return _of_readers(one, two, settings)
    if any("bpb" not in found.metrics for found in evaluations):
        return _of_outputs(one, two, settings)
    rows = [[_score(row) for row in evaluation.documents] for evaluation in (one, two)]
    if [(row.source, row.n_bytes) for row in rows[0]] != [(row.source, row.n_bytes) for row in rows[1]]:
        some = any(found.remote is not None for found in evaluations)
        hint = (
            "Of a remote model each first token is left out, but with --begin TEXT; and several documents are needed."
            if some
            else "Name one text for both: --data PATH"
        )
        raise InputError(
            "the two runs were not measured on the same documents: other texts were held out, or cut otherwise",
            where=f"{one.run} and {two.run}",
            hint=hint,
        )
    how_sure = settings.resamples, settings.confidence, settings.seed
    differences = {
        "bpb": ScoreDifference(
            value=two.metrics["bpb"] - one.metrics["bpb"], interval=difference_interval(rows[1], rows[0], *how_sure)
        )
    }
    notes: list[str] = []
    if all("output" in row for evaluation in (one, two) for row in evaluation.documents):
        for way, after in enumerate(("", translation.BACK)):
            differences |= _of_translations(one, two, way, after, how_sure)
    if one.convention["token"] != two.convention["token"]:
        notes.append(message("The runs have other tokens: compare bits per byte, not loss or perplexity."))
    if any(found.remote is not None for found in evaluations):
        notes.append(
            message("A run of ours also pays for the end of each document, which a remote model is not asked for.")
        )
    return Comparison(
        runs=[one.run, two.run],
        data=one.data,
        metrics=[one.metrics, two.metrics],
        differences=differences,
        confidence=settings.confidence,
        n_documents=len(rows[0]),
        verdict=" ".join(verdicts(differences, [Path(one.run).name, Path(two.run).name])),
        notes=notes,
        remote=_remote(one, two),
    )


def _remote(one: Evaluation, two: Evaluation) -> list[RemoteUse]:
    """What was asked of remote models."""
    return [found.remote for found in (one, two) if found.remote is not None]


def _of_outputs(one: Evaluation, two: Evaluation, settings: Any) -> Comparison:
    """Of two translators of which one tells no probabilities BLEU and chrF alone."""
    if not all("bleu" in found.metrics for found in (one, two)):
        raise InputError("one of the runs translates and the other does not", where=f"{one.run} and {two.run}")
    pairs = [[(row["source"], row["reference"]) for row in found.documents] for found in (one, two)]
    if pairs[0] != pairs[1]:
        raise InputError(
            "the two runs were not measured on the same pairs",
            where=f"{one.run} and {two.run}",
            hint="Name one text for both: --data PATH",
        )
    how_sure = settings.resamples, settings.confidence, settings.seed
    told = message("Bits per byte are not compared: a remote model tells no probabilities of a translation.")
    return _compared(one, two, settings, _of_translations(one, two, 0, "", how_sure), len(pairs[0]), told)


def _of_classifiers(one: Evaluation, two: Evaluation, settings: Any) -> Comparison:
    """Of two classifiers accuracy, and where each text has one label macro F1; and the exact McNemar test."""
    if not all("n_texts" in found.metrics for found in (one, two)):
        raise InputError(CLASSES_AND_TOKENS, where=f"{one.run} and {two.run}")
    answered = [[(row["source"], row["label"]) for row in found.documents] for found in (one, two)]
    if answered[0] != answered[1]:
        raise InputError(
            "the two runs were not measured on the same texts: others were held out, or they have other labels",
            where=f"{one.run} and {two.run}",
            hint="Name one text for both: --data PATH",
        )
    sets = [
        [str(row[key]) for row in found.documents] for key, found in (("label", one), ("output", one), ("output", two))
    ]
    number_of = {name: number for number, name in enumerate(sorted({name for own in sets for name in own}))}
    truth, theirs, ours = ([number_of[name] for name in own] for own in sets)
    how_sure = settings.resamples, settings.confidence, settings.seed
    found = compare_classes(truth, ours, theirs, len(number_of), *how_sure)
    names = ("accuracy",) if "f1_samples" in one.metrics else ("accuracy", "f1_macro")
    differences = {
        name: ScoreDifference(value=found.differences[name].value, interval=found.differences[name].interval)
        for name in names
    }
    told = message(
        "Only the first has %(first)s texts right, only the second %(second)s: by chance alone so unequal with a "
        "probability of %(p)s (exact McNemar test).",
        first=f"{found.only_theirs:,}",
        second=f"{found.only_ours:,}",
        p=f"{found.p_value:.2g}",
    )
    return _compared(one, two, settings, differences, len(truth), told)


def _of_readers(one: Evaluation, two: Evaluation, settings: Any) -> Comparison:
    """Of two runs that answer questions EM and F1, passages drawn whole."""
    if not all("n_questions" in found.metrics for found in (one, two)):
        raise InputError(ANSWERS_AND_NONE, where=f"{one.run} and {two.run}")
    asked = [[(row["source"], row["question"]) for row in found.documents] for found in (one, two)]
    if asked[0] != asked[1]:
        raise InputError(
            "the two runs were not measured on the same questions: others were held out",
            where=f"{one.run} and {two.run}",
            hint="Name one file for both: --data PATH",
        )
    if one.convention["convention"] != two.convention["convention"]:
        raise InputError(
            f"answers were compared by {one.convention['convention']} and by {two.convention['convention']}",
            where=f"{one.run} and {two.run}",
            hint="Train or measure both by one --convention.",
        )
    theirs, ours = (
        [
            AnswerScore(float(row["em"]), float(row["f1"]), bool(row["has_answer"]), str(row["group"]))
            for row in found.documents
        ]
        for found in (one, two)
    )
    how_sure = settings.resamples, settings.confidence, settings.seed
    differences = {
        score: ScoreDifference(
            value=two.metrics[score] - one.metrics[score], interval=difference_of_answers(ours, theirs, how_sure, score)
        )
        for score in ("em", "f1")
    }
    pairs = [(before.em, after.em) for before, after in zip(theirs, ours, strict=True)]
    told = message(
        "Only the first answers %(first)s questions exactly, only the second %(second)s.",
        first=f"{sum(before > after for before, after in pairs):,}",
        second=f"{sum(before < after for before, after in pairs):,}",
    )
    return _compared(one, two, settings, differences, len(ours), told)


def _compared(
    one: Evaluation,
    two: Evaluation,
    settings: Any,
    differences: dict[str, ScoreDifference],
    n_documents: int,
    told: Message,
) -> Comparison:
    return Comparison(
        runs=[one.run, two.run],
        data=one.data,
        metrics=[one.metrics, two.metrics],
        differences=differences,
        confidence=settings.confidence,
        n_documents=n_documents,
        verdict=" ".join(verdicts(differences, [Path(one.run).name, Path(two.run).name])),
        notes=[told],
        remote=_remote(one, two),
    )


def verdicts(differences: dict[str, ScoreDifference], names: Sequence[str]) -> list[str]:
    """A sentence for each score."""
    said: list[str] = []
    for score, difference in differences.items():
        title = TITLES[score]
        if difference.interval is None:
            said.append(message("By %(score)s nothing can be said: one document has no interval.", score=title))
            continue
        low, high = difference.interval
        if low <= 0 <= high:
            said.append(message("By %(score)s this text shows no difference.", score=title))
        else:
            second_is_better = (high < 0) == (score in LOWER_IS_BETTER)
            said.append(message("By %(score)s %(name)s is better.", score=title, name=names[second_is_better]))
    return said


def _of_translations(
    one: Evaluation, two: Evaluation, way: int, after: str, how_sure: tuple[int, float, int]
) -> dict[str, ScoreDifference]:
    """The differences of BLEU and chrF of one direction, {} where nothing was translated in it. after: what their names
    end in."""
    rows = [[row for row in found.documents if row.get("way", 0) == way] for found in (one, two)]
    if not any(rows):
        return {}
    (theirs, references), (ours, others) = (_translated(own) for own in rows)
    if references != others:
        raise InputError("the two runs were scored against other references", where=f"{one.run} and {two.run}")
    signatures = [found.convention[f"bleu_signature{after}"] for found in (one, two)]
    if signatures[0] != signatures[1]:
        raise InputError(
            f"BLEU was not taken in one way: {signatures[0]} and {signatures[1]}", where=f"{one.run} and {two.run}"
        )
    language = "zh" if "tok:zh" in signatures[0] else "ja" if "tok:char" in signatures[0] else "en"
    found = translation.score_differences(ours, theirs, references, language, *how_sure)
    return {
        f"{name}{after}": ScoreDifference(value=difference.value, interval=difference.interval)
        for name, difference in found.items()
    }


def _translated(rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Of each sentence its translation and its references, from the rows of the pairs in which it stands."""
    outputs = {int(row["sentence"]): str(row["output"]) for row in rows}
    references = translation.references_of((int(row["sentence"]), str(row["reference"])) for row in rows)
    return [outputs[number] for number in sorted(outputs)], references


def _score(row: dict[str, Any]) -> ExampleScore:
    return ExampleScore(
        str(row["source"]), float(row["nats"]), int(row["n_tokens"]), int(row["n_bytes"]), int(row["n_chars"])
    )
