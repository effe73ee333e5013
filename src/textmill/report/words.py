"""Every fixed string of page, card and pictures, and other rooms' messages, in English and Chinese. Room: report/.

Through the standard library's gettext: English is the message id, Chinese a dictionary (chinese.py) in place of a
compiled catalogue, so that both languages can be read and compared in one diff. `N_` marks a string that is translated
later, where its table is used. A test holds the catalogue to exactly the strings in use.
"""

from __future__ import annotations

import gettext
import os
from collections.abc import Callable, Iterable

from textmill.errors import ConfigError, did_you_mean
from textmill.messages import Record, retold
from textmill.report.chinese import CHINESE
from textmill.report.showing import on_one_line

HTML_LANG = {"en": "en", "zh": "zh-Hans"}
CATALOGUES: dict[str, dict[str, str]] = {"en": {}, "zh": CHINESE}


def language() -> str:
    """zh or en, by TEXTMILL_LANG, else by the locale."""
    said = next((value for name in ("TEXTMILL_LANG", "LC_ALL", "LANG") if (value := os.environ.get(name))), "")
    return "zh" if said.lower().startswith("zh") else "en"


class Catalogue(gettext.NullTranslations):
    """A dictionary as a gettext catalogue; Chinese has one form for every number, filed under the English plural."""

    def __init__(self, messages: dict[str, str]):
        super().__init__()
        self.messages = messages

    def gettext(self, message: str) -> str:
        return self.messages.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.messages.get(msgid2) or super().ngettext(msgid1, msgid2, n)


class Words:
    """The voice of one language: words("step %(step)s", step=3). A per cent sign in a message is written %%."""

    def __init__(self, lang: str):
        if lang not in CATALOGUES:
            raise ConfigError(
                f"there is no report in the language '{lang}' (there are: {', '.join(CATALOGUES)})",
                hint=did_you_mean(lang, CATALOGUES),
            )
        self.lang = lang
        self.comma, self.semicolon, self.colon, self.space = (
            ("，", "；", "：", "") if lang == "zh" else (", ", "; ", ": ", " ")
        )
        self.translations = Catalogue(CATALOGUES[lang])

    def __call__(self, message: str, **values: object) -> str:
        return self.translations.gettext(message) % values

    def retold(self, text: str, record: Record) -> list[str]:
        """The sentences of a stored text in this language; the text as it stands where it is not known how it came."""
        return retold(text, record, self.translations.gettext, self.space)

    def told(self, text: str, record: Record) -> str:
        """The same, in one."""
        return self.space.join(self.retold(text, record))

    def plural(self, one: str, many: str, n: int) -> str:
        """A sentence about n things; %(n)s is n with its thousands apart."""
        return self.translations.ngettext(one, many, n) % {"n": f"{n:,}"}


def N_(message: str) -> str:  # noqa: N802  gettext's own name for it
    """Mark a string of a table for the catalogue."""
    return message


FLOORS = {
    "model": N_("this model"),
    "ngram": N_("n-gram over the model's tokens"),
    "ngram_bytes": N_("n-gram over bytes"),
    "uniform": N_("uniform guessing"),
    "copy": N_("the source as it stands"),
    "dictionary": N_("word by word, by what stands beside what in training"),
    "tfidf": N_("tf-idf and logistic regression"),
    "network": N_("the network alone"),
    "majority": N_("the most frequent class"),
    "no_answer": N_("always that there is no answer"),
    "first_sentence": N_("the first sentence"),
    "lexical_overlap": N_("the sentence with most words of the question"),
    "sliding_window": N_("the stretch with most words of the question around it"),
    "emptied": N_("the emptied stories"),
    "unigram": N_("the most frequent token"),
    "evidence": N_("what needs no training, asked of the passages"),
}
FLOOR_MEANINGS = {
    "ngram": N_("counts which tokens follow which, smoothed (Kneser-Ney), fitted on the same training text"),
    "ngram_bytes": N_(
        "counts which bytes follow which, smoothed (Kneser-Ney), fitted on the same training text: no tokenizer helps "
        "it"
    ),
    "uniform": N_(
        "every token of the vocabulary equally likely: it knows which ones the training text has, and nothing else"
    ),
    "tfidf": N_(
        "weighs which words and characters a text has, whatever their order, fitted on the same training texts"
    ),
    "network": N_("without its floor, at its best temperature"),
    "majority": N_("says the same of every text"),
    "emptied": N_("the same network, shown the questions alone: near chance, if answers come from the stories"),
    "unigram": N_("knows how often each token stands in the training text, and nothing of the words around it"),
}
PARTS = {"train": N_("training text"), "validation": N_("validation text"), "test": N_("test text")}
LEDGER = {
    **PARTS,
    "text": N_("text"),
    "label": N_("label"),
    "markup": N_("markup"),
    "unused_column": N_("unused column"),
    "duplicate": N_("duplicate"),
    "bad_record": N_("bad record"),
    "empty": N_("empty"),
    "other:cut-off": N_("cut off"),
    "other:no-label": N_("without a label"),
    "other:no-question": N_("text that nothing is asked about"),
}
LEDGER_MEANINGS = {
    "train": N_("the model learned from it"),
    "validation": N_("held out, to choose the checkpoint by"),
    "test": N_("held out, for the final numbers"),
    "label": N_("the labels of the texts, or the answers to questions, as they are written"),
    "markup": N_("delimiters, quotes, keys, line ends: a record's bytes minus those of its values"),
    "unused_column": N_("values of columns that were not asked for"),
    "duplicate": N_("documents that repeat an earlier one"),
    "bad_record": N_("records that could not be read"),
    "empty": N_("records and lines without text"),
}
LOOK_MEANINGS = LEDGER_MEANINGS | {
    "train": N_("the model would learn from it"),
    "text": N_("the model would learn from it, or it would be held out"),
    "other:no-label": N_("texts without a label, which the task needs"),
    "other:no-question": N_("passages, or sentences of a story, that nothing is asked about"),
    "other:cut-off": N_("the last record of a file of which the beginning was read"),
}
STATUSES = {
    "finished": N_("finished"),
    "unfinished": N_("unfinished"),
    "training": N_("training now"),
    "prepared": N_("prepared, not trained"),
    "unknown": N_("unknown"),
}
SEVERITIES = {"damaged": N_("damaged"), "cause": N_("cause"), "note": N_("note")}  # of what doctor found
PER_TOKEN = {"loss", "perplexity", "n_tokens"}
CHECKPOINTS = {"best": N_("the best by validation"), "last": N_("the last")}
LANGUAGES = {"en": N_("English"), "zh": N_("Chinese"), "other": N_("other scripts")}
DOCUMENT_LANGUAGES = {
    "zh": N_("simplified Chinese"),
    "zh-Hant": N_("traditional Chinese"),
    "en": N_("English"),
    "mixed": N_("several languages"),
    "other": N_("another language or no letters"),
}
FLOPS_CONVENTION = N_(  # models/cost.py's
    "6 N + 12 L D T a token: N without embeddings, multiply-add = 2, backward = 2 forward, causal half counted"
)
METRICS = {
    "bpb": N_("bits per byte"),
    "loss": N_("loss, nats per token"),
    "perplexity": N_("perplexity per token"),
    "bpc": N_("bits per character"),
    "n_tokens": N_("tokens scored"),
    "n_bytes": N_("bytes scored"),
    "n_chars": N_("characters scored"),
    "bleu": N_("BLEU, 0 to 100"),
    "chrf": N_("chrF, 0 to 100"),
    "bleu_back": N_("BLEU of the other direction, 0 to 100"),
    "chrf_back": N_("chrF of the other direction, 0 to 100"),
    "accuracy": N_("accuracy"),
    "f1_macro": N_("F1, mean over the classes"),
    "f1_micro": N_("F1 over all decisions"),
    "ece": N_("expected calibration error"),
    "ece_noise": N_("the same of a calibrated model on so many texts"),
    "brier": N_("Brier score"),
    "n_texts": N_("texts"),
    "em": N_("exact match"),
    "f1": N_("F1 of answers"),
    "em_answerable": N_("exact match, questions with an answer"),
    "f1_answerable": N_("F1, questions with an answer"),
    "em_unanswerable": N_("exact match, questions without an answer"),
    "f1_unanswerable": N_("F1, questions without an answer"),
    "asked_right": N_("answered rightly, asked of all held-out passages"),
    "asked_refused": N_("refused, of those that the passages do not answer"),
    "asked_em": N_("exact match, asked of all held-out passages"),
    "asked_f1": N_("F1, asked of all held-out passages"),
    "n_questions": N_("questions"),
    "n_unanswerable": N_("questions without an answer"),
    "n_masked": N_("hidden tokens"),
    "n_right": N_("guessed"),
    "source": N_("document"),
    "nats": N_("nats"),
    "output": N_("translation"),
}
CURVE_COLUMNS = {
    "step": N_("step"),
    "train_loss": N_("training loss"),
    "valid_loss": N_("validation loss"),
    "valid_bpb": N_("validation, bits per byte"),
    "valid_accuracy": N_("validation, accuracy"),
    "valid_f1": N_("validation, F1"),
    "lr": N_("learning rate"),
}
LOOPS = {"model": N_("the model's samples"), "human": N_("the held-out text")}
TIMES = {
    "prepare": N_("preparing text"),
    "start": N_("starting"),
    "train": N_("computing updates"),
    "data": N_("waiting for data"),
    "evaluate": N_("evaluating"),
    "sample": N_("writing samples"),
    "save": N_("saving"),
    "log": N_("writing the log"),
    "floor": N_("fitting the floor"),
}
FACTS = {
    "data": N_("measured on"),
    "checkpoint": N_("checkpoint"),
    "window": N_("window, tokens"),
    "stride": N_("stride, tokens"),
    "confidence": N_("share that an interval covers"),
    "resamples": N_("bootstrap resamples"),
    "resampled": N_("what was resampled"),
    "begin_mark": N_("read from a begin mark"),
    "end_mark": N_("mark at the end of a document"),
    "token": N_("token"),
    "documents": N_("documents"),
    "loss": N_("unit of the loss"),
    "perplexity": N_("unit of the perplexity"),
    "bpb": N_("unit of bpb"),
    "bpc": N_("unit of bpc"),
    "seed": N_("seed of the bootstrap"),
    "floor": N_("n-gram floor"),
    "floor_fitted_on": N_("floor fitted on"),
    "floor_fallback_discounts": N_("fallback discounts of the floor"),
    "bpb_minus_floor.ngram": N_(
        "paired interval of the difference in bits per byte: model minus n-gram over its tokens"
    ),
    "bpb_minus_floor.ngram_bytes": N_(
        "paired interval of the difference in bits per byte: model minus n-gram over bytes"
    ),
    "bleu_self_test": N_("test of BLEU"),
    "chrf_self_test": N_("test of chrF"),
    "bleu_self_test_back": N_("test of BLEU in the other direction"),
    "chrf_self_test_back": N_("test of chrF in the other direction"),
    "offered": N_("what answers"),
    "accuracy": N_("unit of the accuracy"),
    "f1_macro": N_("how F1 is averaged"),
    "ece": N_("how calibration is taken"),
    "brier": N_("how the Brier score is taken"),
    "hidden": N_("what is hidden"),
    "temperature": N_("temperature of the network"),
    "chosen_on": N_("what it was chosen on"),
    "chosen_without": N_("what was not counted in choosing it"),
    "minus_tfidf": N_("paired interval of the difference in accuracy: what answers minus tf-idf"),
    "minus_network": N_("paired interval of the difference in accuracy: what answers minus the network alone"),
    "minus_emptied": N_("paired interval of the difference in accuracy: what answers minus the emptied stories"),
    "facts": N_("sentences that prove"),
    "minus_majority": N_("paired interval of the difference in accuracy: what answers minus the most frequent class"),
    "convention": N_("rule by which answers are compared"),
    "em": N_("exact match"),
    "f1": N_("how F1 is taken"),
    "longest_answer": N_("longest answer that is given, characters"),
    "refuses_below": N_("score below which no answer is given"),
    "f1_minus_no_answer": N_("paired interval of the difference in F1: the model minus always no answer"),
    "f1_minus_first_sentence": N_("paired interval of the difference in F1: the model minus the first sentence"),
    "f1_minus_lexical_overlap": N_(
        "paired interval of the difference in F1: the model minus the sentence with most words"
    ),
    "f1_minus_sliding_window": N_(
        "paired interval of the difference in F1: the model minus the stretch with most words"
    ),
    "asked_f1_minus_evidence": N_(
        "paired interval of the difference in F1, asked: the model minus what needs no training"
    ),
    "signature": N_("signature"),
    "prepared": N_("folder of the prepared text"),
    "machine": N_("machine"),
    "processors": N_("processors used"),
    "system": N_("system"),
    "device": N_("device"),
    "threads": N_("threads"),
    "tokenizer": N_("tokenizer"),
    "paths": N_("paths"),
    "fingerprint": N_("fingerprint of the files"),
    "by_blocks": N_("held out in contiguous blocks of one document"),
    "bytes_per_token": N_("bytes per token"),
    "languages.en": N_("share of English characters"),
    "languages.zh": N_("share of Chinese characters"),
    "languages.other": N_("share of characters of other scripts"),
    "duplicates.n_documents": N_("documents in all"),
    "duplicates.exact": N_("documents that repeat an earlier one exactly"),
    "duplicates.normalised": N_("documents that repeat an earlier one after normalisation"),
    "duplicates.near": N_("documents that are nearly equal to another one"),
    "duplicates.examples": N_("examples of repeats"),
    "arch": N_("architecture"),
    "task": N_("task"),
    "n_parameters.total": N_("parameters"),
    "n_parameters.backbone": N_("parameters without embeddings and head"),
    "n_parameters.embeddings": N_("parameters of the embeddings"),
    "n_parameters.head": N_("parameters of the head"),
    "tokenizer.kind": N_("tokenizer"),
    "tokenizer.vocab_size": N_("tokens in the vocabulary"),
    "tokenizer.bytes_per_token": N_("bytes per token"),
    "tokenizer.note": N_("note on the tokenizer"),
}


def floor_name(name: str, words: Words, foreign: Callable[[str], str] = on_one_line) -> str:
    """A floor in words; one without a word keeps its name."""
    return words(FLOORS[name]) if name in FLOORS else foreign(name)


def checkpoint_name(name: str, words: Words) -> str:
    """best and last in words; a step stays as it is."""
    return words(CHECKPOINTS[name]) if name in CHECKPOINTS else on_one_line(name)


def comparable(metric: str, floor: str) -> bool:
    """Whether a floor's number is of the same unit as the model's: per token is another unit where bytes are tokens."""
    return not (floor == "ngram_bytes" and metric in PER_TOKEN)


def floor_order(names: Iterable[str]) -> list[str]:
    """Floors in the table's order, then others by name."""
    names = set(names)
    return [name for name in FLOORS if name in names] + sorted(names - set(FLOORS))


def category_name(category: str, words: Words, foreign: Callable[[str], str] = on_one_line) -> str:
    """A category of the ledger in words; `other:NAME` keeps its NAME."""
    if category in LEDGER:
        return words(LEDGER[category])
    if category.startswith("other:"):
        return words("other: %(name)s", name=foreign(category.removeprefix("other:")))
    return foreign(category)


def ledger_order(categories: Iterable[str]) -> list[str]:
    """Kept parts first, then the named reasons, then others by name."""
    categories = set(categories)
    return [name for name in LEDGER if name in categories] + sorted(categories - set(LEDGER))
