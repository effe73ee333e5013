"""A model behind a server: what is asked, what is asked again, what is kept, and what becomes of a server's faults."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr
from remote_server import Server, all_escaped, serving

from textmill.config.measure import GenerateConfig
from textmill.errors import ConfigError, InputError, RemoteError, TextmillError, UsageError
from textmill.hub.remote_echo import places_in
from textmill.hub.remote_key import Struck
from textmill.hub.remote_model import Prompt, RemoteModel
from textmill.hub.remote_odds import Odds
from textmill.hub.remote_server import LONGEST_SAID, RemoteSettings, key_of_file

GREEDY = GenerateConfig(temperature=0.0, max_new_tokens=20)
CANARY = "sk-canary-7f3a91"


@pytest.fixture(autouse=True)
def no_key_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # nobody listens there: loopback must not go by it
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as own:
        yield own


@pytest.fixture
def settings(server: Server, tmp_path: Path) -> RemoteSettings:
    return RemoteSettings(base_url=server.url, timeout_s=5, retries=2, cache=tmp_path / "cache")


class Asked:
    """A model, and what it was told."""

    def __init__(self, settings: RemoteSettings, name: str = "openai:mill"):
        self.told: list[str] = []
        self.model = RemoteModel(name, settings, self.told.append)

    def __call__(self, *prompts: str, **said: Any) -> list[str]:
        try:
            asked = [Prompt.plain(prompt) for prompt in prompts]
            return [one.texts[0] for one in self.model.complete(asked, said.get("settings", GREEDY), 0)]
        finally:
            self.model.close()


def test_texts_come_in_the_order_of_their_prompts_and_equal_ones_are_asked_once(
    server: Server, settings: RemoteSettings
) -> None:
    server.answers = lambda prompt: prompt.upper()
    asked = Asked(settings)

    prompts = [f"prompt {number % 7}" for number in range(20)]
    assert asked(*prompts) == [prompt.upper() for prompt in prompts]
    assert sorted(server.prompts()) == sorted(set(prompts))
    assert (asked.model.use.n_requests, asked.model.use.n_cached) == (7, 13)


def test_the_settings_of_writing_reach_the_server(server: Server, settings: RemoteSettings) -> None:
    wanted = GenerateConfig(temperature=0.5, top_p=0.9, max_new_tokens=7, stop=("\n",), presence_penalty=0.25)
    Asked(settings)("山", settings=wanted)
    [(endpoint, body)] = server.seen
    assert endpoint == "completions"
    assert body == {
        "model": "mill", "prompt": "山", "temperature": 0.5, "top_p": 0.9, "max_tokens": 7, "stop": ["\n"],
        "presence_penalty": 0.25, "seed": 0,
    }  # fmt: skip


@pytest.mark.parametrize("setting", [{"top_k": 5}, {"min_p": 0.1}, {"repetition_penalty": 1.2}])
def test_a_setting_that_the_interface_has_not_is_refused_and_nothing_is_asked(
    server: Server, settings: RemoteSettings, setting: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match=next(iter(setting))):
        Asked(settings)("a", settings=GREEDY.model_copy(update=setting))
    assert server.seen == []


# --- which endpoint


def test_a_server_with_chat_alone_is_found_out_once_and_that_is_said(server: Server, settings: RemoteSettings) -> None:
    server.endpoints = {"chat"}
    asked = Asked(settings)
    assert asked("a", "b", "c") == [" and on"] * 3
    assert [endpoint for endpoint, _ in server.seen].count("completions") == 1
    assert [told for told in asked.told if "chat" in told] == asked.told != []
    assert asked.model.endpoint == "chat"

    again = Asked(settings)
    assert again("a", "d") == [" and on"] * 2
    assert [endpoint for endpoint, _ in server.seen[4:]] == ["chat"]  # d; what was found out is kept


def test_a_newer_chat_model_is_told_its_length_by_its_own_name(server: Server, settings: RemoteSettings) -> None:
    server.says = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    server.faults = [400]
    assert Asked(replace(settings, endpoint="chat"))("a") == [" and on"]
    assert [[key for key in body if key.startswith("max")] for _, body in server.seen] == [
        ["max_tokens"],
        ["max_completion_tokens"],
    ]


# --- faults


def test_what_is_worth_it_is_asked_again_and_each_time_is_counted_and_told(
    server: Server, settings: RemoteSettings
) -> None:
    server.faults = [429, 500]
    asked = Asked(settings)
    assert asked("a") == [" and on"]
    assert (asked.model.use.n_requests, asked.model.use.n_retries) == (1, 2)
    assert ["429" in told for told in asked.told] == [True, False]
    assert ["500" in told for told in asked.told] == [False, True]


@pytest.mark.parametrize("fault", ["cut", "slow"])
def test_an_answer_that_does_not_come_whole_is_asked_for_again(
    server: Server, settings: RemoteSettings, fault: str
) -> None:
    server.faults = [fault]
    asked = Asked(replace(settings, timeout_s=0.3))
    assert asked("a") == [" and on"]
    assert asked.model.use.n_retries == 1


FAULTS = {
    "a limit of the rate": (429, "limits the rate (429)"),
    "an error of the server": (503, "the server failed (503)"),
    "a key that is refused": (401, "refuses the key (401)"),
    "a key that may not": (403, "may not do this (403)"),
    "a request that is refused": (422, "refuses the request (422)"),
    "silence": ("slow", "no answer within 0.3 s"),
    "an answer cut in its middle": ("cut", "the answer broke off"),
    "half an answer": ("garbage", "is no JSON"),
    "a page for people": ("page", "is no JSON"),
    "no text at all": ("no_choices", "holds no text"),
    "a choice without a text": ("no_text", "holds no text"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_stays_is_a_plain_error_that_names_the_server(
    server: Server, settings: RemoteSettings, name: str
) -> None:
    fault, words = FAULTS[name]
    server.faults, server.says = [fault] * 10, "so says\nthe server"
    with pytest.raises(RemoteError) as raised:
        Asked(replace(settings, timeout_s=0.3, retries=0))("a")
    assert words in raised.value.message
    assert raised.value.where == server.url
    assert raised.value.exit_code == 2
    assert "\n" not in raised.value.message
    if isinstance(fault, int):
        assert "so says the server" in raised.value.message


def test_nothing_that_is_no_answer_is_kept(server: Server, settings: RemoteSettings) -> None:
    for fault in ("garbage", "no_choices", "no_text", 500, "cut"):
        server.faults = [fault]
        with pytest.raises(RemoteError):
            Asked(replace(settings, retries=0))("a")
    assert Asked(settings)("a") == [" and on"]


def test_a_server_that_is_not_there_is_said_with_its_address(server: Server, settings: RemoteSettings) -> None:
    gone = replace(settings, base_url="http://127.0.0.1:9/v1", retries=0)
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1:9/v1: the server cannot be reached"):
        Asked(gone)("a")


def test_a_model_that_is_not_there_is_told_with_the_nearest(server: Server, settings: RemoteSettings) -> None:
    with pytest.raises(RemoteError) as raised:
        Asked(settings, "openai:mil")("a")
    assert "404" in raised.value.message
    assert raised.value.hint == "did you mean 'mill'?"


def test_a_wait_that_the_server_wants_and_is_too_long_is_said(server: Server, settings: RemoteSettings) -> None:
    server.faults, server.retry_after = [429] * 5, "3600"
    with pytest.raises(RemoteError, match="it says to wait 3600 s"):
        Asked(settings)("a")
    assert len(server.seen) == 1


# --- streams


@pytest.mark.parametrize("endpoint", ["completions", "chat"])
def test_a_stream_gives_the_text_piece_by_piece_and_keeps_it(
    server: Server, settings: RemoteSettings, endpoint: str
) -> None:
    server.endpoints, server.answers = {endpoint}, lambda prompt: "山重水复"
    asked = Asked(settings)
    assert streamed(asked) == list("山重水复")
    assert (asked.model.use.n_requests, asked.model.use.n_prompt_tokens, asked.model.use.n_completion_tokens) == (
        1,
        1,
        4,
    )
    n_seen = len(server.seen)
    assert streamed(asked) == ["山重水复"]
    assert asked("a") == ["山重水复"]  # kept for the other way too
    assert len(server.seen) == n_seen


def test_a_stream_that_is_cut_off_is_an_error_after_what_had_come(server: Server, settings: RemoteSettings) -> None:
    server.faults = ["cut"]
    asked, had = Asked(settings), list[str]()
    with pytest.raises(RemoteError, match="cut off after 3 characters"):
        streamed(asked, had)
    asked.model.close()
    assert had == list(" an")
    assert not list(settings.cache.rglob("*.json")) or len(list(settings.cache.rglob("*.json"))) == 1  # the endpoint


def streamed(asked: Asked, had: list[str] | None = None, prompt: str = "a") -> list[str]:
    """The pieces that have a text, in `had` as they come."""
    had = [] if had is None else had
    try:
        for piece in asked.model.stream(Prompt.plain(prompt), GREEDY, 0):
            had += [piece.text] if piece.text else []
    finally:
        asked.model.close()
    return had


def odds_of(asked: Asked, *labels: str) -> Odds:
    """Of one prompt."""
    try:
        [found] = asked.model.odds([Prompt.plain("a")], labels)
    finally:
        asked.model.close()
    return found


# --- what it costs


def test_tokens_are_counted_and_priced_and_the_cache_costs_nothing(server: Server, settings: RemoteSettings) -> None:
    priced = replace(settings, price_in=2.0, price_out=5.0)
    first, second = Asked(priced), Asked(priced)
    first("abcd", "ef")  # the server counts characters; its answers have 7
    assert (first.model.use.n_prompt_tokens, first.model.use.n_completion_tokens) == (6, 14)
    assert first.model.use.cost == pytest.approx((6 * 2 + 14 * 5) / 1e6, rel=1e-12)

    second("abcd", "ef")
    assert (second.model.use.n_requests, second.model.use.n_cached, second.model.use.cost) == (0, 2, 0.0)
    assert len(server.seen) == 2


def test_an_answer_without_counts_is_told_as_one(server: Server, settings: RemoteSettings) -> None:
    server.says_usage = False
    asked = Asked(settings)
    asked("a")
    assert (asked.model.use.n_uncounted, asked.model.use.n_prompt_tokens, asked.model.use.cost) == (1, 0, None)


# --- what is kept


def test_another_model_address_setting_or_prompt_is_another_question(server: Server, settings: RemoteSettings) -> None:
    server.models.append("other")
    Asked(settings)("a")
    Asked(settings, "openai:other")("a")
    Asked(settings)("b")
    Asked(settings)("a", settings=GREEDY.model_copy(update={"max_new_tokens": 21}))
    Asked(replace(settings, base_url=server.url.replace("127.0.0.1", "localhost")))("a")
    Asked(replace(settings, cache=None))("a")
    assert len(server.seen) == 6


def test_a_damaged_answer_is_told_and_asked_for_again(server: Server, settings: RemoteSettings) -> None:
    Asked(settings)("a")
    assert settings.cache is not None
    for path in settings.cache.rglob("*.json"):
        path.write_bytes(path.read_bytes().replace(b" and on", b" and ON"))
    asked = Asked(settings)
    assert asked("a") == [" and on"]
    assert len([told for told in asked.told if "damaged" in told]) == 1
    assert len(server.seen) == 2
    assert Asked(settings)("a") == [" and on"]
    assert len(server.seen) == 2


def test_a_cache_that_cannot_be_written_is_said(server: Server, settings: RemoteSettings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be kept here"):
        Asked(replace(settings, cache=tmp_path / "file"))("a")


# --- the key


def test_the_key_is_in_no_file_error_repr_log_or_notice(
    server: Server, settings: RemoteSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The server repeats it wherever it can: in errors, and in its answers."""
    caplog.set_level(logging.DEBUG)
    server.answers = lambda prompt: f"your key is {CANARY}"
    secret = replace(settings, api_key=SecretStr(CANARY), retries=1)
    asked = Asked(secret)
    written = [*asked("a"), repr(asked.model), repr(secret), str(vars(asked.model)), asked.model.use.to_json()]
    assert written[0] == "your key is [key]"
    for fault in (401, 403, 404, 429, 500, 400, "garbage", "cut"):
        server.faults, server.says = [fault] * 5, f"Incorrect API key provided: {CANARY}"
        try:
            Asked(secret)("b")
        except RemoteError as error:
            written += [str(error), "".join(traceback.format_exception(error))]
    written += [*asked.told, caplog.text]
    written += [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert [text for text in written if CANARY in text] == []
    assert all(headers["authorization"] == f"Bearer {CANARY}" for headers in server.headers)


LETTERS = {
    "as it is": json.dumps,
    "escaped": all_escaped,
    "as UTF-8": lambda body: json.dumps(body, ensure_ascii=False),
}


@pytest.mark.parametrize("letters", LETTERS)
@pytest.mark.parametrize("endpoint", ["completions", "chat"])
def test_a_key_in_pieces_of_a_stream_is_never_shown_wherever_it_is_cut(
    server: Server, settings: RemoteSettings, endpoint: str, letters: str
) -> None:
    """At every place; and in three pieces, the second of one letter; bytes of a character on their way apart."""
    server.endpoints, server.as_json = {endpoint}, LETTERS[letters]
    server.answers = lambda prompt: f"山 sk-{CANARY}{CANARY} s"
    server.wire = 7 if letters == "as UTF-8" else None
    secret = replace(settings, api_key=SecretStr(CANARY))
    for cut in range(1, len(CANARY)):

        def pieces(text: str, cut: int = cut) -> list[str]:
            at = text.index(CANARY) + cut
            return [text[:at], text[at : at + 1], text[at + 1 :]]

        server.pieces = pieces
        had = streamed(Asked(secret), prompt=f"cut {cut}")
        assert "".join(had) == "山 sk-[key][key] s"
        assert all(CANARY not in piece for piece in had)
    assert settings.cache is not None
    kept = "".join(path.read_text() for path in settings.cache.rglob("*.json"))
    assert CANARY not in kept and kept.count("[key][key]") == len(CANARY) - 1


def test_a_text_that_only_begins_like_the_key_is_given_whole(server: Server, settings: RemoteSettings) -> None:
    server.answers = lambda prompt: "sk-can sk-canal s"
    assert "".join(streamed(Asked(replace(settings, api_key=SecretStr(CANARY))))) == "sk-can sk-canal s"


@given(st.lists(st.text("sk-0山", max_size=6)))
@hypothesis_settings(deadline=None)
def test_a_text_in_pieces_is_struck_as_the_whole_text_is(pieces: list[str]) -> None:
    struck = Struck("sk-sk0")
    own = struck.pieces()
    found = "".join([*(own.push(piece) for piece in pieces), own.end()])
    assert found == "".join(pieces).replace("sk-sk0", "[key]")


def test_an_answer_that_ends_within_the_key_does_not_end_in_most_of_it(
    server: Server, settings: RemoteSettings
) -> None:
    server.answers = lambda prompt: f"it is {CANARY[:-1]}"
    secret = replace(settings, api_key=SecretStr(CANARY))
    assert "".join(streamed(Asked(secret))) == "it is [key]"
    assert Asked(secret)("b") == ["it is [key]"]


@pytest.mark.parametrize(
    "says",
    [
        "\x00".join(CANARY),  # is whole when what cannot be printed is left out
        "x" * (LONGEST_SAID - 2 - len(CANARY)) + CANARY[:-1] + "yyy",
        "x" * (LONGEST_SAID - len(CANARY)) + CANARY + "yyy",  # the line is cut within it
    ],
)
def test_an_error_that_hides_the_key_or_is_cut_within_it_does_not_show_it(
    server: Server, settings: RemoteSettings, says: str
) -> None:
    server.faults, server.says = [401], says
    with pytest.raises(RemoteError) as raised:
        Asked(replace(settings, api_key=SecretStr(CANARY)))("a")
    assert CANARY not in str(raised.value)
    assert says[:20].startswith("x") or "[key]" in str(raised.value)


def test_a_key_in_letters_that_json_escapes_is_neither_given_nor_kept(server: Server, settings: RemoteSettings) -> None:
    server.answers, server.faults = (lambda prompt: f"it is {CANARY}"), ["escaped"]
    assert Asked(replace(settings, api_key=SecretStr(CANARY)))("a") == ["it is [key]"]
    assert settings.cache is not None
    assert not [path for path in settings.cache.rglob("*.json") if CANARY in str(json.loads(path.read_text()))]


def test_names_of_other_models_hold_no_key(server: Server, settings: RemoteSettings) -> None:
    server.models = [f"mill-{CANARY}"]
    with pytest.raises(RemoteError) as raised:
        Asked(replace(settings, api_key=SecretStr(CANARY)))("a")
    assert CANARY not in str(raised.value) and "mill-[key]" in str(raised.value)


# --- waits


def test_a_wait_that_the_server_wants_is_kept(server: Server, settings: RemoteSettings) -> None:
    server.faults, server.retry_after = [429], "0.7"
    assert Asked(settings)("a") == [" and on"]
    first, second = server.came
    assert second - first >= 0.7


# --- probabilities of labels


def test_probabilities_of_labels_are_those_that_a_chat_tells_of_its_first_token(
    server: Server, settings: RemoteSettings
) -> None:
    """By hand: 0.5 and 0.1 of pos, 0.2 of neg, over 0.8."""
    server.endpoints = {"chat"}
    server.odds = lambda prompt: {"pos": log(0.5), " Neg": log(0.2), "Posi": log(0.1), "\n": log(0.1), "I": log(0.1)}
    asked = Asked(settings)
    found = odds_of(asked, "positive", "negative", "mixed")
    assert found.shares == pytest.approx((0.75, 0.25, 0.0))
    assert (server.seen[-1][1]["logprobs"], server.seen[-1][1]["top_logprobs"]) == (True, 20)


def test_a_first_token_that_is_none_of_the_labels_has_no_probabilities(
    server: Server, settings: RemoteSettings
) -> None:
    server.endpoints = {"chat"}
    server.odds = lambda prompt: {"It": log(0.6), "pos": log(0.3), "neg": log(0.1)}
    found = odds_of(Asked(settings), "positive", "negative")
    assert (found.shares, found.said) == (None, "It")


def test_labels_that_begin_alike_are_refused_in_a_chat(server: Server, settings: RemoteSettings) -> None:
    server.endpoints = {"chat"}
    server.odds = lambda prompt: {"very": log(0.9), "bad": log(0.1)}
    with pytest.raises(RemoteError, match="labels begin with the same token"):
        odds_of(Asked(settings), "very good", "very bad")


@pytest.mark.parametrize("endpoint", ["completions", "chat"])
def test_a_server_that_tells_no_probabilities_is_refused_with_the_reason(
    server: Server, settings: RemoteSettings, endpoint: str
) -> None:
    server.endpoints = {endpoint}
    with pytest.raises(RemoteError, match="without log-probabilities"):
        odds_of(Asked(settings), "positive", "negative")


def test_a_key_comes_from_a_file_or_the_environment(
    server: Server, settings: RemoteSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.key = CANARY
    (tmp_path / "key").write_text(CANARY + "\n")
    assert Asked(replace(settings, api_key=key_of_file(str(tmp_path / "key"))))("a") == [" and on"]
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    assert Asked(replace(settings, base_url=None))("b") == [" and on"]
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
    with pytest.raises(RemoteError, match="refuses the key"):
        Asked(settings)("c")


@pytest.mark.parametrize("content", ["", "two words", "ключ", "one\ntwo\n"])
def test_what_is_no_key_is_refused_without_repeating_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(InputError) as raised:
        key_of_file(str(tmp_path / "key"))
    assert not content or content.strip() not in str(raised.value)


def test_openai_itself_is_not_asked_without_a_key() -> None:
    with pytest.raises(UsageError, match="there is no key"):
        RemoteModel("openai:gpt", RemoteSettings(cache=None))


@pytest.mark.parametrize(
    "url",
    [f"http://me:{CANARY}@127.0.0.1/v1", f"http://127.0.0.1/v1?key={CANARY}", "127.0.0.1:8000", "http://", "ftp://a/"],
)
def test_an_address_that_is_none_or_holds_a_secret_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(UsageError) as raised:
        RemoteModel("openai:mill", RemoteSettings(base_url=url, cache=None))
    assert CANARY not in str(raised.value)


def test_a_model_needs_a_name() -> None:
    with pytest.raises(TextmillError, match="no name"):
        RemoteModel("openai:", RemoteSettings(base_url="http://127.0.0.1:9/v1", cache=None))


# --- tokens that are given back


@pytest.mark.parametrize(
    ("text", "tokens", "offsets", "places"),
    [
        ("ab c", ["ab", " c"], None, [(0, 2), (2, 4)]),
        ("ab", ["<s>", "a", "b"], None, [(0, 0), (0, 1), (1, 2)]),
        ("山a", [r"bytes:\xe5", r"bytes:\xb1\xb1", "a"], None, [(0, 1), (0, 1), (1, 2)]),
        ("山a", ["�", "�", "a"], [0, 0, 1], [(0, 0), (0, 1), (1, 2)]),
        ("山a", ["�", "�", "a"], None, None),
        ("山a", ["�", "�", "b"], [0, 0, 1], None),
        ("ab", ["a"], None, None),
        ("ab", ["a", "b", "c"], None, None),
        ("ab", ["x", "y", "a", "b"], None, None),
    ],
)
def test_tokens_are_placed_in_their_text_or_refused(
    text: str, tokens: list[str], offsets: list[int] | None, places: list[tuple[int, int]] | None
) -> None:
    assert places_in(text, tokens, offsets) == places


def test_a_kept_answer_names_neither_prompt_nor_address(server: Server, settings: RemoteSettings) -> None:
    Asked(settings)("a secret prompt")
    assert settings.cache is not None
    kept = [json.loads(path.read_text()) for path in settings.cache.rglob("*.json")]
    assert len(kept) == 2
    assert "secret prompt" not in str(kept) and "127.0.0.1" not in str(kept)
