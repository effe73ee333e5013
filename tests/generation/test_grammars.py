"""Texts under a JSON schema or a regular expression. The judges are jsonschema and re.fullmatch: every text, always."""

import json
import math
import re
import sys
from functools import cache

import jsonschema
import numpy as np
import pytest
import torch
from fixed_models import HashModel, ScriptModel
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from textmill.config.measure import GenerateConfig
from textmill.config.model import ModelConfig
from textmill.errors import InputError, MissingExtra, UsageError
from textmill.generation import write
from textmill.generation.grammars import grammar_of
from textmill.models import build_model
from textmill.tables import ARCHITECTURES, TOKENIZERS
from textmill.tokens import Tokenizer

TEXT = 'the {"name": "cat", "n": 12} and 你好世界, 山中有猫。 [1, 2.5, true] "abc" ' * 30
CAT = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "years": {"type": "integer", "minimum": 0, "maximum": 30},
        "tags": {"type": "array", "items": {"enum": ["wild", "家猫"]}, "minItems": 1},
        "likes": {"type": "boolean"},
    },
    "required": ["name", "years", "tags"],
    "additionalProperties": False,
}
SHORTEST_CAT = b'{"name":"","years":0,"tags":["wild"]}'
TREE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"left": {"$ref": "#/$defs/node"}, "值": {"type": ["null", "number"]}},
            "required": ["值"],
            "additionalProperties": False,
        }
    },
    "$ref": "#/$defs/node",
}
SCHEMAS = [
    CAT,
    TREE,
    {},
    {"type": "string", "minLength": 3, "maxLength": 5},
    {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"},
    {"type": "array", "prefixItems": [{"const": "山"}, {"type": "integer"}], "minItems": 2, "items": False},
    {"anyOf": [{"enum": ["猫", 1, None]}, {"type": "object", "additionalProperties": {"type": "integer"}}]},
    {"type": "number", "minimum": -3, "maximum": 12},
    {"oneOf": [{"type": "string"}, {"type": "integer", "multipleOf": 7}]},
]
PATTERNS = [
    r"[a-z]{3}-\d+",
    r"(ab|猫)*c?",
    r"\w+( \w+)*\.",
    r"^(?i:straße|İ)$",
    r"[^a-z\s]{2,}?",
    r".*",
    r"(?s:.){4}",
    r"\S\s\S",
    r"[一-龥]{5}，[一-龥]{5}。",
    r"x{12}|[^\d\D]",
    r"(?P<day>0[1-9]|[12]\d|3[01])/(0[1-9]|1[0-2])",
    "",
]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@cache
def tokenizer_of(kind):
    return Tokenizer.train(kind, [TEXT], 330 if kind in ("bpe", "unigram", "word") else None, 0)


@cache
def model_of(arch, vocab_size, n_steps):
    knobs = {"arch": arch, "n_layers": 1, "d_model": 16, "seq_len": 64} | (
        {"n_heads": 2} if arch == "transformer" else {}
    )
    model = build_model(TypeAdapter(ModelConfig).validate_python(knobs), vocab_size, seed=1)
    ids = torch.tensor(tokenizer_of("bpe").encode(TEXT))[:600].clamp(max=vocab_size - 1).reshape(10, 60)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(n_steps):
        nats, _ = model.nll(ids[:, :-1], ids[:, 1:])
        loss = nats.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def written(model, tokenizer, settings, prompts=("A cat: ",), n=1, seed=0, **asked):
    constraint = grammar_of(tokenizer, list(prompts), settings, **asked)
    results = write(
        model, tokenizer, list(prompts), settings, seed, n, notice=lambda message: None, constraint=constraint
    ).finish()
    assert [result.finish_reason for result in results] == ["stop"] * (n * len(prompts))
    assert all(result.n_tokens <= settings.max_new_tokens for result in results)
    return [result.text for result in results]


def assert_valid(text, schema):
    jsonschema.Draft202012Validator(schema).validate(json.loads(text))


@pytest.mark.parametrize("n_steps", [0, 25])
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_architecture_obeys_trained_or_not(arch, n_steps):
    tokenizer = tokenizer_of("bpe")
    model = model_of(arch, tokenizer.vocab_size, n_steps)
    for temperature in (0.0, 1.0):
        for max_new_tokens in (45,):
            settings = GenerateConfig(temperature=temperature, max_new_tokens=max_new_tokens)
            prompts = ["猫：", ""]
            for text in written(model, tokenizer, settings, prompts, n=2, json_schema=json.dumps(CAT)):
                assert_valid(text, CAT)
            for pattern in (r"[一-龥]{5}，[一-龥]{5}。", r"\w+( \w+)*\."):
                for text in written(model, tokenizer, settings, prompts, n=2, regex=pattern):
                    assert re.fullmatch(pattern, text)


@pytest.mark.parametrize("kind", TOKENIZERS)
@hypothesis_settings(deadline=None, max_examples=6)
@given(
    st.sampled_from(SCHEMAS),
    st.sampled_from([0.0, 1.0]),
    st.integers(60, 120),
    st.sampled_from([0.9, 1.0]),
    st.integers(0, 2**32),
)
def test_every_text_of_every_kind_of_tokens_is_valid_json(kind, schema, temperature, max_new_tokens, top_p, seed):
    tokenizer = tokenizer_of(kind)
    settings = GenerateConfig(
        temperature=temperature, top_p=top_p, max_new_tokens=max_new_tokens, repetition_penalty=1.2
    )
    model = HashModel(tokenizer.vocab_size)
    for text in written(model, tokenizer, settings, n=2, seed=seed, json_schema=json.dumps(schema)):
        assert_valid(text, schema)


@pytest.mark.parametrize("kind", TOKENIZERS)
@hypothesis_settings(deadline=None, max_examples=6)
@given(st.sampled_from(PATTERNS), st.sampled_from([0.0, 1.0]), st.integers(40, 60), st.integers(0, 2**32))
def test_every_text_of_every_kind_of_tokens_matches(kind, pattern, temperature, max_new_tokens, seed):
    tokenizer = tokenizer_of(kind)
    settings = GenerateConfig(temperature=temperature, max_new_tokens=max_new_tokens)
    for text in written(HashModel(tokenizer.vocab_size), tokenizer, settings, n=2, seed=seed, regex=pattern):
        assert re.fullmatch(pattern, text)


PIECES = st.sampled_from(
    ["a", "猫", "é", r"\d", r"\w", r"\s", r"\S", r"\W", ".", "[a-f]", "[^a]", "[^猫\\s]", r"[\d_]", "(?:)"]
)
EXPRESSIONS = st.recursive(
    PIECES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "*?"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=6,
)


@hypothesis_settings(deadline=None, max_examples=15)
@given(EXPRESSIONS, st.sampled_from(["", "(?i)", "(?a)", "(?s)"]), st.sampled_from([0.0, 1.0]), st.integers(0, 99))
def test_whatever_the_expression_the_text_matches_it(expression, flags, temperature, seed):
    pattern, tokenizer = flags + expression, tokenizer_of("bytes")
    settings = GenerateConfig(temperature=temperature, max_new_tokens=150)
    for text in written(HashModel(257), tokenizer, settings, n=2, seed=seed, regex=pattern):
        assert re.fullmatch(pattern, text)


@pytest.mark.parametrize("max_new_tokens", [len(SHORTEST_CAT) + more for more in (1, 2, 3, 5, 9)])
def test_a_budget_that_just_fits_gives_a_whole_text(max_new_tokens):
    # Of bytes the shortest text is SHORTEST_CAT, and the end mark.
    settings = GenerateConfig(temperature=1.0, max_new_tokens=max_new_tokens)
    texts = written(HashModel(257), tokenizer_of("bytes"), settings, n=8, json_schema=json.dumps(CAT))
    for text in texts:
        assert_valid(text, CAT)
    if max_new_tokens == len(SHORTEST_CAT) + 1:
        assert {len(text.encode()) for text in texts} == {len(SHORTEST_CAT)}


def test_a_budget_below_the_shortest_text_is_refused_before_the_first_token():
    settings = GenerateConfig(max_new_tokens=len(SHORTEST_CAT))
    with pytest.raises(InputError, match=f"has {len(SHORTEST_CAT) + 1} tokens with the end mark, and 37 may be"):
        grammar_of(tokenizer_of("bytes"), ["x"], settings, json_schema=json.dumps(CAT))


def test_a_text_that_would_never_end_is_ended_in_time():
    # A model that only ever wants the letter a, inside a string.
    model = ScriptModel([ord("a")] * 500, 257, 0)
    settings = GenerateConfig(temperature=0, max_new_tokens=80)
    [text] = written(model, tokenizer_of("bytes"), settings, json_schema=json.dumps(CAT))
    assert_valid(text, CAT)
    assert len(text.encode()) == 79
    assert json.loads(text)["name"].count("a") > 10


def test_what_a_model_writes_anyway_is_what_it_writes_under_the_constraint():
    own = '{"name": "Tom", "years": 3, "tags": ["家猫"], "likes": true}'
    tokenizer = tokenizer_of("bytes")
    model = ScriptModel([*own.encode(), tokenizer.mark], 257, len(b"A cat: ") + 1)
    settings = GenerateConfig(temperature=0, max_new_tokens=120)
    assert written(model, tokenizer, settings, json_schema=json.dumps(CAT)) == [own]


def test_every_choice_keeps_its_probability():
    # Of a, b and c a constraint allows a and c, whose shares were 0.5 and 0.125 of all: 4 to 1.
    probabilities = np.full(257, 1e-12)
    probabilities[[ord("a"), ord("b"), ord("c")]] = 0.5, 0.375, 0.125
    from fixed_models import Unigram

    settings = GenerateConfig(temperature=1.0, top_p=1.0, max_new_tokens=2)
    texts = written(Unigram(probabilities / probabilities.sum()), tokenizer_of("bytes"), settings, n=500, regex="[ac]")
    n_a = texts.count("a")
    assert n_a + texts.count("c") == 500
    assert abs(n_a - 400) < 5 * math.sqrt(500 * 0.8 * 0.2)


def test_a_text_is_the_same_alone_and_in_a_batch():
    tokenizer = tokenizer_of("bpe")
    settings = GenerateConfig(temperature=1.0, max_new_tokens=60)
    model = HashModel(tokenizer.vocab_size)
    prompts = ["A cat: ", "", "猫"]
    together = written(model, tokenizer, settings, prompts, n=2, json_schema=json.dumps(CAT))
    alone = [
        text
        for prompt in prompts
        for text in written(model, tokenizer, settings, [prompt], n=2, json_schema=json.dumps(CAT))
    ]
    assert together == alone


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("", "no JSON"),
        ("{'type': 'object'}", "no JSON"),
        ('{"type": "integer", "type": "string"}', "no JSON"),
        ("[1]", "JSON and no schema"),
        ("nowhere.json", "neither a file nor a schema"),
        ("false", "no text satisfies the schema"),
        ('{"type": "integer", "minimum": 5, "maximum": 3}', r"minimum \(5\) is greater than maximum \(3\)"),
        ('{"enum": []}', "no text satisfies"),
        ('{"type": "strin"}', "strin"),
        ('{"type": "array", "uniqueItems": true}', "cannot be obeyed: uniqueItems"),
        ('{"properties": {"a": {"not": {}}}}', "cannot be obeyed: not"),
        ('{"type": "object", "minProperties": 2}', "cannot be obeyed: minProperties"),
        ('{"items": {"multipleOf": 0.1}}', "cannot be obeyed: multipleOf 0.1"),
        ('{"$ref": "#"}', "no text"),
        ('{"$ref": "#/$defs/cat"}', "/\\$defs/cat"),
        ('{"$ref": "http://example.org/cat.json"}', "http://example.org/cat.json"),
        ('{"type": "object", "properties": {"n": {"$ref": "#"}}, "required": ["n"]}', "no text obeys it"),
        ('{"type": "string", "pattern": "("}', "unclosed group"),
        ('{"type": "array", "items": {"type": "integer"}, "minItems": 100000}', "no text obeys it"),
    ],
)
def test_a_schema_that_cannot_be_obeyed_is_refused_in_a_line(schema, words):
    with pytest.raises(InputError, match=words) as caught:
        grammar_of(tokenizer_of("bytes"), ["x"], GenerateConfig(), json_schema=schema)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", "no regular expression: missing \\)"),
        ("[z-a]", "bad character range"),
        ("a(?=b)", "look-around"),
        (r"(a)\1", "back-reference"),
        (r"a\bb", "inside"),
        ("a$b", "inside"),
        ("(?>a|ab)c", "atomic group"),
        ("a++", "possessive"),
        (r"[^\s\S]", "no text matches"),
        (r"a(b|[^\d\D]{2})[^\w\W]", "no text matches"),
        ("a{1000}", "the shortest text that was found"),
    ],
)
def test_a_pattern_that_cannot_be_obeyed_is_refused_in_a_line(pattern, words):
    with pytest.raises(InputError, match=words) as caught:
        grammar_of(tokenizer_of("bytes"), ["x"], GenerateConfig(), regex=pattern)
    assert "\n" not in caught.value.message


def test_one_of_the_two_is_asked_for():
    for asked in ({}, {"json_schema": "{}", "regex": "a"}):
        with pytest.raises(UsageError, match="say one of them"):
            grammar_of(tokenizer_of("bytes"), ["x"], GenerateConfig(), **asked)


def test_a_schema_may_be_the_name_of_a_file(tmp_path):
    (tmp_path / "猫.json").write_text(json.dumps(CAT), encoding="utf-8")
    settings = GenerateConfig(temperature=1.0, max_new_tokens=80)
    [text] = written(HashModel(257), tokenizer_of("bytes"), settings, json_schema=str(tmp_path / "猫.json"))
    assert_valid(text, CAT)
    (tmp_path / "bad.json").write_bytes(b"\xff{}")
    with pytest.raises(InputError, match="cannot be read"):
        grammar_of(tokenizer_of("bytes"), ["x"], settings, json_schema=str(tmp_path / "bad.json"))


def test_without_the_library_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "llguidance", None)
    with pytest.raises(MissingExtra) as caught:
        grammar_of(tokenizer_of("bytes"), ["x"], GenerateConfig(), regex="a")
    assert caught.value.hint == "pip install 'textmill[forms]'"
