"""A run -> a folder with its graphs, tokenizer.json and a card: `export --to onnx`. Room: hub/.

Every architecture goes: a decoder with its state, an encoder with a head, a translator as encoder and decoder. The
graphs are those of onnx_models.py, read back by onnxruntime and compared (onnx_proof.py).
"""

from __future__ import annotations

import json
from pathlib import Path

from textmill.config import Config
from textmill.errors import ConfigError
from textmill.hub.leaving import (
    EXPORTING,
    Leaving,
    Written,
    how_compared,
    needs,
    refuse_difference,
    refuse_tokens,
    versions,
)
from textmill.hub.onnx_models import graphs_of
from textmill.hub.onnx_proof import (
    equal_translations,
    is_adaptive,
    opened,
    prove_decoder,
    prove_encoder,
    prove_sourced,
    sizes_of,
)
from textmill.hub.onnx_reader import prove_facts, write_facts
from textmill.hub.tokenizer_file import files_of, prove_tokenizer, write_tokenizer
from textmill.results import Proof
from textmill.tasks.prepare import task_of


class OnnxFolder:
    """model.onnx, of a translator encoder.onnx and decoder.onnx, run by onnxruntime."""

    title = "ONNX"

    def refuse(self, config: Config, kind: str) -> None:
        task = config.task.name
        if task == "story":
            raise ConfigError(
                f"a run of --task {task} reads a story sentence by sentence and decides between them, which is no "
                "graph of one row",
                where=EXPORTING + self.title,
                hint="lm, translate, classify, answer and mask leave as ONNX.",
            )
        refuse_tokens(config, self.title)

    def write(self, leaving: Leaving, folder: Path) -> Written:
        needs("onnx", "onnxruntime")
        model = leaving.model
        facts = facts_of(leaving)
        names = []
        for graph in graphs_of(model):
            graph.save(folder, facts)
            names.append(graph.name)
        write_tokenizer(leaving, folder)
        sessions = [opened(folder, name) for name in names]
        more, n_greedy = "", 0
        if model.form == "encoder-decoder":
            difference, n_numbers = prove_sourced(model, *sessions)
            refuse_difference(difference, "what was written")
            n_sentences, n_greedy = equal_translations(leaving, *sessions)
            more = f"one source padded, the state carried on; tokens one after the other of {n_sentences} sentences"
        elif model.form == "encoder":
            difference, n_numbers = prove_encoder(model, *sessions)
            more = "one of them padded"
        else:
            difference, n_numbers = prove_decoder(model, *sessions)
            more = "the state carried from the first part to the second"
        refuse_difference(difference, "model.onnx")
        if "span" in leaving.run.info["heads"]:
            write_facts(leaving, folder)
            more += f"; {prove_facts(leaving, folder)} questions laid into rows as the run does"
        n_texts = prove_tokenizer(leaving, folder)
        proof = Proof(
            max_difference=difference,
            n_numbers=n_numbers,
            how=how_compared(sizes_of(model), more),
            n_texts=n_texts,
            n_texts_equal=n_texts,
            n_greedy=n_greedy,
            by=versions("onnxruntime", "tokenizers"),
        )
        return Written(
            architecture=f"{leaving.config.model.arch}, {model.form}",
            python=program(leaving),
            needs=("onnxruntime", "tokenizers", "numpy"),
            library="onnx",
            notes=notes_on(leaving),
            proof=proof,
        )


def facts_of(leaving: Leaving) -> dict[str, str]:
    """What stands in a graph's metadata."""
    model = leaving.model
    facts = {"begin": "" if leaving.begin is None else str(leaving.begin), "end": str(leaving.tokenizer.mark)}
    if "classify" in leaving.run.info["heads"]:
        facts["classes"] = json.dumps(model.heads["classify"].classes, ensure_ascii=False)
    return facts


def notes_on(leaving: Leaving) -> list[str]:
    """What a user of the graph must know."""
    model, notes = leaving.model, []
    if model.form == "encoder-decoder":
        notes += notes_on_translator(leaving)
    elif model.form == "decoder":
        kept = "h, and c of an LSTM" if model.max_context is None else "keys and values of every layer"
        notes.append(
            f"The past goes in and comes out ({kept}); a text may be read in any parts. All rows of a batch are "
            "equally long: there is no padding."
        )
    else:
        notes.append("One text a row; padding stands at the right, where `real` is false.")
    if "span" in leaving.run.info["heads"]:
        notes.append(
            "`facts` say of each token what the question and the passage have in common: facts.py makes them, of numpy "
            "and tokenizers alone. The first place stands for no answer: a stretch is likelier than that where its "
            "two scores are higher in sum. A passage longer than a row is to be read in windows that overlap, each "
            "with its question."
        )
    if model.max_context is not None:
        notes.append(f"A row holds at most {model.max_context} tokens, the past included; beyond them it is an error.")
    if model.form != "encoder" and is_adaptive(model):
        notes.append("The scores are natural logarithms of probabilities: the head is an adaptive softmax.")
    if model.form == "encoder" and leaving.config.task.name == "classify":
        notes.append(
            f"Textmill reads a text of more than {leaving.config.model.seq_len} tokens in windows and puts them "
            "together before it decides; a row here is one window."
        )
        weight = leaving.run.info.get("offer", {}).get("weight", 1.0)
        if weight != 1.0:
            notes.append(
                "The run answers with a mixture of this network and tf-idf; what leaves is the network alone, whose "
                "accuracy may be another."
            )
    return notes


def notes_on_translator(leaving: Leaving) -> list[str]:
    model, tokenizer = leaving.model, leaving.tokenizer
    if model.max_context is None:
        made, kept = "vectors of each of its tokens, and the state in which its target begins", "h (and c of an LSTM)"
    else:
        made, kept = "keys and values of each of its tokens, for every layer", "keys and values of every layer"
    notes = [
        f"encoder.onnx reads a source, which ends in {tokenizer.of_source.mark}, and gives {made}; one source a row, "
        "padding at the right, where `real` is false.",
        f"decoder.onnx reads that and a target, and gives `logits` (batch, time, {model.vocab_size}) of the token "
        f"behind each; what it keeps of the past goes in and comes out ({kept}). A target ends in {tokenizer.mark}.",
        "The search is the user's: the program below takes the likeliest token each time. Textmill looks with "
        f"{leaving.config.generate.beams} beams and divides by the length to the power "
        f"{leaving.config.generate.length_power:g}; for beams, repeat and choose rows of all that goes in.",
    ]
    if len(leaving.wanted_ids) > 1:
        ways = task_of(leaving.config).ways  # type: ignore[attr-defined]
        notes.append(
            "A source begins with the language that is wanted: "
            + ", ".join(f"{list(ids)} for {way}" for way, ids in zip(ways, leaving.wanted_ids, strict=True))
            + "."
        )
    if tokenizer.of_source is not tokenizer:
        notes.append("tokenizer.source.json cuts sources, tokenizer.json targets.")
    return notes


def program(leaving: Leaving) -> str:
    """A Python program over onnxruntime and tokenizers alone."""
    if leaving.model.form == "encoder-decoder":
        tokenizer = leaving.tokenizer
        return PROGRAM_TRANSLATE.format(
            source_file=list(files_of(tokenizer))[-1],
            wanted=f"{list(leaving.wanted)} + " if leaving.wanted else "",
            source_end=tokenizer.of_source.mark,
            begin=tokenizer.mark if tokenizer.begin is None else tokenizer.begin,
            end=tokenizer.mark,
        )
    if "span" in leaving.run.info["heads"]:
        return PROGRAM_HEAD + PROGRAM_ANSWER.format(longest=leaving.model.heads["span"].longest)
    begin = [] if leaving.begin is None else [leaving.begin]
    if leaving.model.form == "decoder":
        prompt = "从前" if leaving.is_chinese else "Once"
        return PROGRAM_HEAD + PROGRAM_DECODER.format(begin=begin, end=leaving.tokenizer.mark, prompt=prompt)
    if "mask" in leaving.model.heads:
        return PROGRAM_HEAD + PROGRAM_MASK.format(begin=begin)
    several = leaving.model.heads["classify"].several
    probabilities = "1 / (1 + np.exp(-logits))" if several else "np.exp(logits) / np.exp(logits).sum()"
    return PROGRAM_HEAD + PROGRAM_CLASSIFY.format(begin=begin, probabilities=probabilities)


PROGRAM_HEAD = """\
import json

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

session = onnxruntime.InferenceSession("model.onnx")
tokenizer = Tokenizer.from_file("tokenizer.json")
tokenizer.encode_special_tokens = True  # a control word in a text is text

"""
PROGRAM_DECODER = """\
ids = {begin} + tokenizer.encode("{prompt}", add_special_tokens=False).ids
state = {{
    value.name: np.zeros([1 if dim == "batch" else 0 if dim == "past" else dim for dim in value.shape], np.float32)
    for value in session.get_inputs()
    if value.name != "ids"
}}
read, written = ids, []
for _ in range(40):  # the likeliest token each time
    logits, *after = session.run(None, {{"ids": np.array([read]), **state}})
    state = dict(zip(state, after))
    read = [int(logits[0, -1].argmax())]
    if read == [{end}]:
        break
    written += read
print(tokenizer.decode(ids + written))
"""
PROGRAM_CLASSIFY = """\
classes = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
ids = np.array([{begin} + tokenizer.encode("A fine film.", add_special_tokens=False).ids])
[[logits]] = session.run(None, {{"ids": ids, "real": np.ones_like(ids, dtype=bool)}})
probabilities = {probabilities}
print(dict(zip(classes, probabilities.tolist())))
"""
PROGRAM_MASK = """\
ids = np.array([{begin} + tokenizer.encode("The wheel turns.", add_special_tokens=False).ids])
hidden = np.zeros_like(ids, dtype=bool)
hidden[0, -1] = True  # which tokens are to be guessed
[logits] = session.run(None, {{"ids": ids, "real": np.ones_like(hidden), "hidden": hidden}})
print(tokenizer.decode([int(logits[0, -1].argmax())]))
"""
PROGRAM_TRANSLATE = """\
import numpy as np
import onnxruntime
from tokenizers import Tokenizer

encoder, decoder = (onnxruntime.InferenceSession(name) for name in ("encoder.onnx", "decoder.onnx"))
of_source, of_target = Tokenizer.from_file("{source_file}"), Tokenizer.from_file("tokenizer.json")
of_source.encode_special_tokens = True  # a control word in a text is text

source = {wanted}of_source.encode("The mill turns.", add_special_tokens=False).ids + [{source_end}]
ids = np.array([source])
real = np.ones_like(ids, dtype=bool)
made = encoder.run(None, {{"ids": ids, "real": real}})
given = dict(zip([value.name for value in encoder.get_outputs()], made), real=real)
state, told = {{}}, {{}}
for value in decoder.get_inputs():
    if value.name == "real" or value.name.startswith("source_"):
        told[value.name] = given[value.name]
    elif value.name != "ids":  # what is kept of the past: as the encoder begins it, or nothing yet
        empty = np.zeros([1 if dim == "batch" else 0 if dim == "past" else dim for dim in value.shape], np.float32)
        state[value.name] = given.get(value.name, empty)
read, written = [{begin}], []
for _ in range(40):  # the likeliest token each time
    logits, *after = decoder.run(None, {{"ids": np.array([read]), **told, **state}})
    state = dict(zip(state, after))
    read = [int(logits[0, -1].argmax())]
    if read == [{end}]:
        break
    written += read
print(of_target.decode(written))
"""
PROGRAM_ANSWER = """\
from facts import row_of  # facts.py in this folder

question, passage = "Where does the mill stand?", "The mill stands by the river. It has a wheel."
ids, real, facts, spans = row_of(question, passage, tokenizer)
[scores] = session.run(None, {{"ids": ids, "real": real, "facts": facts}})[0]
best, answer = scores[0].sum(), ""  # the first place: that there is no answer
for first, (place, start, _) in enumerate(spans):
    for last, _, end in spans[first:]:
        if end - start <= {longest} and scores[place, 0] + scores[last, 1] > best:
            best, answer = scores[place, 0] + scores[last, 1], passage[start:end].strip()
print(answer)
"""
