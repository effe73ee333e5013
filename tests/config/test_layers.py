"""Layers of knobs: who wins, where a value comes from, and what is refused with which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from textmill.config import Config, RecurrentConfig, TransformerConfig
from textmill.config.knobs import Knob, all_knobs, knobs_of, value_of
from textmill.config.layers import (
    Loaded,
    from_toml,
    load_config,
    merge_for_resume,
    overlay,
    section_with,
    to_toml,
)
from textmill.errors import ConfigError, InputError, RunError, TextmillError
from textmill.tables import ARCHITECTURES, TASK_FORMS, TASKS, load


def loaded_with(folder: Path, project: str = "", file: str | None = None, **flags: Any) -> Loaded:
    """project: textmill.toml; file: run.toml, given with -c; flags: section__name=value on the command line."""
    if project:
        (folder / "textmill.toml").write_text(project, encoding="utf-8")
    if file is not None:
        (folder / "run.toml").write_text(file, encoding="utf-8")
    said = {key.replace("__", "."): value for key, value in flags.items()}
    return load_config(said, folder / "run.toml" if file is not None else None, folder)


def test_each_layer_wins_over_those_below_it(tmp_path: Path) -> None:
    project = "[train]\nlr = 0.1\nsteps = 10\naccumulate = 2\n"
    loaded = loaded_with(tmp_path, project, "[train]\nsteps = 20\naccumulate = 3\n", train__accumulate="4")

    assert (loaded.config.train.lr, loaded.config.train.steps, loaded.config.train.accumulate) == (0.1, 20, 4)
    assert loaded.origins["train.lr"] == f"{tmp_path}/textmill.toml:2"
    assert loaded.origins["train.steps"] == f"{tmp_path}/run.toml:2"
    assert loaded.origins["train.accumulate"] == "command line"
    assert loaded.origins["train.batch"] == "default"
    assert loaded.said == {"train.lr", "train.steps", "train.accumulate"}


def test_the_project_file_of_the_working_folder_is_named_without_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("textmill.toml").write_text("[run]\n\nseed = 3\n")

    assert load_config({}).origins["run.seed"] == "textmill.toml:3"


def test_every_value_has_an_origin() -> None:
    loaded = load_config({})

    assert set(loaded.origins) == set(knobs_of("transformer"))
    assert loaded.origins["model.n_layers"] == "size tiny"
    assert loaded.origins["model.norm"] == "preset modern"
    assert not loaded.said


def test_a_size_expands_just_above_the_defaults_whichever_layer_names_it(tmp_path: Path) -> None:
    loaded = loaded_with(tmp_path, "[model]\nn_layers = 9\n", model__size="small")

    assert isinstance(loaded.config.model, TransformerConfig)
    assert (loaded.config.model.n_layers, loaded.config.model.d_model) == (9, 264)
    assert loaded.origins["model.n_layers"].endswith("textmill.toml:2")
    assert loaded.origins["model.d_model"] == "size small"
    assert loaded.said == {"model.size", "model.n_layers"}


def test_a_single_knob_wins_over_the_preset_of_a_higher_layer(tmp_path: Path) -> None:
    loaded = loaded_with(tmp_path, "model.activation = 'silu'\n", model__preset="gpt2")

    assert isinstance(loaded.config.model, TransformerConfig)
    assert loaded.config.model.activation == "silu"
    assert loaded.config.model.positions == "learned"
    assert loaded.config.model.logit_cap is None
    assert loaded.origins["model.positions"] == "preset gpt2"


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_architecture_has_knobs_that_fit_it(arch: str) -> None:
    config = load_config({"model.arch": arch}).config

    assert config.model.arch == arch
    assert isinstance(config.model, TransformerConfig if arch == "transformer" else RecurrentConfig)


@pytest.mark.parametrize(
    ("key", "word", "value"),
    [
        ("train.steps", "1e3", 1000),
        ("train.steps", "250", 250),
        ("train.lr", "3e-4", 3e-4),
        ("train.lr", "1", 1.0),
        ("train.lr", "none", None),
        ("train.max_grad_norm", "none", None),
        ("model.tied", "yes", True),
        ("model.tied", "FALSE", False),
        ("data.columns", "id,text", ("id", "text")),
        ("data.columns", ("a,b", "c"), ("a,b", "c")),
        ("data.columns", "a\\,b", ("a,b",)),
        ("data.text", "none", ("none",)),
        ("data.text", "body,正文", ("body", "正文")),
        ("generate.stop", (",",), (",",)),
        ("train.order", "stream", "stream"),
    ],
)
def test_a_word_becomes_what_the_knob_is_made_of(key: str, word: object, value: object) -> None:
    found = value_of(load_config({key: word}).config, key)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (
            {"train.steps": "abc"},
            "train.steps (--steps) must be a whole number, at least 1, at most 1,000,000,000, or none, not 'abc'",
        ),
        (
            {"train.steps": "0"},
            "train.steps (--steps) must be a whole number, at least 1, at most 1,000,000,000, or none, not 0",
        ),
        ({"train.steps": "1e20"}, "at most 1,000,000,000, or none, not 100000000000000000000"),
        (
            {"train.steps": "2.5"},
            "train.steps (--steps) must be a whole number, at least 1, at most 1,000,000,000, or none, not '2.5'",
        ),
        ({"train.lr": "-1"}, "train.lr must be a number, above 0, or none, not -1.0"),
        ({"train.lr": "nan"}, "train.lr must be a number, above 0, or none, not nan"),
        ({"train.lr_end": "2"}, "train.lr_end must be a number, at least 0, at most 1, not 2.0"),
        ({"model.tied": "maybe"}, "model.tied must be true or false, not 'maybe'"),
        ({"train.schedule": "cosin"}, "did you mean 'cosine'?"),
        (
            {"model.preset": "gpt3"},
            "must be one of bert, classic, gpt2, llama, marian, modern, qwen2, qwen3, not 'gpt3'",
        ),
        ({"model.arch": "grru"}, "no architecture 'grru' (there are: rnn, lstm, gru, transformer)"),
        ({"tokens.kind": "bep"}, "did you mean 'bpe'?"),
        ({"run.name": "a/b"}, "run.name (--name): 'a/b' is no folder name"),
        ({"generate.stop": ("",)}, "generate.stop (--stop): a stop text must not be empty"),
        ({"train.steps": "3", "train.warmup_steps": "5"}, "warmup_steps (5) must be below steps (3)"),
        ({"model.d_model": "130"}, "n_heads (4) must divide d_model (130)"),
        ({"data.valid_share": ".5", "data.test_share": ".5"}, "leave nothing to train on"),
        ({"train.steps": "0", "train.lr": "0"}, "also: train.lr must be a number, above 0, or none, not 0.0"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_what_would(flags: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(flags)

    assert words in str(caught.value)
    assert "pydantic" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[train]\n\nlrr = 3\n", 3, "unknown config key 'train.lrr'\n  did you mean 'train.lr'?"),
        ("# a remark\nmodel.lr = 3\n", 2, "unknown config key 'model.lr'\n  did you mean 'train.lr'?"),
        ("steps = 3\n", 1, "unknown config key 'steps'\n  did you mean 'train.steps'?"),
        ("\n[trian]\nsteps = 3\n", 3, "unknown config key 'trian.steps'\n  did you mean 'train.steps'?"),
        ("\n[trian]\n", 2, "unknown section [trian]\n  did you mean 'train'?"),
        ("train = 3\n", 1, "[train] is a section"),
        (
            "[train]\nsteps = 'abc'\n",
            2,
            "train.steps must be a whole number, at least 1, at most 1,000,000,000, or none, not 'abc'",
        ),
        (
            "[train]\nsteps = '3'\n",
            2,
            "train.steps must be a whole number, at least 1, at most 1,000,000,000, or none, not '3'",
        ),
        ("[train]\nsteps = true\n", 2, "train.steps must be a whole number"),
        (
            "[train]\nsteps = -1\n",
            2,
            "train.steps must be a whole number, at least 1, at most 1,000,000,000, or none, not -1",
        ),
        ("[data]\npaths = [\n 'a',\n 3]\n", 2, "data.paths must be a list: text"),
        ("[train\n", 1, "is no TOML"),
        ("[train]\nsteps = 3\nsteps = 4\n", 3, "is no TOML"),
        (
            "[model]\narch = 'gru'\nn_heads = 4\n",
            3,
            "model.n_heads belongs to transformer, and model.arch is gru (FOLDER/textmill.toml:2)",
        ),
    ],
)
def test_an_error_in_a_file_names_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded_with(tmp_path, text)

    assert caught.value.where == f"{tmp_path}/textmill.toml:{line}"
    assert words.replace("FOLDER", str(tmp_path)) in str(caught.value)


def test_a_knob_of_the_transformer_is_unknown_to_a_gru() -> None:
    with pytest.raises(ConfigError, match=r"model\.n_heads belongs to transformer, and model\.arch is gru"):
        load_config({"model.arch": "gru", "model.n_heads": "4"})


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir, lambda path: path.write_bytes(b"a = '\xff'")])
def test_a_file_that_cannot_be_read_is_an_input_error(tmp_path: Path, make: Any) -> None:
    make(tmp_path / "run.toml")

    with pytest.raises(InputError) as caught:
        load_config({}, tmp_path / "run.toml")
    assert "run.toml" in str(caught.value)


def values_of(knob: Knob) -> st.SearchStrategy[Any]:
    """Values that a knob takes, its ends included."""
    bounds = dict(knob.limits)
    if knob.choices:
        one: st.SearchStrategy[Any] = st.sampled_from(knob.choices)
    elif knob.kind is bool:
        one = st.booleans()
    elif knob.kind is int:
        one = st.integers(int(bounds.get("at least", 0)), 10_000)
    elif knob.kind is float:
        low, high = bounds.get("at least", bounds.get("above", -1e6)), bounds.get("at most", bounds.get("below", 1e9))
        one = st.floats(low, high, exclude_min="above" in bounds, exclude_max="below" in bounds)
    else:
        one = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    if knob.repeated:
        return st.lists(one, max_size=3).map(tuple)
    return st.none() | one if knob.optional else one


@st.composite
def configs(draw: st.DrawFn, at_most: int = 8) -> Config:
    """Configs of every architecture, with some knobs said."""
    arch = draw(st.sampled_from(list(ARCHITECTURES)))
    knobs = {key: knob for key, knob in knobs_of(arch).items() if key != "model.arch"}
    said = draw(st.lists(st.sampled_from(sorted(knobs)), max_size=at_most, unique=True))
    flags = {key: draw(values_of(knobs[key])) for key in said}
    try:
        return load_config({"model.arch": arch} | flags).config
    except ConfigError:  # knobs that contradict each other
        return load_config({"model.arch": arch}).config


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(config=configs())
def test_a_config_written_and_read_is_the_same(tmp_path: Path, config: Config) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(to_toml(config).encode())

    assert from_toml(path) == config
    assert load_config({}, path).config == config


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_written_config_shows_every_knob_with_its_meaning(arch: str) -> None:
    text = to_toml(load_config({"model.arch": arch}).config)

    lines = text.splitlines()
    for knob in knobs_of(arch).values():
        place = next(i for i, line in enumerate(lines) if line.removeprefix("# ").startswith(f"{knob.name} ="))
        assert lines[place - 1].startswith("# ")
        assert f"# {knob.help}" in lines


def test_none_is_a_comment_where_it_would_be_none_unsaid_and_a_word_where_not() -> None:
    text = to_toml(load_config({"train.max_grad_norm": "none"}).config)

    assert "\n# lr =\n" in text
    assert '\nmax_grad_norm = "none"\n' in text


def test_a_name_that_is_no_unicode_is_refused_and_not_written() -> None:
    config = load_config({"data.paths": ("caf\udce9.txt",)}).config

    with pytest.raises(ConfigError, match="no valid Unicode"):
        to_toml(config)


def resumed(saved: dict[str, Any], said: dict[str, Any]) -> tuple[Config, list[str]]:
    return merge_for_resume(load_config(saved).config, load_config(said))


def test_what_is_not_said_is_taken_from_the_run() -> None:
    config, warnings = resumed({"model.arch": "gru", "train.lr": "0.5", "train.steps": "70"}, {"run.name": "x"})

    assert (config.model.arch, config.train.lr, config.train.steps, config.run.name) == ("gru", 0.5, 70, "x")
    assert warnings == []


def test_saying_the_same_again_changes_nothing() -> None:
    said = {"data.paths": ("my_texts",), "model.arch": "lstm", "model.size": "small", "train.steps": "9"}

    config, warnings = resumed(said, said | {"data.paths": ("./my_texts/",)})

    assert config == load_config(said).config
    assert warnings == []


def test_only_steps_may_grow() -> None:
    grown, _ = resumed({"train.steps": "100"}, {"train.steps": "200"})
    assert grown.train.steps == 200

    with pytest.raises(RunError, match=r"train\.steps: 100 -> 50 \(may only grow\)"):
        resumed({"train.steps": "100"}, {"train.steps": "50"})
    with pytest.raises(RunError, match=r"train\.epochs: 1\.0 -> 2\.0"):
        resumed({"train.epochs": "1"}, {"train.epochs": "2"})


def test_every_difference_that_can_change_the_weights_is_listed() -> None:
    saved = {"model.arch": "transformer", "model.preset": "gpt2", "train.lr": "0.1", "run.seed": "1"}
    said = {"model.preset": "llama", "model.size": "small", "train.lr": "0.2", "run.seed": "2", "train.log_every": "3"}

    with pytest.raises(RunError) as caught:
        resumed(saved, said)

    text = str(caught.value)
    for line in (
        "model.preset: 'gpt2' -> 'llama'",
        "model.size: 'tiny' -> 'small'",
        "train.lr: 0.1 -> 0.2",
        "run.seed: 1 -> 2",
        "--name NEW or --fresh",
    ):
        assert line in text
    assert "log_every" not in text


def test_another_architecture_is_refused() -> None:
    with pytest.raises(RunError, match=r"model\.arch: 'gru' -> 'transformer'"):
        resumed({"model.arch": "gru"}, {"model.arch": "transformer", "model.n_heads": "2"})
    with pytest.raises(RunError, match=r"model\.n_heads: no such knob of gru -> 2"):
        resumed({"model.arch": "gru"}, {"model.n_heads": "2"})


def test_threads_warn_and_evaluation_is_taken() -> None:
    config, warnings = resumed({"machine.threads": "1"}, {"machine.threads": "2", "train.eval_every": "5"})

    assert (config.machine.threads, config.train.eval_every) == (2, 5)
    assert len(warnings) == 1
    assert warnings[0].startswith("machine.threads: 1 -> 2")


def test_leaving_a_choice_to_the_program_again_does_not_contradict_what_it_chose() -> None:
    config, _ = resumed({"tokens.kind": "bpe", "train.lr": "0.1"}, {"tokens.kind": "auto", "train.lr": "none"})

    assert (config.tokens.kind, config.train.lr) == ("bpe", 0.1)


def test_switching_off_what_is_on_is_a_difference() -> None:
    with pytest.raises(RunError, match=r"train\.max_grad_norm: 1\.0 -> none"):
        resumed({}, {"train.max_grad_norm": "none"})


def test_a_verb_takes_the_runs_settings_and_what_is_said_now_of_its_own_sections() -> None:
    saved = load_config({"generate.top_k": "5", "run.seed": "3", "model.arch": "gru"}).config
    said = load_config({"generate.temperature": "0", "run.seed": "9", "train.steps": "7"})

    config = overlay(saved, said, ("generate", "run.seed"))

    assert (config.generate.top_k, config.generate.temperature, config.run.seed) == (5, 0.0, 9)
    assert config.train.steps is None
    assert config.model.arch == "gru"


def test_one_knob_can_be_said_anew() -> None:
    config = section_with(Config(), "generate.top_k", "3")
    assert config.generate.top_k == 3

    for key, word in (("generate.topk", "3"), ("generate.top_k", "x"), ("generate.top_p", "2")):
        with pytest.raises(TextmillError) as caught:
            section_with(Config(), key, word)
        assert "top_" in str(caught.value)


def test_every_knob_says_what_it_means_and_no_flag_is_given_twice() -> None:
    knobs = all_knobs()

    assert not [key for key, knob in knobs.items() if not knob.help]
    flags = [knob.flag for knob in knobs.values() if knob.flag]
    assert len(flags) == len(set(flags))


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"train": {"stepz": 1}}, ["unknown config key 'train.stepz'", "did you mean 'train.steps'?"]),
        ({"trian": {"steps": 1}}, ["unknown section [trian]", "did you mean 'train'?"]),
        ({"model": {"arch": "gru", "n_heads": 2}}, ["model.n_heads belongs to transformer, and model.arch is gru"]),
        ({"train": {"steps": "many", "lr": -1}}, ["train.steps must be a whole number", "also: train.lr must be"]),
        ({"data": {"valid_share": 0.6, "test_share": 0.6}}, ["[data] valid_share (0.6)", "nothing to train on"]),
        ({"data": 3}, ["[data] must be a dictionary of knobs"]),
    ],
    ids=str,
)
def test_a_config_that_is_built_in_python_is_refused_in_the_words_of_the_command_line(
    sections: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        Config(**sections)

    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert "pydantic" not in str(caught.value)


def test_one_path_is_a_list_of_one() -> None:
    assert Config(data={"paths": "novel.txt"}).data.paths == ("novel.txt",)
    assert Config(data={"paths": [Path("a"), "b"], "valid": Path("v.txt")}).data.paths == ("a", "b")


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("generate.foo", None),
        ("train.zzz", None),
        ("generate.topk", "generate.top_k"),
        ("eval.steps", "train.steps"),
        ("model.lrr", "train.lr"),
    ],
)
def test_two_keys_that_share_only_their_section_are_not_near(key: str, hint: str | None) -> None:
    """`generate.foo` was once answered with generate.stop, for the nine letters before the dot."""
    with pytest.raises(ConfigError) as caught:
        load_config({key: "1"})

    advice = (caught.value.hint or "").partition("`")[0].strip()
    assert advice == (f"did you mean '{hint}'?" if hint else "")


def test_steps_and_epochs_are_one_question_and_the_last_word_counts(tmp_path: Path) -> None:
    (tmp_path / "textmill.toml").write_text("train.steps = 50\n")
    (tmp_path / "more.toml").write_text("train.epochs = 2\n")

    file = load_config({}, tmp_path / "more.toml", tmp_path).config.train
    spoken = load_config({"train.steps": "7"}, tmp_path / "more.toml", tmp_path).config.train

    assert (file.steps, file.epochs) == (None, 2.0)
    assert (spoken.steps, spoken.epochs) == (7, None)


def test_a_run_that_grows_in_steps_is_no_longer_so_many_epochs() -> None:
    saved = load_config({"train.epochs": "2"}).config
    saved = saved.model_copy(update={"train": saved.train.model_copy(update={"steps": 10})})

    grown, _ = merge_for_resume(saved, load_config({"train.steps": "20"}))

    assert (grown.train.steps, grown.train.epochs) == (20, None)


def test_sizes_are_those_of_the_form_of_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded_with(tmp_path, model__arch="gru").config.model.d_model == 368
    monkeypatch.setitem(TASK_FORMS, "lm", "encoder-decoder")
    assert loaded_with(tmp_path, model__arch="gru").config.model.d_model == 254
    additive = loaded_with(tmp_path, model__arch="gru", model__source_attention="additive")
    assert additive.config.model.source_attention == "additive"


def test_a_task_without_a_source_takes_no_knob_about_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="task lm reads no source"):
        loaded_with(tmp_path, model__arch="gru", model__source_attention="additive")


def test_sizes_of_encoders_are_their_own_and_they_predict_no_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match=r"model\.pooling is mean, but task lm pools no tokens"):
        loaded_with(tmp_path, model__pooling="mean")
    monkeypatch.setitem(TASK_FORMS, "lm", "encoder")
    loaded = loaded_with(tmp_path, model__arch="gru", model__pooling="mean")
    assert (loaded.config.model.size, loaded.config.model.d_model) == ("micro", 148)
    assert loaded.origins["model.size"] == "task lm" and loaded.origins["model.d_model"] == "size micro"
    config = loaded_with(tmp_path, model__arch="gru", model__size="tiny", model__pooling="mean").config
    assert (config.model.d_model, config.model.pooling) == (416, "mean")
    with pytest.raises(ConfigError, match=r"model\.softmax is adaptive, but task lm predicts no tokens"):
        loaded_with(tmp_path, model__softmax="adaptive")
    with pytest.raises(ConfigError, match="task lm reads no source"):
        loaded_with(tmp_path, model__arch="gru", model__source_attention="additive")


def test_the_table_of_forms_says_what_the_tasks_say() -> None:
    assert {name: load(target).form for name, target in TASKS.items()} == TASK_FORMS
