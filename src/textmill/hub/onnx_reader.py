"""What a reader is told of each token, for those who have no Textmill: facts.py beside model.onnx. Room: hub/.

The facts of models/matches.py are part of the model, and no graph makes them of texts: that module goes along as it is,
with what lays a question and a passage into a row (as tasks/answer.py does), over numpy and tokenizers alone.
"""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from typing import Any

import numpy as np

from textmill.errors import RunError
from textmill.hub.leaving import Leaving, texts_of_proof
from textmill.models import matches
from textmill.tasks.answer import WORD, Answer
from textmill.tokens.tokenizer import FILE

FACTS_FILE = "facts.py"
N_QUESTIONS = 100
ROW = '''

# --- a question and its passage as a row

BEGIN, BETWEEN, AFTER = {begin}, {between}, {after}
WORD = re.compile({word!r})


def row_of(question, passage, tokenizer):
    """(ids (1, T), real (1, T), facts (1, T, F), and of each token of the passage (its place in the row, the first code
    point it stands for, the one after its last))."""
    asked, read = (tokenizer.encode(text, add_special_tokens=False) for text in (question, passage))
    ids = [BEGIN, *asked.ids, *BETWEEN, *read.ids, *AFTER]
    facts = np.zeros((1, len(ids), N_FACTS), dtype=np.float32)
    start = 1 + len(asked.ids) + len(BETWEEN)
    facts[0, 0, NO_ANSWER] = facts[0, 1 : 1 + len(asked.ids), QUESTION] = 1.0
    facts[0, start : start + len(read.ids), CONTEXT] = 1.0
    known = {{}}
    own, of_own = words_of(question, asked.offsets, known)
    other, of_other = words_of(passage, read.offsets, known)
    for first, mine, theirs, places in ((1, own, other, of_own), (start, other, own, of_other)):
        told = matches(theirs, mine)
        told = np.concatenate([told, np.zeros((1, told.shape[1]), dtype=np.float32)])[places]
        facts[0, first : first + len(places), FIRST_MATCH:] = told
    spans = [(start + n, *offset) for n, offset in enumerate(read.offsets)]
    return np.array([ids]), np.ones((1, len(ids)), dtype=bool), facts, spans


def words_of(text, offsets, known):
    """The words of a text as numbers, equal for words that differ in case alone; and of each token the place of the
    word that it ends in, -1 for none."""
    found = list(WORD.finditer(text))
    numbers = np.array([known.setdefault(word[0].casefold(), len(known)) for word in found], dtype=np.int64)
    starts = np.array([word.start() for word in found], dtype=np.int64)
    stops = np.array([word.end() for word in found], dtype=np.int64)
    lasts = np.array([end for _, end in offsets], dtype=np.int64) - 1
    place = np.searchsorted(starts, lasts, side="right") - 1
    inside = (place >= 0) & (lasts < np.append(stops, 0)[place])
    return numbers, np.where(inside, place, -1)
'''


def write_facts(leaving: Leaving, folder: Path) -> None:
    """facts.py."""
    tokenizer = leaving.tokenizer
    row = ROW.format(
        begin=tokenizer.mark if tokenizer.begin is None else tokenizer.begin,
        between=tokenizer.between,
        after=tokenizer.after,
        word=WORD.pattern,
    )
    source = inspect.getsource(matches).replace("import numpy as np\n", "import re\n\nimport numpy as np\n", 1)
    (folder / FACTS_FILE).write_text(source + row, encoding="utf-8")


def prove_facts(leaving: Leaving, folder: Path) -> int:
    """How many questions facts.py lays into rows as the run does: all. Raises RunError for one that it does not."""
    from tokenizers import Tokenizer as Library

    library = Library.from_file(str(folder / FILE))
    library.encode_special_tokens = True
    texts = [text for text in texts_of_proof(3 * N_QUESTIONS) if leaving.tokenizer.encode(text)]
    task, tokenizer, row_of = Answer(seq_len=1 << 20), leaving.tokenizer, loaded(folder / FACTS_FILE).row_of
    for question, passage in zip(texts[:N_QUESTIONS], texts[N_QUESTIONS : 2 * N_QUESTIONS], strict=True):
        batch = task.batch(task.asked(question, [passage], tokenizer), tokenizer)
        ids, _, facts, _ = row_of(question, passage, library)
        same_ids = ids.tolist() == batch.ids.tolist()
        if not same_ids or batch.facts is None or not np.array_equal(facts, batch.facts.numpy()):
            raise RunError(
                f"facts.py lays {question!r} and {passage!r} into another row than the run; nothing was written",
                hint="This should not happen: it is worth a report, with the run's tokenizer.json.",
            )
    return N_QUESTIONS


def loaded(path: Path) -> Any:
    """A program that was written a moment ago, as a module."""
    spec = importlib.util.spec_from_file_location("textmill_facts", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
