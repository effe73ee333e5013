"""name -> "module:Class": all there is, without loading any of it. Read, never filled at import.

Being in a table enrols the newcomer in verbs, help and the shared laws (tests/laws/).
"""

from __future__ import annotations

import importlib
from typing import Any

ARCHITECTURES = {
    "rnn": "textmill.models.recurrent:RNN",
    "lstm": "textmill.models.recurrent:LSTM",
    "gru": "textmill.models.recurrent:GRU",
    "transformer": "textmill.models.transformer:Transformer",
}

# The same architectures with a source: what reads it, and what writes with it in sight.
SOURCED = {
    "rnn": "textmill.models.recurrent_source:SourcedRNN",
    "lstm": "textmill.models.recurrent_source:SourcedLSTM",
    "gru": "textmill.models.recurrent_source:SourcedGRU",
    "transformer": "textmill.models.transformer_source:SourcedTransformer",
}

# The same architectures where each token sees all of its text, what follows it too.
ENCODERS = {
    "rnn": "textmill.models.both_ways:BothWaysRNN",
    "lstm": "textmill.models.both_ways:BothWaysLSTM",
    "gru": "textmill.models.both_ways:BothWaysGRU",
    "transformer": "textmill.models.transformer:Transformer",
}

# What a network takes and gives: a text and its next tokens, a source first, or a text and what is to be said of it.
FORMS = {
    "decoder": "textmill.models.language:LanguageModel",
    "encoder-decoder": "textmill.models.encoder_decoder:EncoderDecoder",
    "encoder": "textmill.models.encoder:Encoder",
}

# What an encoder can answer about a text.
HEADS = {
    "classify": "textmill.models.classify_head:ClassifyHead",
    "span": "textmill.models.span_head:SpanHead",
    "story": "textmill.models.story_head:StoryHead",
    "mask": "textmill.models.mask_head:MaskHead",
}

TASKS = {
    "lm": "textmill.tasks.lm:LanguageModelling",
    "translate": "textmill.tasks.translate:Translate",
    "classify": "textmill.tasks.classify:Classify",
    "answer": "textmill.tasks.answer:Answer",
    "story": "textmill.tasks.stories:ReadStories",
    "mask": "textmill.tasks.mask:Mask",
}

# The form of each task's model, as the task's class says it, for those who load no torch.
TASK_FORMS = {
    "lm": "decoder",
    "translate": "encoder-decoder",
    "classify": "encoder",
    "answer": "encoder",
    "story": "encoder",
    "mask": "encoder",
}

# The tasks whose documents are pairs: a text and its translation.
TASKS_OF_PAIRS = ("translate",)

# The tasks whose documents are texts with their labels.
TASKS_WITH_LABELS = ("classify", "story")

# Of these, the tasks whose texts are stories with a question, and whose labels are the answers.
TASKS_WITH_STORIES = ("story",)

# The tasks whose documents are passages with a question and its answers.
TASKS_WITH_QUESTIONS = ("answer",)

# The tasks that learn from conversations, of which they learn the answers alone.
TASKS_OF_CONVERSATIONS = ("lm",)

# The tasks whose runs a trained model can teach (--teacher).
TASKS_TAUGHT = ("lm", "translate", "classify")

# The tasks that ask a text for its own words: their runs are where others begin (--from).
TASKS_OF_PRETRAINING = ("mask",)

# What a task has to say of its training documents before they are trained on, as a function that loads no torch:
# (documents) -> sentences. Language modelling takes any text and says nothing.
FINDINGS: dict[str, str] = {
    "translate": "textmill.text.pair_findings:findings_of_pairs",
    "classify": "textmill.text.label_findings:findings_of_labels",
    "answer": "textmill.text.question_findings:findings_of_questions",
}

TOKENIZERS = {
    "bytes": "textmill.tokens.kinds:Bytes",
    "char": "textmill.tokens.kinds:Char",
    "word": "textmill.tokens.kinds:Word",
    "bpe": "textmill.tokens.kinds:Bpe",
    "unigram": "textmill.tokens.unigram:Unigram",
}

FOREIGN = "foreign"
"""The kind of a tokenizer that came with another's model: it cannot be asked for, it comes with --from."""

# Kinds `word`, by what cuts Chinese into words.
SEGMENTERS = {
    "characters": "textmill.tokens.kinds:Word",
    "jieba": "textmill.tokens.segmented:JiebaWord",
}

# What a run folder may hold; each class has save(folder) and load(folder).
MODELS = {
    "network": "textmill.models.network:Network",
    "ngram": "textmill.models.ngram:NGram",
    "tfidf": "textmill.models.tfidf:Tfidf",
}

# The formats that a run can leave in; each class has refuse(config) and write(leaving, folder).
EXPORTS = {
    "hf": "textmill.hub.stock_folder:StockFolder",
    "onnx": "textmill.hub.onnx_folder:OnnxFolder",
    "gguf": "textmill.hub.gguf_writing:GgufFolder",
    "sentence-transformers": "textmill.hub.sentence_folder:SentenceFolder",
    "peft": "textmill.hub.peft_folder:PeftFolder",
}

# The bits that a run can be kept in beside float32: a run folder of ours again (hub/smaller.py).
SMALLER = ("int8", "bf16")

# What opens whatever RUN may be, for the rooms below it.
OPEN_RUN = "textmill.hub:open_run"

# verb -> (module:command, one line for the overview; static, so that help loads nothing)
VERBS = {
    "look": ("textmill.cli.look:look_command", "See what a text holds, what is left out, and what to do next."),
    "prepare": ("textmill.cli.prepare:prepare_command", "Turn text into ids ahead of training; runs of it share them."),
    "train": ("textmill.cli.train:train_command", "Train a language model on text; called again, it continues."),
    "choose": ("textmill.cli.choose:choose_command", "Train each architecture for an equal time and recommend one."),
    "eval": ("textmill.cli.eval:eval_command", "Measure a run on held-out text, beside its floor."),
    "compare": ("textmill.cli.compare:compare_command", "Say which of two runs is better on the same text."),
    "generate": ("textmill.cli.generate:generate_command", "Let a run write on from a prompt."),
    "chat": ("textmill.cli.chat:chat_command", "Talk with a run: a prompt with history."),
    "translate": ("textmill.cli.translate:translate_command", "Translate lines by a run that was trained on pairs."),
    "classify": (
        "textmill.cli.classify:classify_command",
        "Say which class each line belongs to, and how sure that is.",
    ),
    "monitor": ("textmill.cli.monitor:monitor_command", "Follow opinion over time, with alarms where it changed."),
    "ask": ("textmill.cli.ask:ask_command", "Answer questions from your own documents, or refuse."),
    "score": ("textmill.cli.score:score_command", "Show the probability of every token of a text."),
    "vectors": ("textmill.cli.vectors:vectors_command", "See words and texts as vectors: near ones, analogies."),
    "export": ("textmill.cli.export:export_command", "Write a run for other tools, with proof that it is equal."),
    "report": ("textmill.cli.report:report_command", "Write the report of a run: one page, works offline."),
    "info": ("textmill.cli.info:info_command", "Say what a run is: model, data, seed, versions, numbers."),
    "ls": ("textmill.cli.ls:ls_command", "List the runs of a folder."),
    "doctor": ("textmill.cli.doctor:doctor_command", "Say whether a run is whole, and why its loss may be bad."),
    "demo": ("textmill.cli.demo:demo_command", "Train on the documentation inside Python and show everything."),
    "data": ("textmill.cli.data:data_command", "Corpora in published packages: list, describe, fetch by hash."),
    "config": ("textmill.cli.config:config_command", "Show every knob, its value and where the value comes from."),
}


def load(target: str) -> Any:
    """The object that "module:name" names."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
