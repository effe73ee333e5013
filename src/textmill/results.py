"""The typed JSON document of every verb: what --json prints, what a run folder keeps. Storey: results.

Keys are stable (design: the shell). Every document has `schema` ("textmill.VERB/1"). Shares lie in [0, 1].
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from textmill.messages import message, record_of


class Document(BaseModel):
    """A JSON document: unknown keys refused, so that a document read back is one we wrote."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, protected_namespaces=(), defer_build=True)

    def to_json(self, indent: int | None = None) -> str:
        """One JSON text; non-ASCII stays readable."""
        return self.model_dump_json(by_alias=True, indent=indent)


class RemoteUse(Document):
    """What was asked of the server of a remote model, and what that cost."""

    model: str
    base_url: str
    endpoint: Literal["completions", "chat"] | None
    """By which it was asked; None: nothing had to be asked."""
    n_requests: int
    """That were answered by the server."""
    n_retries: int
    """Requests that were sent again: after a limit of the rate, an error of the server, or silence."""
    n_cached: int
    """Answers that were kept from before, and cost nothing."""
    n_prompt_tokens: int
    """Of the requests, as the server counts."""
    n_completion_tokens: int
    n_uncounted: int
    """Requests of which the server did not say how many tokens they took."""
    cost: float | None
    """By --price-in and --price-out; None without. Requests that were not counted are not in it."""


class FileLook(Document):
    """One file: its size and where each byte goes. `ledger` is {category: bytes} and sums to `bytes`."""

    path: str
    bytes: int
    encoding: str
    ledger: dict[str, int]
    lines: list[str] = Field(default_factory=list)
    """Three of its lines, where its encoding is not plain UTF-8: to judge by whether it was found right."""
    of_bytes: int | None = None
    """Its size, where only `bytes` of it were read (look --sample); packed where it is packed."""


class Duplicates(Document):
    """Repeats of documents: how many documents repeat an earlier one, exactly and after normalisation."""

    n_documents: int
    exact: int
    normalised: int
    near: int | None = None
    """Documents that are nearly another, and not equal to one after normalisation; None: not looked for."""
    examples: list[str] = Field(default_factory=list)
    """Up to three groups, as "source = source"; nearly equal ones as "source ≈ source"."""


class Removed(Document):
    """What a cleaning rule took out of the documents."""

    rule: str
    n: int
    """Stretches."""
    bytes: int
    examples: list[str] = Field(default_factory=list)
    """Up to three, as "source: text"."""


class LengthBin(Document):
    """Documents of `least` to `most` characters."""

    least: int
    most: int
    n: int


class Lengths(Document):
    """How long documents are, in characters (code points)."""

    shortest: int
    median: int
    nine_in_ten: int
    """Nine documents in ten are at most so long."""
    longest: int
    bins: list[LengthBin] = Field(default_factory=list)
    """All of them, counted by ranges that follow each other."""


class Overlapping(Document):
    """A test document that stands, whole or in part, in the text."""

    test: str
    training: str
    share: float
    """Of the test document's n-grams."""
    excerpt: str


class Against(Document):
    """How much of a test set stands in the text (look --against)."""

    paths: list[str]
    n_test_documents: int
    n_found: int
    share: float
    """n_found over the test documents that could be judged."""
    found: list[Overlapping]
    """The first hundred."""


class Leaks(Document):
    """What the floor scores on text held out naively, beside text held out as training does (look --leaks)."""

    by: Literal["document", "line"]
    """What a naive split scatters: documents, or the lines of one document."""
    metric: Literal["bpb", "error_rate"] = "bpb"
    """Bits per byte of an n-gram model; of labelled texts, the share that tf-idf tells wrong."""
    naive: float | None = None
    """None where it cannot be measured."""
    grouped: float | None = None
    """Of the split that training makes."""
    difference: float | None = None
    """grouped - naive."""
    interval: tuple[float, float] | None = None
    """Of the difference."""
    inflation: float | None = None
    """Share by which the naive score is better."""
    n_held: int = 0
    """Documents (lines) that were held out naively."""
    n_leaked: int | None = None
    """Of them, documents with an equal, nearly equal or grouped one in training; None for lines."""
    n_bytes: int
    """Of text that was measured on."""
    of_bytes: int
    verdict: str
    """What it means, as sentences."""


class LanguageTokens(Document):
    """What a tokenizer spends on the text of one language."""

    tokens_per_character: float
    """Fertility."""
    bytes_per_token: float
    n_characters: int


class TokenizerCost(Document):
    """What a tokenizer spends on the text."""

    kind: str
    vocab_size: int
    chosen: bool
    """The one that training would choose."""
    run: str | None = None
    """The run that it comes from."""
    total: LanguageTokens
    languages: dict[str, LanguageTokens]
    """zh, zh-Hant, en, mixed, other, as far as there are any."""


class TokenCosts(Document):
    """Tokenizers beside each other on the training text (look --tokens)."""

    tokenizers: list[TokenizerCost]
    n_bytes: int
    """Of text that they learned from and were counted on."""
    of_bytes: int
    notes: list[str] = Field(default_factory=list)


class Removals(Document):
    """The file of all that cleaning took out (look --removed): one JSON object a line."""

    path: str
    n: int
    """Stretches, of all rules."""
    bytes: int


class Mistake(Document):
    """A label that is likely a mistake."""

    place: str
    """file:line"""
    label: str
    suggested: str
    """The likeliest other class."""
    probability: float
    """That the label is wrong."""
    text: str
    """Its beginning, on one line."""


class Mistakes(Document):
    """Labels that are denied by models that were not shown their texts (look --mistakes)."""

    n_texts: int
    """Texts that were checked."""
    of_texts: int
    n_likely: int | None = None
    """Labels that are rather wrong than right; None where it cannot be told, and the verdict says why."""
    precision: float | None = None
    """Share of them that is expected to be wrong; None of none."""
    estimated_share: float | None = None
    """Of all labels, that are wrong."""
    voices: dict[str, float] = Field(default_factory=dict)
    """The models that were asked -> what they weigh; 0 has no say."""
    seconds: float | None = None
    examples: list[Mistake] = Field(default_factory=list)
    """The likeliest ten."""
    path: str | None = None
    """The file of all of them, where one was asked for."""
    verdict: str
    """What it means, as sentences."""


class Sampled(Document):
    """Which part of a text was looked at (look --sample). n_files, bytes and dropped are exact; they are of all."""

    asked: str
    """As it was said: 200MB, 5%."""
    seed: int
    n_files: int
    """Files that are text by their names."""
    bytes: int
    """Of all of them, as they lie; in an archive unpacked."""
    n_files_read: int
    bytes_read: int
    share: float | None
    """bytes_read of bytes; None where packed files are read: how much is in them is not known."""
    n_in_blocks: int
    """Files read in blocks that are spread over them."""
    n_beginnings: int
    """Files of which only the beginning was read."""
    dropped: dict[str, int] = Field(default_factory=dict)
    """Bytes of files that are dropped whole by their names, by category; they stand in no other number."""


class Look(Document):
    """What `textmill look` found."""

    schema_: Literal["textmill.look/1"] = Field("textmill.look/1", alias="schema")
    files: list[FileLook]
    bytes: int
    ledger: dict[str, int]
    """Bytes by category: train validation test label markup unused_column duplicate bad_record empty other:NAME."""
    languages: dict[str, float]
    """Share of the text's characters: zh, en, other."""
    duplicates: Duplicates
    n_documents: dict[str, int]
    """Documents in train, validation, test."""
    document_languages: dict[str, float] = Field(default_factory=dict)
    """Share of the documents by language: zh, zh-Hant, en, mixed, other."""
    lengths: Lengths | None = None
    cleaning: list[Removed] = Field(default_factory=list)
    """What each cleaning rule took out; it stands in the ledger as other:RULE."""
    against: Against | None = None
    """With --against: which test documents stand in this text."""
    leaks: Leaks | None = None
    """With --leaks: what repeats would hide."""
    mistakes: Mistakes | None = None
    """With --mistakes: labels that are likely wrong."""
    tokens: TokenCosts | None = None
    """With --tokens: what tokenizers spend on this text."""
    removals: Removals | None = None
    """With --removed: where all that cleaning took out was written."""
    preview: list[str] = Field(default_factory=list)
    """The first three documents, cut to a line each."""
    bad_records: list[str] = Field(default_factory=list)
    """The first ten, as "file:line: reason"."""
    notes: list[str] = Field(default_factory=list)
    """What was decided without being asked, and findings of the task, as sentences."""
    messages: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    """A sentence of notes -> what it is made of, for other languages: {template, values}."""
    suggestion: str = ""
    """The command to run next."""
    sample: Sampled | None = None
    """With --sample, where it is less than the text: all other numbers are of that part."""
    page: str | None = None
    """With --out: the page that was written."""
    plots: list[str] = Field(default_factory=list)
    """With --out: the pictures that were written."""


class ClassScore(Document):
    """One class on held-out texts. Its F1 is the metric f1_class.NAME."""

    name: str
    precision: float
    """Of the texts that were given the class, the share that have it."""
    recall: float
    """Of the texts that have the class, the share that were given it."""
    n_texts: int
    """Texts that have it."""
    n_given: int
    """Texts that were given it."""


class Confused(Document):
    """Texts of one class that were given another."""

    label: str
    """The one they have."""
    output: str
    """The one they were given."""
    n: int


class ReliabilityBin(Document):
    """Texts whose answer has a probability above `low` and not above `high`: how sure it was, how often right."""

    low: float
    high: float
    n_texts: int
    confidence: float | None
    """Mean probability of their answers; None where there is no such text."""
    accuracy: float | None
    interval: tuple[float, float] | None
    """Of the accuracy (Clopper-Pearson)."""


class RiskPoint(Document):
    """Answering the texts whose answer has at least this probability."""

    threshold: float
    coverage: float
    """Share of the texts that are answered."""
    risk: float
    """Of them, the share that are told wrong."""


class Abstaining(Document):
    """What `classify --abstain P` would do on these texts."""

    threshold: float
    """P."""
    n_answered: int
    n_wrong: int
    coverage: float
    risk: float | None
    """n_wrong of n_answered; None where none is answered."""
    interval: tuple[float, float] | None
    """Of the risk (Clopper-Pearson)."""


class Offered(Document):
    """What a classifier answers with, and what that was chosen by."""

    name: Literal["network", "tfidf", "mixture"]
    weight: float
    """Of the network; the floor has the rest."""
    temperature: float
    n_texts: int
    """Held-out texts that both were chosen on; 0: there were none, or too few."""
    losses: dict[str, float]
    """Nats a text there, of network, tfidf and offered."""


class Flagged(Document):
    """Texts that look unlike those of training."""

    n_texts: int
    """That were looked at."""
    n: int
    """Texts with any flag."""
    by: dict[str, int]
    """Flag -> texts."""
    expected: float
    """The share of texts like the held-out ones that is flagged for nothing, by choice of the threshold."""


class Classes(Document):
    """A classifier, class by class."""

    names: list[str]
    """In class order."""
    scores: list[ClassScore]
    """In class order."""
    confusion: list[list[int]] | None = None
    """Texts of each class (row) that were given each class (column), in class order; None where a text may have several
    labels, and above 100 classes."""
    confused: list[Confused] = Field(default_factory=list)
    """Every pair of two classes that was confused, the most frequent first."""
    reliability: list[ReliabilityBin] = Field(default_factory=list)
    """The table behind the ECE; empty where a text may have several labels."""
    ece_noise_high: float | None = None
    """What the ECE of a calibrated model of so many texts stays below in 95 of 100 cases."""
    risk_coverage: list[RiskPoint] = Field(default_factory=list)
    """The surest texts first; of a longer curve 200 points, evenly spread, both ends among them."""
    aurc: float
    """The mean risk over the texts, each at its own probability."""
    abstaining: list[Abstaining]
    """At some thresholds, and at that of --abstain."""
    asked: float | None = None
    """That of --abstain."""
    offer: Offered
    alarms: list[str] = Field(default_factory=list)
    """What must not be overlooked, as sentences; they stand in convention.notes too."""
    flagged: Flagged | None = None
    """None where the run does not know its domain."""


class Evaluation(Document):
    """A run measured on held-out text."""

    schema_: Literal["textmill.eval/1"] = Field("textmill.eval/1", alias="schema")
    run: str
    data: str
    """Which text: "test", "validation", or a path."""
    checkpoint: str = ""
    metrics: dict[str, float]
    """loss (nats per token), perplexity, bpb, bpc, n_tokens, n_bytes, n_chars."""
    intervals: dict[str, tuple[float, float]]
    baselines: dict[str, dict[str, float]]
    """floor name -> metrics: "uniform", "ngram" (the model's own tokens), "ngram_bytes"."""
    convention: dict[str, Any]
    """How the numbers were taken: window, stride, tokenizer, marks, what was resampled, notes."""
    verdict: str = ""
    """In plain words: where the model stands between uniform, floor and the best known."""
    messages: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    """A sentence of verdict or convention -> what it is made of, for other languages: {template, values}."""
    documents: list[dict[str, float | int | str]] = Field(default_factory=list)
    """Per document or block: source, nats, n_tokens, n_bytes, n_chars; paired comparisons need them."""
    classes: Classes | None = None
    """Of a classifier."""
    remote: RemoteUse | None = None
    """Of a remote model."""
    seal: str = ""
    """Of a file under eval/: the sha256 of it with this left empty. Stands last."""


class ScoreDifference(Document):
    """Of two runs: the second's score minus the first's."""

    value: float
    interval: tuple[float, float] | None
    """Of the difference, the same documents drawn for both; None below two documents."""


class Comparison(Document):
    """Two runs on the same text."""

    schema_: Literal["textmill.compare/1"] = Field("textmill.compare/1", alias="schema")
    runs: list[str]
    data: str
    """Which text: "test", "validation", or a path."""
    n_documents: int
    metrics: list[dict[str, float]]
    """Of each run, as eval has them."""
    differences: dict[str, ScoreDifference]
    """bpb; of classifiers instead accuracy, and f1_macro where each text has one label; of translators also bleu and
    chrf, of those of both directions bleu_back and chrf_back."""
    confidence: float
    verdict: str
    notes: list[str] = Field(default_factory=list)
    remote: list[RemoteUse] = Field(default_factory=list)
    """Of the remote models among them, in order."""


class Trained(Document):
    """What a training command ends with."""

    schema_: Literal["textmill.train/1"] = Field("textmill.train/1", alias="schema")
    run: str
    step: int
    metrics: dict[str, float]
    baselines: dict[str, dict[str, float]]
    report: str | None
    verdict: str = ""
    """Whether the model beats its floor, in one sentence; of a classifier how good it is, and what answers."""
    next: list[str] = Field(default_factory=list)
    """Commands to try."""


class Translated(Document):
    """A line translated."""

    schema_: Literal["textmill.translate/1"] = Field("textmill.translate/1", alias="schema")
    translation: str
    score: float | None
    """ln P of its tokens, the end mark among them, divided by their number to the power of generate.length_power; None
    of a remote model."""
    finished: bool = True
    """The model ended it; else generate.max_new_tokens did."""
    n_pieces: int = 1
    """Pieces in which a long line was translated."""
    terms: list[str] = Field(default_factory=list)
    """Translations of its terms that --glossary forced."""
    terms_lacking: list[str] = Field(default_factory=list)
    """Of these, those that do not stand in the translation as whole words."""
    lost: list[str] = Field(default_factory=list)
    """Numbers, addresses, tags and placeholders of the line that its translation lacks."""
    alternatives: list[dict[str, str | float]] = Field(default_factory=list)
    """Of --n-best, the others: translation and score, the best first."""
    remote: RemoteUse | None = None
    """Of a remote model, for this line."""


Flag = Literal["language", "unseen", "domain"]


class OpinionSentence(Document):
    """A sentence, or a clause, about an aspect, and what it is alone."""

    sentence: str
    start: int
    end: int
    """Where it stands in the line, in code points."""
    label: str
    """The likeliest class; of several, all that are given, with commas."""
    probabilities: dict[str, float]


class AspectOpinion(Document):
    """What a text says of an aspect: of all its sentences about it, the mean of their probabilities."""

    label: str
    """As in Classified."""
    labels: list[str]
    probabilities: dict[str, float]
    abstained: bool = False
    sentence: str
    """The one that speaks most for the label; where it is about several aspects, the clause about this one."""
    start: int
    end: int
    """Where it stands in the line, in code points."""
    sentences: list[OpinionSentence]
    """All that are about the aspect, in order."""


class Classified(Document):
    """What a text is."""

    schema_: Literal["textmill.classify/1"] = Field("textmill.classify/1", alias="schema")
    label: str
    """The likeliest class; of texts with several labels all that are given, with commas; "" for an empty line, and
    where no answer is given."""
    labels: list[str] = Field(default_factory=list)
    """The same, one by one."""
    probabilities: dict[str, float]
    """Of each class; they sum to 1, but where a text may have several labels."""
    abstained: bool = False
    """With --abstain: the answer was not sure enough; with --abstain-flagged: the text has a flag."""
    flags: list[Flag] = Field(default_factory=list)
    """Why the text looks unlike those of training: "language", it is in another one; "unseen", none of its n-grams of
    words and characters is known; "domain", they are rarer there than those of nearly all held-out texts."""
    aspects: dict[str, AspectOpinion | None] = Field(default_factory=dict)
    """With --aspects, what is said of each; None: the text does not name it."""
    said: str | None = None
    """Of a remote model, its answer as it came; where that is none of the labels, `label` is ""."""
    remote: RemoteUse | None = None
    """Of a remote model, for this line."""


class OpinionPeriod(Document):
    """The texts of an hour, day, week or month."""

    start: str
    """Its first moment, with the offset of the zone."""
    n: int
    counts: dict[str, int]
    """Class -> texts that the classifier gives it."""
    shares: dict[str, float] | None
    """Class -> share of the texts; None in a gap."""
    intervals: dict[str, tuple[float, float]] | None
    few: bool
    """It has texts, and too few to say much."""


class OpinionExample(Document):
    """A text behind an alarm: of the class that grew, after the change."""

    text: str
    """Its beginning, where it is long."""
    source: str
    """file:line."""
    moment: str
    probability: float
    """Of the class that grew."""


class OpinionAlarm(Document):
    """The shares changed."""

    at: str
    """Start of the first period after the change."""
    earliest: str
    latest: str
    """Between which it lies with 95 %."""
    label: str
    """The class that changed most clearly."""
    direction: Literal["up", "down"]
    """Where its share went."""
    before: dict[str, float]
    after: dict[str, float]
    """Class -> share, between the neighbouring changes on each side."""
    difference: dict[str, tuple[float, float]]
    """Class -> interval of after minus before."""
    p_value: float
    level: float
    """Below which the p-value had to be."""
    said: str
    """All of it in a sentence."""
    grown: str
    """The class that grew most clearly: of it are the examples."""
    examples: list[OpinionExample]


class OpinionSeries(Document):
    """What is thought of one thing over time."""

    name: str
    """The value in the column of --by; "" without."""
    n_texts: int
    periods: list[OpinionPeriod]
    """From the first to the last with texts, gaps among them."""
    alarms: list[OpinionAlarm]
    stated: str
    """The rate of false alarms in words, or why there can be none."""
    notes: list[str]


class Monitored(Document):
    """What `textmill monitor` found."""

    schema_: Literal["textmill.monitor/1"] = Field("textmill.monitor/1", alias="schema")
    run: str
    data: list[str]
    columns: dict[str, str]
    """time, by -> column."""
    zone: str
    """By whose clock periods begin."""
    every: Literal["hour", "day", "week", "month"]
    dates: Literal["day-first", "month-first"] | None
    """How 03/04/2024 was read; None where it did not matter."""
    classes: list[str]
    confusion: list[list[int]]
    """Labelled texts by true class (row) and given class (column)."""
    measured_on: dict[str, int]
    """Part -> labelled texts that the confusion was counted on."""
    is_corrected: bool
    """Shares are those of the true classes; else those that the classifier says."""
    confidence: float
    """Of the intervals."""
    rate: float
    """Of false alarms."""
    n_texts: int
    n_dropped: dict[str, int]
    """Why -> records: bad_record, empty, no_date, bad_date, no_series."""
    dropped: list[str]
    """The first of them, as "file:line: why"."""
    series: list[OpinionSeries]
    notes: list[str]
    messages: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    """A sentence -> what it is made of, as in Evaluation.messages."""
    page: str | None = None
    plots: list[str] = Field(default_factory=list)


class Candidate(Document):
    """An architecture that `textmill choose` trained."""

    arch: str
    run: str
    step: int
    size: str
    n_parameters: dict[str, int]
    took_s: float | None
    """Of its share of the minutes, where it was trained in one go."""
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    behind: tuple[float, float] | None
    """Interval of its bits per byte minus the best one's, over the same documents drawn together; None for the best,
    and where there are fewer than two."""


class Chosen(Document):
    """Which architecture suits a text and a time."""

    schema_: Literal["textmill.choose/1"] = Field("textmill.choose/1", alias="schema")
    name: str
    data: str
    """What they were measured on: "test" or "validation"."""
    minutes: float
    """Of all runs together."""
    candidates: list[Candidate]
    """The best first."""
    baselines: dict[str, dict[str, float]]
    """floor name -> metrics."""
    recommended: str
    reason: str
    """Why, and how sure that is, in words."""
    folder: str
    """RUNS/NAME-choose: this document as choose.json, and the picture."""
    plots: list[str] = Field(default_factory=list)
    next: list[str] = Field(default_factory=list)
    """Commands to try with the best."""


class Difference(Document):
    """What a repetition came to differently."""

    what: str
    by: float | None
    """The largest difference of two numbers in it; None where that says nothing."""


class Verified(Document):
    """A stretch of a run, done again and compared."""

    schema_: Literal["textmill.verify/1"] = Field("textmill.verify/1", alias="schema")
    run: str
    equal: bool
    """To the bit."""
    first_step: int
    last_step: int
    compared_with: str
    """The last checkpoint, or a second repetition."""
    n_tensors: int
    n_logged: int
    """Lines of the log that were compared."""
    differences: list[Difference]


class CopiedPassage(Document):
    """The longest stretch that a written text has in common with the training text, character by character."""

    text: str
    n_chars: int
    start: int
    end: int
    """In the written text: code points."""
    source: str
    """Of the training document: where it came from."""
    document: int
    """Its number in the training part, from 0."""
    offset: int
    """Its code points before the passage."""
    before: str
    after: str
    """What stands around it there, up to 40 characters."""


class Copied(Document):
    """How much of a written text stands in the training text."""

    least: int
    """Characters from which on a common stretch counts as copied."""
    n_chars: int
    n_copied: int
    """Characters in such stretches."""
    passage: CopiedPassage | None
    """The longest common stretch, also where it is too short to count; None: none has half of `least`."""


class Generated(Document):
    """One text that was written."""

    schema_: Literal["textmill.generate/1"] = Field("textmill.generate/1", alias="schema")
    prompt: str
    text: str
    finish_reason: str
    """stop: it was ended; length: max_new_tokens ended it. Of a remote model, what its server says."""
    seed: int
    n_prompt_tokens: int | None
    """None where a remote model's server does not say."""
    n_tokens: int | None
    copied: Copied | None = None
    """How much of it stands in the training text; None without --copies."""
    remote: RemoteUse | None = None
    """Of a remote model: on the first of the texts that one request gave."""
    form: FormKept | None = None
    """Of a text that was written in a form."""


class FormKept(Document):
    """What it costs a text to keep its form, by the model's own probabilities."""

    form: str
    """As it was said, with its rhyme scheme and acrostic."""
    bits_per_character: float
    """−log2 P of the text and its end mark, divided by its characters."""
    bits_per_character_free: float | None
    """The same of a text that is written without the form, with the same seed, settings and most tokens; None where
    that has no character."""
    forbidden_share: float
    """Of the model's probability, what the form forbade: the mean over the tokens."""


class WritingScore(Document):
    """What texts are like, written by a model or by people."""

    n_texts: int
    n_chars: int
    loop_rate: float
    """Share of the texts that hold a loop."""
    loop_interval: tuple[float, float]
    rep_4: float
    """Share of the runs of four tokens that stood in the same text before; the mean over texts."""
    distinct_3: float
    """Different runs of three tokens, as a share of all such runs of all texts."""
    bpb: float | None
    """Bits per byte that the model itself spends on them, end marks left out; None: nothing was written."""
    ended: float
    """Share that came to an end within generate.max_new_tokens."""
    copied: float | None = None
    """Share of the characters that stand in the training text; None: not measured."""


class WritingCandidate(Document):
    """A way of writing that was tried on the validation prompts."""

    settings: dict[str, float | int]
    """Of [generate]: what differs between the candidates."""
    score: WritingScore
    stays: bool
    """Its loop rate is at most two points above that of people's text."""
    distance: float
    """From people's text: |bpb - bpb of people's|."""


class WrittenText(Document):
    """One text of a measurement."""

    prompt: str
    text: str
    finish_reason: str
    loop: str = ""
    """What it repeats; empty where it holds no loop."""
    copied: Copied | None = None
    """None: not measured."""


class WritingMeasured(Document):
    """How a run writes, beside people's text of the same corpus."""

    schema_: Literal["textmill.writing/1"] = Field("textmill.writing/1", alias="schema")
    run: str
    data: Literal["validation", "test"]
    """Whose beginnings were written on from."""
    checkpoint: str
    settings: dict[str, Any]
    """[generate] as it was measured."""
    model: WritingScore
    people: WritingScore
    """Pieces of held-out text, as long as the written texts."""
    sampled: WritingScore
    """The same model at temperature 1 and with nothing else: its own distribution."""
    greedy: WritingScore
    """The same model, always the likeliest token."""
    facts: dict[str, float | None]
    """What the causes were judged by: bpb and floor_bpb on held-out text, fall (of the loss, in the last quarter of the
    steps, as a share), mark_probability (at the ends of held-out documents), mark_share (of their tokens),
    n_marks (in the training part)."""
    loops: bool
    """The loop rate is, beyond chance, more than two points above that of people's text."""
    causes: list[Finding]
    """Of loops, and of texts that never end: likely ones, the likeliest first."""
    candidates: list[WritingCandidate] = Field(default_factory=list)
    """With --choose: what was tried, on the validation prompts."""
    chosen: dict[str, float | int] | None = None
    """With --choose: what now stands in [generate] of the run."""
    texts: list[WrittenText]
    notes: list[str] = Field(default_factory=list)
    messages: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    """A sentence of `notes` -> what it is made of."""
    seal: str = ""
    """Of eval/writing.json: the sha256 of it with this left empty. Stands last."""


class ScoredToken(Document):
    """P(token | the tokens before it). start end: code points of the text."""

    text: str
    id: int | None
    """None of a remote model."""
    start: int
    end: int
    logprob: float
    rank: int | None
    """1: the likeliest; None where a remote model's server names only likelier tokens."""
    alternatives: list[dict[str, Any]]
    """The likeliest tokens here: {text, id, logprob}, best first; of a remote model without id."""


class Scored(Document):
    """The probability of a text, token by token."""

    schema_: Literal["textmill.score/1"] = Field("textmill.score/1", alias="schema")
    text: str
    tokens: list[ScoredToken]
    total_logprob: float
    """Nats: the chain rule's sum over tokens."""
    unscored: str = ""
    """What the text begins with and has no probability there: a remote model's first token."""
    remote: RemoteUse | None = None
    """Of a remote model."""


class WordNear(Document):
    """A word found for another, or for an analogy."""

    word: str
    score: float
    """The cosine; of an analogy what its formula gives."""


class WordLooked(Document):
    """A word, and the words nearest to it."""

    word: str
    pieces: list[str]
    """What its vector is made of, where it is no word of the vocabulary; else []."""
    near: list[WordNear]


class AnalogyAnswer(Document):
    """What is to the third word as the second is to the first."""

    words: list[str]
    """The three."""
    pieces: dict[str, list[str]]
    """Of those that are no words of the vocabulary: what their vectors are made of."""
    add: list[WordNear]
    """Best first, by 3CosAdd."""
    mul: list[WordNear]
    """Best first, by 3CosMul."""


class AnalogyScore(Document):
    """How many analogies are answered rightly."""

    part: str
    """A part of the file, or `all`."""
    n: int
    n_asked: int
    """Those whose four words are all there; the others do not count."""
    accuracy: dict[str, float]
    """By formula, `add` and `mul`; {} where none was asked."""
    intervals: dict[str, tuple[float, float]]
    """Of them, 95 %, over analogies; {} for fewer than two."""


class TextSimilarity(Document):
    """How alike two texts are."""

    texts: list[str]
    """The two."""
    cosine: float


class LineFound(Document):
    """A line that a search found."""

    line: int
    """From 1."""
    text: str
    score: float
    """The cosine to what was searched for."""


class Vectors(Document):
    """Words and texts as vectors; of what was not asked for, nothing."""

    schema_: Literal["textmill.vectors/1"] = Field("textmill.vectors/1", alias="schema")
    run: str
    """The run, or the file of vectors."""
    of: str
    """Which vectors: `input`, `output` or `context` of words, `file` of a file, or how texts are pooled: `mean`,
    `first`, `max`, or `head` as the run's own head does."""
    width: int
    n_words: int | None = None
    """Words of the vocabulary that have a vector; None of texts."""
    n_repeated: int = 0
    """Of a file: words that stood in it already; the first counts."""
    n_unreadable: int = 0
    """Of a file: words that are no UTF-8, and are left out."""
    words: list[WordLooked] = Field(default_factory=list)
    analogy: AnalogyAnswer | None = None
    analogies: list[AnalogyScore] = Field(default_factory=list)
    """Of a file of analogies: of each part, and of all."""
    similar: TextSimilarity | None = None
    found: list[LineFound] = Field(default_factory=list)
    """Of a search, best first."""
    out: str | None = None
    """The file that was written."""
    n_written: int | None = None
    """Vectors in it."""


class TextVector(Document):
    """The vector of a line."""

    schema_: Literal["textmill.vectors-text/1"] = Field("textmill.vectors-text/1", alias="schema")
    line: int
    """From 1."""
    vector: list[float] | None
    """None of an empty line."""


class Info(Document):
    """What a run is."""

    schema_: Literal["textmill.info/1"] = Field("textmill.info/1", alias="schema")
    run: str
    kind: str
    status: str
    """finished, unfinished, training, prepared."""
    step: int
    steps: int | None
    arch: str
    n_parameters: dict[str, int]
    """total, and without embeddings and head: backbone."""
    tokenizer: dict[str, Any]
    data: dict[str, Any]
    metrics: dict[str, float]
    made: dict[str, Any]
    """command, seed, versions, hardware, times."""
    origin: dict[str, Any] = Field(default_factory=dict)
    """Of a model that was trained elsewhere: its format, family and architecture, the precision its weights are kept
    in, their files, context, bytes to load and to train, licence, whether it is safe and why, what was left aside."""


class RunLine(Document):
    """A run in a list."""

    name: str
    status: str
    task: str
    arch: str
    step: int
    steps: int | None
    bpb: float | None
    accuracy: float | None = None
    f1: float | None = None
    """Of runs that answer questions."""
    """Of a classifier."""
    modified: str


class Runs(Document):
    """The runs of a folder."""

    schema_: Literal["textmill.ls/1"] = Field("textmill.ls/1", alias="schema")
    dir: str
    runs: list[RunLine]
    unreadable: dict[str, str] = Field(default_factory=dict)
    """Name of a run that cannot be read -> why."""


NOT_CHECKED = message("no seal: not checked")  # what a finding says of a file that nothing tells what was written


Severity = Literal["damaged", "cause", "note"]


class Finding(Document):
    """Something that `textmill doctor` found."""

    what: str
    """What is wrong, in a sentence."""
    where: str
    """The file, or the measurement, that shows it."""
    severity: Severity
    """damaged: a file is not what was written. cause: why the loss is as it is, likely. note: nothing to be mended."""
    evidence: str
    remedy: str
    strength: float | None = None
    """Of a cause, 0 to 1: the likeliest stands first."""
    messages: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    """what, evidence, remedy -> what they are made of, for other languages: {template, values}."""


def finding(
    what: str, where: str, severity: Severity, evidence: str, remedy: str, strength: float | None = None
) -> Finding:
    """A finding that keeps what its sentences are made of, where they are messages."""
    return Finding(
        what=what,
        where=where,
        severity=severity,
        evidence=evidence,
        remedy=remedy,
        strength=strength,
        messages=record_of((what, evidence, remedy)),
    )


class Doctor(Document):
    """What `textmill doctor` found in a run."""

    schema_: Literal["textmill.doctor/1"] = Field("textmill.doctor/1", alias="schema")
    run: str
    status: str
    """finished, unfinished, training; unknown where run.json does not tell."""
    whole: bool
    """No file is damaged."""
    resumes_from: int | None
    """The step that training would go on from: the newest checkpoint that holds."""
    best: int | None
    """The step that other verbs take: that of best.json, if it holds."""
    findings: list[Finding]


class PreparedText(Document):
    """What `textmill prepare` ends with."""

    schema_: Literal["textmill.prepare/1"] = Field("textmill.prepare/1", alias="schema")
    folder: str
    """Where the prepared text lies: RUNS/.data/FINGERPRINT."""
    reused: bool
    """It was there already, and all of it was verified."""
    tokenizer: dict[str, Any]
    """kind, vocab_size, note."""
    n_documents: dict[str, int]
    """By part: train, validation, test."""
    n_tokens: dict[str, int]
    n_bytes: dict[str, int]
    """UTF-8 bytes of the text, by part."""
    ledger: dict[str, int]
    """Bytes of the files by category, as in look."""
    notes: list[str]
    next: list[str]
    """The command that trains on it."""


class Reported(Document):
    """Where the report lies."""

    schema_: Literal["textmill.report/1"] = Field("textmill.report/1", alias="schema")
    run: str
    report: str
    card: str
    plots: list[str]
    notes: list[str] = Field(default_factory=list)


class Proof(Document):
    """How an export was compared with its run, by somebody else's reader."""

    of: Literal["logits", "vectors"] = "logits"
    """What was compared: logits, or the numbers of vectors of texts."""
    max_difference: float
    """The largest difference of one; of vectors in proportion, where the largest number is above 1."""
    allowed: float = 1e-4
    """By how much one may differ."""
    n_numbers: int
    """That were compared."""
    how: str
    n_texts: int
    """Texts whose ids were compared."""
    n_texts_equal: int
    n_greedy: int = 0
    """Likeliest tokens, one after the other, that were compared, all equal; 0: none were."""
    by: dict[str, str]
    """The packages that read it back -> their versions."""


class Exported(Document):
    """A run in another format."""

    schema_: Literal["textmill.export/1"] = Field("textmill.export/1", alias="schema")
    run: str
    step: int
    """Of the checkpoint whose weights left."""
    to: str
    out: str
    architecture: str
    """The class, or the graph, that others run it as."""
    files: dict[str, int]
    """Name -> bytes."""
    proof: Proof
    notes: list[str] = Field(default_factory=list)
    """What its user must know."""


class Smaller(Document):
    """A run in fewer bits, and what that costs."""

    schema_: Literal["textmill.export.smaller/1"] = Field("textmill.export.smaller/1", alias="schema")
    run: str
    step: int
    """Of the checkpoint whose weights were taken."""
    to: Literal["int8", "bf16"]
    out: str
    """A run folder."""
    files: dict[str, int]
    """Name -> bytes."""
    bytes_before: int
    """Of the weights, in float32."""
    bytes_after: int
    data: str
    """On which text both were measured: "test", "validation", or a path."""
    n_documents: int
    metrics: list[dict[str, float]]
    """Of the original and of this one, as eval has them."""
    differences: dict[str, ScoreDifference]
    """This one's minus the original's, paired: bpc in place of compare's bpb, and as compare has them else."""
    confidence: float
    speed: list[float]
    """Tokens that it reads in the processor time in which the original reads one: the least, the median and the most of
    rounds in turns."""
    notes: list[str] = Field(default_factory=list)


class Knob(Document):
    """One knob: value, where it comes from, meaning."""

    key: str
    value: Any
    origin: str
    help: str


class Knobs(Document):
    """Every knob."""

    schema_: Literal["textmill.config/1"] = Field("textmill.config/1", alias="schema")
    knobs: list[Knob]


class Demo(Document):
    """What the demo ends with."""

    schema_: Literal["textmill.demo/1"] = Field("textmill.demo/1", alias="schema")
    run: str
    bpb: float
    baselines: dict[str, dict[str, float]]
    beats_floors: bool
    samples: list[str]
    report: str
    next: list[str]


class CorpusFile(Document):
    """A file of a corpus. path: where it lies."""

    name: str
    path: str
    bytes: int
    sha256: str


class CorpusEntry(Document):
    """A corpus or a model of the catalogue, or a data set of the hub that was fetched."""

    kind: Literal["text", "model"]
    name: str
    path: str
    """What to write in PATH's place; of a model, in RUN's."""
    what: str
    document: str
    """What one document is, and its columns."""
    language: str
    task: str
    licence: str
    source: str
    traps: list[str]
    n_documents: int
    bytes: int
    """Of the text."""
    archive: str
    archive_bytes: int
    archive_sha256: str
    """For a data set of the hub: the commit."""
    text_sha256: str
    fetched: bool
    folder: str | None
    run: str | None = None
    """Of a model that was fetched: its folder or .gguf file, which RUN may be."""
    files: list[CorpusFile] = Field(default_factory=list)
    left_out: dict[str, int] = Field(default_factory=dict)
    """Reason -> records that were left out when it was fetched."""


class BuiltinText(Document):
    """A text that needs no download."""

    path: str
    """What to write in PATH's place."""
    what: str
    knobs: list[str]
    """What may be said behind it: PATH,KNOB=VALUE."""


class Catalogue(Document):
    """Some corpora, or all."""

    schema_: Literal["textmill.data/1"] = Field("textmill.data/1", alias="schema")
    cache: str
    corpora: list[CorpusEntry]
    builtin: list[BuiltinText] = Field(default_factory=list)
    """Where all are listed."""


class WrittenWorld(Document):
    """A world that was written into files."""

    schema_: Literal["textmill.data-write/1"] = Field("textmill.data-write/1", alias="schema")
    path: str
    folder: str
    files: dict[str, str]
    n_items: dict[str, int]
    """Of each part."""


class Plan(Document):
    """What a command would do (-n): nothing was written."""

    schema_: Literal["textmill.plan/1"] = Field("textmill.plan/1", alias="schema")
    verb: str
    run: str | None
    writes: list[str]
    plan: dict[str, Any]


class Chatted(Document):
    """One answer of a chat."""

    schema_: Literal["textmill.chat/1"] = Field("textmill.chat/1", alias="schema")
    prompt: str
    text: str
    finish_reason: str
    """As in Generated."""


class AskedAnswer(Document):
    """An answer, and where it stands."""

    answer: str
    score: float
    """How sure it is that the answer stands there, in [0, 1]."""
    source: str
    """The file, and behind a # the record or page, where it has such."""
    line: int | None
    """Counted from 1; None where the file has no lines of text."""
    start: int
    end: int
    """Of the answer, in code points of the document as it was decoded."""
    byte_start: int | None
    byte_end: int | None
    """The same in bytes of the file as it lies on the disk; None where no bytes are known to hold it."""
    text: str
    """The sentence that it stands in."""
    context: str
    """The passage that the sentence stands in."""
    text_start: int
    """Of the sentence, in code points of `context`."""
    answer_start: int
    """Of the answer, in code points of `context`."""
    question: str = ""
    """What the passage answers, where the file holds questions with their answers."""


class Asked(Document):
    """A question that was put to documents, and what they say."""

    schema_: Literal["textmill.ask/1"] = Field("textmill.ask/1", alias="schema")
    question: str
    about: str = ""
    """In a session: what the question was taken to be about, because it names nothing itself."""
    found: bool
    """False: no answer is as sure as the threshold; `nearest` holds what came nearest."""
    answer: str
    """The surest, as are the keys up to `text`; "" and None where nothing was found."""
    score: float
    """Of the surest, found or not; 0 where nothing came near."""
    source: str | None = None
    line: int | None = None
    start: int | None = None
    end: int | None = None
    byte_start: int | None = None
    byte_end: int | None = None
    text: str = ""
    answers: list[AskedAnswer] = Field(default_factory=list)
    """All that are sure enough, the surest first; at most --answers."""
    nearest: list[AskedAnswer] = Field(default_factory=list)
    """Up to three, where nothing was found."""
    unplaced: str = ""
    """What a remote model answered that stands in none of the passages it was shown: it does not count as found."""
    threshold: float
    n_files: int
    remote: RemoteUse | None = None
    """Of a remote model."""


class AskedAll(Document):
    """Questions with known answers that were put to documents (ask --questions)."""

    schema_: Literal["textmill.ask-questions/1"] = Field("textmill.ask-questions/1", alias="schema")
    data: str
    n_files: int
    n_questions: int
    n_with_answer: int
    n_without_answer: int
    """Questions that the documents do not answer."""
    threshold: float
    reader: str | None = None
    """The run that read, or None."""
    metrics: dict[str, float]
    """Shares: answered (of all questions), right (of those with an answer: it stands in the sentence that is given, and
    that in the right file), refused (of those without), precise (of those answered: right); em and f1 of the answers
    themselves, "" where none is given, over all questions."""
    intervals: dict[str, tuple[float, float]]
    """Of each, (low, high), 95 %."""
    baselines: dict[str, dict[str, float]]
    """overlap: of the best passage the sentence that shares most terms with the question; it never refuses."""
    mistakes: list[str] = Field(default_factory=list)
    """Up to ten questions that were answered wrongly, were not answered, or should not have been."""
    remote: RemoteUse | None = None
    """Of a remote model."""


class Rung(Document):
    """One way to answer questions of documents, and what it costs."""

    name: str
    """closed, overlap, evidence, scratch, pretrained or together."""
    title: str
    """In plain words."""
    run: str | None = None
    """The run that answers; None: none does, or it was not run."""
    ran: bool
    command: str = ""
    """Of a way that was not run: how it is."""
    metrics: dict[str, float] = Field(default_factory=dict)
    """Shares: right (of questions with an answer: it stands in what is given), refused (of those without), em and f1 of
    the answers, "" where none is given, over all questions."""
    intervals: dict[str, tuple[float, float]] = Field(default_factory=dict)
    """Of each, (low, high), 95 %."""
    f1_minus_best: tuple[float, float] | None = None
    """The interval of its F1 minus that of the way with the highest, the same questions drawn for both."""
    seconds_a_question: float | None = None
    """Of a processor."""
    training_s: float | None = None
    """That its run took by the clock, in all."""
    n_parameters: int | None = None
    size_bytes: int = 0
    """Of its weights and of the index."""


class Ladder(Document):
    """The same questions of documents, answered in several ways (ask --questions FILE --ladder)."""

    schema_: Literal["textmill.ask-ladder/1"] = Field("textmill.ask-ladder/1", alias="schema")
    data: str
    n_files: int
    n_questions: int
    n_with_answer: int
    n_without_answer: int
    rungs: list[Rung]
    """The simplest first."""
    recommended: str
    """The way that takes least time for a question, of those whose F1 is within the interval of the best."""
    verdict: str
    messages: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    """As in eval."""


class Report(Document):
    """Everything a report page shows; run.report() gathers it, report.render draws it."""

    schema_: Literal["textmill.report-page/1"] = Field("textmill.report-page/1", alias="schema")
    run: str
    task: str
    arch: str
    status: str
    step: int
    steps: int | None
    command: str
    created: str
    seed: int
    versions: dict[str, str]
    hardware: dict[str, Any]
    n_parameters: dict[str, int]
    tokenizer: dict[str, Any]
    """kind, vocab_size, bytes_per_token, note."""
    data: dict[str, Any]
    """paths, n_documents, n_tokens, n_bytes by part, languages, notes; into, the languages to choose from."""
    files: list[FileLook]
    ledger: dict[str, int]
    curve: list[dict[str, float]]
    """step, and where known train_loss, valid_loss, valid_bpb, lr."""
    samples: list[dict[str, Any]]
    """step, prompt, text."""
    evaluation: Evaluation | None
    loops: dict[str, float]
    """Loop rate of the samples ("model") and of the held-out text ("human"), shares."""
    time: dict[str, float]
    """Seconds by kind: start, train (data left out), data, evaluate, sample, save, log, floor."""
    utilisation: dict[str, Any] = Field(default_factory=dict)
    """share of peak_flops_per_s that the updates used, flops_per_token and their convention."""
    limits: list[str]
    """What this model cannot do."""
    next: list[str]
    """Commands to try."""
    config: dict[str, Any]
    messages: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    """A sentence of data.notes, limits or tokenizer.note -> what it is made of, as in Evaluation.messages."""
