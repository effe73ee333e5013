"""Poems keep their form, whatever writes them: judged by counting again, and by pypinyin itself."""

import re
from itertools import combinations

import numpy as np
import pypinyin
import pytest
import torch
from fixed_models import HashModel
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from textmill.config import GenerateConfig
from textmill.config.model import ModelConfig
from textmill.errors import ConfigError, InputError, UsageError
from textmill.generation import write
from textmill.generation.by_characters import FormConstraint, Spelling
from textmill.generation.form import Form, Verse
from textmill.generation.obedience import obedience, obedience_of
from textmill.models import build_model
from textmill.models.ngram import NGram
from textmill.tables import ARCHITECTURES
from textmill.text.rhymes import sure_rhymes
from textmill.text.verse import learn_verse
from textmill.tokens import Tokenizer

POEMS = [
    "春山多勝事，賞翫夜忘歸。掬水月在手，弄花香滿衣。興來無遠近，欲去惜芳菲。南望鳴鐘處，樓臺深翠微。",
    "江南有丹橘，經冬猶綠林。豈伊地氣暖，自有歲寒心。可以薦嘉客，奈何阻重深。運命唯所遇，循環不可尋。",
    "孤鴻海上來，池潢不敢顧。側見雙翠鳥，巢在三珠樹。矯矯珍木巔，得無金丸懼。美服患人指，高明逼神惡。",
    "春風吹江水，山花滿玉枝。夏夜聞啼鳥，秋月照清池。冬雪落長夜，行人知不知。",
] * 8
SONGS = [
    "the rose is red,\nthe violet's blue;\nsugar is sweet,\nand so are you.\n",
    "o wind, if winter\ncan come again\n",
] * 12
HABITS, OF_SONGS = learn_verse(POEMS), learn_verse(SONGS)
RHYMES = sure_rhymes(HABITS.letters)


def constraint_of(tokenizer, form, rhyme=None, acrostic=None, habits=HABITS):
    spelling = Spelling(tokenizer)
    return FormConstraint(Verse(Form.of(form, rhyme, acrostic), spelling.writable(habits), RHYMES), spelling)


def texts_of(model, tokenizer, constraint, temperature, n, prompts=("",), seed=3, **knobs):
    settings = GenerateConfig(temperature=temperature, top_p=1.0, max_new_tokens=constraint.most_tokens, **knobs)
    writing = write(model, tokenizer, list(prompts), settings, seed, n, notice=lambda text: None, constraint=constraint)
    results = writing.finish()  # the context may be full on the way: the form goes on
    assert {result.finish_reason for result in results} == {"stop"}
    return [result.text for result in results]


# --- the judge: it knows nothing of the code that writes


def judged_rhyme(line):
    """What is left of the last syllable, read in its line: its initial, its medial and its tone do not count."""
    final = pypinyin.lazy_pinyin(line, style=pypinyin.Style.FINALS, strict=True)[-1]
    if final == "i" and re.match("[zcsr]", pypinyin.lazy_pinyin(line)[-1]):
        return "the i of shi"
    final = {"ie": "E", "ve": "E", "in": "en", "vn": "en", "ing": "eng"}.get(final, final)
    return re.sub("^[iuv](?=[aeo])", "", final)


def judge(text, lengths, rhyme=None, acrostic=""):
    lines = re.split("[，。]", text)
    assert lines.pop() == "", text
    assert [len(line) for line in lines] == lengths, text
    assert all(re.fullmatch("[\u4e00-\u9fff]+", line) for line in lines), text
    assert "".join(line[0] for line in lines[: len(acrostic)]) == acrostic, text
    bound = [(letter, line) for letter, line in zip(rhyme or "", lines, strict=False) if letter != "x"]
    for (letter, line), (other, below) in combinations(bound, 2):
        assert (judged_rhyme(line) == judged_rhyme(below)) == (letter == other), text
        assert line[-1] != below[-1], text


def test_the_judge_knows_what_rhymes():
    assert judged_rhyme("春眠不覺曉") == judged_rhyme("處處聞啼鳥") != judged_rhyme("夜來風雨聲")
    assert judged_rhyme("白日依山盡") != judged_rhyme("黃河入海流") == judged_rhyme("更上一層樓")
    assert judged_rhyme("誰知") != judged_rhyme("誰齊")


# --- models


def model_of(arch, tokenizer, n_steps):
    """Small, and after n_steps of learning POEMS by heart."""
    knobs = {"arch": arch, "n_layers": 1, "d_model": 32, "seq_len": 64, "dropout": 0.0}
    knobs |= {"n_heads": 2} if arch == "transformer" else {}
    torch.manual_seed(1)
    model = build_model(TypeAdapter(ModelConfig).validate_python(knobs), tokenizer.vocab_size, seed=1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape) * 0.3)  # far from even: an untrained model has its whims
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    rows = [[tokenizer.mark, *tokenizer.encode(poem), tokenizer.mark][:60] for poem in POEMS[:4]]
    for _ in range(n_steps):
        for row in rows:
            ids = torch.tensor([row])
            nats, _ = model.nll(ids[:, :-1], ids[:, 1:])
            optimizer.zero_grad()
            nats.mean().backward()
            optimizer.step()
    return model.eval()


@pytest.fixture(scope="module")
def tokenizers():
    sizes = {"char": None, "bpe": 320, "word": None, "bytes": None, "unigram": 340}
    return {kind: Tokenizer.train(kind, POEMS, size, seed=0) for kind, size in sizes.items()}


@pytest.mark.parametrize("n_steps", [0, 8])
@pytest.mark.parametrize("kind", ["char", "bpe"])
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_text_keeps_its_form_whichever_architecture_writes_it(arch, kind, n_steps, tokenizers):
    tokenizer = tokenizers[kind]
    model = model_of(arch, tokenizer, n_steps)
    square = constraint_of(tokenizer, "5x4", "even", "春夏秋冬")
    mixed = constraint_of(tokenizer, "7,5,7,5,3", "AABBx")
    for temperature, n in ((0.0, 1), (1.2, 6)):
        for text in texts_of(model, tokenizer, square, temperature, n, ["", "江南"]):
            judge(text, [5, 5, 5, 5], "xAxA", "春夏秋冬")
        for text in texts_of(model, tokenizer, mixed, temperature, n, ["", "江南"]):
            judge(text, [7, 5, 7, 5, 3], "AABBx")


@pytest.mark.parametrize("kind", ["char", "bpe", "word", "bytes", "unigram"])
def test_every_text_keeps_its_form_whatever_the_tokens_are(kind, tokenizers):
    tokenizer = tokenizers[kind]
    model = HashModel(tokenizer.vocab_size)
    for text in texts_of(model, tokenizer, constraint_of(tokenizer, "4,6,4,6", "ABAB"), 1.2, 30):
        judge(text, [4, 6, 4, 6], "ABAB")


def test_an_ngram_keeps_the_form_of_regulated_verse(tokenizers):
    tokenizer = tokenizers["char"]
    stream = np.concatenate([[*tokenizer.encode(poem), tokenizer.mark] for poem in POEMS])
    model = NGram.fit(stream, tokenizer.vocab_size, tokenizer.mark)
    for text in texts_of(model, tokenizer, constraint_of(tokenizer, "7x8", "even"), 1.0, 40):
        judge(text, [7] * 8, "xAxAxAxA")


@pytest.mark.parametrize("kind", ["char", "bpe", "word", "bytes"])
def test_words_are_counted_where_the_text_has_other_letters(kind):
    tokenizer = Tokenizer.train(kind, SONGS, 300 if kind == "bpe" else None, seed=0)
    constraint = constraint_of(tokenizer, "4,3,2", acrostic="tSa", habits=OF_SONGS)
    for text in texts_of(HashModel(tokenizer.vocab_size), tokenizer, constraint, 1.2, 20):
        lines = text.split("\n")
        assert [len(line.split()) for line in lines] == [4, 3, 2], text
        assert [line[0] for line in lines] == ["t", "s", "a"]
        assert all(re.fullmatch("[a-z]+('[a-z]+)*[,;.]?", word) for word in text.split()), text


def test_a_text_is_the_same_alone_and_in_a_batch(tokenizers):
    tokenizer = tokenizers["bpe"]
    model = model_of("gru", tokenizer, 4).double()
    constraint, prompts = constraint_of(tokenizer, "5x4", "AABA"), ["", "江南", "夜來風雨聲，"]
    together = texts_of(model, tokenizer, constraint, 1.0, 3, prompts)
    alone = [text for prompt in prompts for text in texts_of(model, tokenizer, constraint, 1.0, 3, [prompt])]
    assert together == alone


def test_penalties_and_cuts_cannot_break_a_form(tokenizers):
    tokenizer = tokenizers["char"]
    model, constraint = model_of("lstm", tokenizer, 8), constraint_of(tokenizer, "5x4", "AAAA")
    knobs = {"repetition_penalty": 9.0, "frequency_penalty": 9.0, "top_k": 2, "min_p": 0.5}
    for text in texts_of(model, tokenizer, constraint, 1.0, 10, **knobs):
        judge(text, [5] * 4, "AAAA")


# --- the automaton


FORMS = st.lists(st.integers(1, 7), min_size=1, max_size=6)


@given(FORMS, st.data())
@hypothesis_settings(deadline=None, max_examples=60)
def test_no_way_through_a_form_is_a_dead_end(lengths, data):
    scheme = "".join(data.draw(st.lists(st.sampled_from("xAB"), min_size=len(lengths), max_size=len(lengths))))
    rhymes = all(scheme.count(letter) != 1 for letter in "AB") and scheme.count("x") < len(scheme)
    verse = Verse(Form.of(",".join(map(str, lengths)), scheme if rhymes else None), HABITS, RHYMES)
    place, text = verse.start, ""
    while options := verse.options(place):
        assert not verse.may_end(place)  # the signs that end these poems are single ones
        text += data.draw(st.sampled_from(sorted(options)))
        place = verse.after(place, text[-1])
        assert place is not None
    assert verse.may_end(place) and len(text) <= verse.most_characters
    judge(text, lengths, scheme if rhymes else None)


def test_a_poem_of_the_corpus_is_allowed_token_by_token(tokenizers):
    """So the form takes nothing away but what breaks it."""
    poem = POEMS[1][:24]
    for tokenizer in tokenizers.values():
        text = constraint_of(tokenizer, "5x4", "xAxA", "江經豈自").begin(0, 0)
        for token_id in tokenizer.encode(poem):
            assert text.allowed(99)[token_id] and text.push(token_id)
        assert text.allowed(1)[tokenizer.mark]


def test_a_token_that_overruns_a_line_is_forbidden():
    tokenizer = Tokenizer.train("bpe", ["江南江南江南，江南江南。"] * 50, 290, seed=0)
    whole = next(i for i in range(290) if tokenizer.token_bytes(i).decode(errors="ignore") == "江南")
    habits = learn_verse(["江南江南江南，江南江南。"] * 50)
    text = constraint_of(tokenizer, "3x1", habits=habits).begin(0, 0)
    assert text.allowed(9)[whole] and text.push(whole)
    assert not text.allowed(8)[whole]


def test_the_cost_of_a_form_is_counted_by_hand(tokenizers):
    """Of a model that finds all tokens equally likely: log2 V bits a token, and what is forbidden is counted out."""
    tokenizer = tokenizers["char"]
    constraint = constraint_of(tokenizer, "1x1")
    v, written = tokenizer.vocab_size, [*tokenizer.encode("春，")][:1] + [*tokenizer.encode("。"), tokenizer.mark]

    class Even:
        max_context = None

        def log_probs(self, ids, segments=None, state=None):
            return torch.full((*ids.shape, v), -np.log(v), dtype=torch.float64), None

    found = obedience(Even(), [tokenizer.mark], written, "春。", constraint)
    n_letters = len(HABITS.letters)
    assert found.bits_per_character == pytest.approx(3 * np.log2(v) / 2)
    owned = sum(len(tokenizer.encode(letter)) == 1 for letter in HABITS.letters)
    assert owned == n_letters and HABITS.ends == {"。"}
    assert found.forbidden == pytest.approx(3 - n_letters / v - 1 / v - 1 / v)


def test_what_is_written_is_what_is_measured(tokenizers):
    tokenizer = tokenizers["char"]
    model, constraint = HashModel(tokenizer.vocab_size), constraint_of(tokenizer, "5x2")
    settings = GenerateConfig(max_new_tokens=constraint.most_tokens)
    writing = write(model, tokenizer, ["春"], settings, 1, 3, constraint=constraint)
    results = writing.finish()
    for ids, result, found in zip(writing.ids, results, obedience_of(model, writing, constraint), strict=True):
        assert tokenizer.decode(ids) == result.text and ids[-1] == tokenizer.mark
        assert found.n_characters == 12 and found.n_tokens == len(ids) and 0 < found.forbidden_share < 1


# --- what cannot be met


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (("5x0",), "cannot be met"),
        (("0x5",), "cannot be met"),
        (("5,0",), "cannot be met"),
        (("five",), "is no form"),
        (("5x-1",), "is no form"),
        (("5x4", None, "春夏秋冬春"), "has 5 characters"),
        (("5x4", None, "春，"), "neither a letter nor a digit"),
        (("5x4", "AAB"), "is for 3 lines"),
        (("5x4", "A1BA"), "is no rhyme scheme"),
        (("5x1", "even"), "lets no two"),
        (("5x2", "AB"), "lets no two"),
    ],
)
def test_a_form_that_cannot_be_met_is_refused(said, wrong):
    with pytest.raises(UsageError, match=wrong):
        Form.of(*said)


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (("5x4", None, "春龍"), "begin with 龍"),
        (("5x60", "A" * 60), "the training text has characters for 0 such"),
        (("1x2", "AA", "春山"), "do not rhyme"),
        (("1x4", "AABB", "山寒寒山"), "give them one letter"),
    ],
)
def test_what_the_text_has_no_characters_for_is_named(said, wrong):
    with pytest.raises(InputError, match=wrong):
        Verse(Form.of(*said), HABITS, RHYMES)


def test_rhymes_of_words_are_refused():
    with pytest.raises(InputError, match="Chinese characters alone"):
        Verse(Form.of("5x4", "even"), OF_SONGS)


def test_a_stop_text_is_refused_beside_a_form(tokenizers):
    constraint = constraint_of(tokenizers["char"], "5x4")
    with pytest.raises(ConfigError, match="stop text"):
        write(HashModel(), tokenizers["char"], [""], GenerateConfig(stop=("。",)), 0, constraint=constraint)


def test_both_ways_of_saying_lengths_are_one():
    assert Form.of("5x4").lengths == Form.of("5×4").lengths == Form.of("5, 5,5，5").lengths == (5, 5, 5, 5)
