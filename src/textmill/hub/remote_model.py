"""A model behind an OpenAI-compatible server, in a run's place: prompts -> texts and log-probabilities. Room: hub/.

Used by remote_work.py and remote_evaluation.py, and by the verbs. What a server says comes from remote_server.py, what
it said before from remote_cache.py; here the two endpoints become one model, and it is counted what that costs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from textmill.config.measure import GenerateConfig
from textmill.errors import ConfigError, RemoteError, UsageError
from textmill.hub.remote_cache import AnswerCache
from textmill.hub.remote_echo import MOST_ALTERNATIVES, Echo, NoEcho, NoLogprobs, echo_of
from textmill.hub.remote_odds import (
    MOST_FIRST,
    NoOdds,
    Odds,
    continued,
    first_tokens,
    nats_behind,
    shares_by_first,
    shares_of,
)
from textmill.hub.remote_server import Endpoint, RemoteServer, RemoteSettings, Tally, short
from textmill.results import RemoteUse

SCHEME = "openai:"
Item = TypeVar("Item", bound=Hashable)
Found = TypeVar("Found")
Texts = tuple[tuple[str, ...], tuple[str, ...]]
"""Texts, and the server's words for why each ended."""

Told = tuple[tuple[float, ...] | None, str]
"""Odds.shares and Odds.said."""


@dataclass(frozen=True)
class Prompt:
    """What a model is to go on from: as one text, and as the messages of a chat."""

    text: str
    messages: tuple[tuple[Literal["system", "user", "assistant"], str], ...]
    stop: tuple[str, ...] = ()
    """What ends the answer where it goes on from `text`."""

    @classmethod
    def plain(cls, text: str) -> Prompt:
        """A text as it stands; in a chat the user says it."""
        return cls(text, (("user", text),))


@dataclass(frozen=True)
class Answered:
    """What came for a prompt. texts: as many as were asked for, with the server's words for why each ended.
    n_prompt_tokens, n_tokens: of all texts; None where the server does not say."""

    texts: tuple[str, ...]
    finish_reasons: tuple[str, ...]
    n_prompt_tokens: int | None
    n_tokens: int | None
    use: RemoteUse


@dataclass(frozen=True)
class Written:
    """A piece of a text. finish_reason: of the last one, the server's word for why the text ends there."""

    text: str
    finish_reason: str | None = None


class RemoteModel:
    """A model of a server. `notice` is told, once each, what is found out and what is tried again.

    first: the endpoint that is tried first where nobody has said which, and none is known.
    """

    def __init__(
        self,
        name: str,
        settings: RemoteSettings | None = None,
        notice: Callable[[str], None] = lambda text: None,
        first: Endpoint = "completions",
    ):
        """name: with or without `openai:`. Nothing is asked yet.

        Raises UsageError for a name or an address that is none, InputError for a key that is none, MissingExtra.
        """
        self.settings, self.notice, self.first = settings or RemoteSettings(), notice, first
        self.model = name.removeprefix(SCHEME)
        if not self.model.strip():
            raise UsageError(f"a remote model has no name: '{name}'", hint=f"Say {SCHEME}NAME, as the server calls it.")
        self.endpoint: Endpoint | None = None if self.settings.endpoint == "auto" else self.settings.endpoint
        self._server = RemoteServer(self.model, self.settings, notice)
        self._cache = None if self.settings.cache is None else AnswerCache(self.settings.cache, notice)
        self._tally = Tally()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"RemoteModel({self.name!r}, base_url={self._server.base_url!r})"

    def close(self) -> None:
        """Close its connections."""
        self._server.close()

    @property
    def name(self) -> str:
        """As RUN names it."""
        return SCHEME + self.model

    @property
    def use(self) -> RemoteUse:
        """All that was asked so far, and what it cost."""
        return self._use_of(self._tally)

    # --- texts

    def complete(
        self, prompts: Sequence[Prompt], settings: GenerateConfig, seed: int, n: int = 1
    ) -> Iterator[Answered]:
        """What the model writes for each prompt, in order; n texts each. Equal prompts are asked once.

        Raises RemoteError, and ConfigError for settings that the interface does not have.
        """
        refuse_unknown_settings(settings)
        again = Tally(n_cached=1)
        given = set[Prompt]()
        for prompt, found in self._in_order(prompts, lambda one: self._completed(one, settings, seed, n)):
            if prompt in given:
                self._add(again)
                found = replace(found, use=self._use_of(again))
            given.add(prompt)
            yield found

    def echoes(self, texts: Sequence[str]) -> Iterator[Echo]:
        """The echo of each text, in order. Raises as echo does."""
        for _, found in self._in_order(texts, self.echo):
            yield found

    def _in_order(self, items: Sequence[Item], ask: Callable[[Item], Found]) -> Iterator[tuple[Item, Found]]:
        """What is found for each item, at_once of them on their way together; equal ones are asked once."""
        once = list(dict.fromkeys(items))
        pool = ThreadPoolExecutor(max(1, self.settings.at_once))
        try:
            # The first one alone: it finds out which endpoint there is.
            done = {one: ask(one) for one in once[:1]}
            waiting = {one: pool.submit(ask, one) for one in once[1:]}
            for item in items:
                if item not in done:
                    done[item] = waiting[item].result()
                yield item, done[item]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # whoever stops does not wait for the others

    def stream(self, prompt: Prompt, settings: GenerateConfig, seed: int) -> Iterator[Written]:
        """One text as it comes. Raises RemoteError, also where the answer is cut off: what had come was given."""
        refuse_unknown_settings(settings)
        tried = self._endpoints()
        for endpoint in tried:
            body = self._body(prompt, settings, seed, 1, endpoint)
            kept = self._kept(endpoint, body)
            if kept is not None:
                self._settle(endpoint)
                self._add(Tally(n_cached=1))
                (text,), (why,) = self._texts(kept, endpoint, 1)
                yield Written(text, why)
                return
            try:
                yield from self._streamed(endpoint, body)
                return
            except RemoteError as error:
                if endpoint == tried[-1] or not _is_not_there(error):
                    raise self._server.with_near(error) from None

    def _streamed(self, endpoint: Endpoint, body: dict[str, Any]) -> Iterator[Written]:
        own, text = Tally(), ""
        reason, usage = None, None
        try:
            for piece in self._server.stream(endpoint, body, own):
                self._settle(endpoint)
                text, reason, usage = text + piece.text, piece.finish_reason or reason, piece.usage or usage
                own.n_requests = 1
                if piece.text or piece.finish_reason:
                    yield Written(piece.text, piece.finish_reason)
        finally:
            if own.n_requests:
                _count_tokens({"usage": usage}, own)
            self._add(own)
        said = {"text": text} if endpoint == "completions" else {"message": {"content": text}}
        self._keep(self._question(endpoint, body), {"choices": [said | {"finish_reason": reason}], "usage": usage})

    # --- probabilities

    def echo(self, text: str) -> Echo:
        """The server's tokens of a text, with the probability of each given those before it.

        Raises RemoteError where the server gives none: that of a chat does not.
        """
        if self.endpoint == "chat":
            raise self._no_echo("it is asked by chat, which gives no probabilities of a text")
        own = Tally()
        try:
            return replace(self._echoed(text, own), use=self._use_of(own))
        except RemoteError as error:
            if error.status not in (400, 404, 405, 422, 501):
                raise
            near = self._server.with_near(error)
            raise (self._no_echo(error.message) if near is error else near) from None
        finally:
            self._add(own)

    # --- probabilities of labels

    def odds(self, prompts: Sequence[Prompt], labels: Sequence[str]) -> Iterator[Odds]:
        """How likely each label is as the answer to each prompt, in order: by completions, where their server echoes
        log-probabilities, a request for each label; by chat one. Raises RemoteError where the server tells none, and
        where labels cannot be told apart by what it tells."""
        for _, found in self._in_order(prompts, lambda one: self._odds(one, tuple(labels))):
            yield found

    def _odds(self, prompt: Prompt, labels: tuple[str, ...]) -> Odds:
        own, tried = Tally(), self._endpoints()
        ways = {"completions": self._odds_by_echo, "chat": self._odds_by_first_token}
        try:
            for endpoint in tried:
                try:
                    shares, said = ways[endpoint](prompt, labels, own)
                except RemoteError as error:
                    if endpoint == tried[-1] or not _is_not_there(error):
                        raise
                    continue
                self._settle(endpoint)
                return Odds(shares, said, self._use_of(own))
            raise AssertionError("the last endpoint answers or raises")
        except NoOdds as error:
            raise self._server.error(
                f"{self.name} gives no probabilities of labels: {error}", "Leave --probabilities out."
            ) from None
        except RemoteError as error:
            raise self._server.with_near(error) from None
        finally:
            self._add(own)

    def _odds_by_echo(self, prompt: Prompt, labels: tuple[str, ...], own: Tally) -> Told:
        nats = [nats_behind(self._echoed(text, own), len(prompt.text)) for text in continued(prompt.text, labels)]
        return shares_of(nats), ""

    def _odds_by_first_token(self, prompt: Prompt, labels: tuple[str, ...], own: Tally) -> Told:
        settings = GenerateConfig(temperature=0.0, max_new_tokens=1)
        body = self._body(prompt, settings, 0, 1, "chat") | {"logprobs": True, "top_logprobs": MOST_FIRST}

        def read(answer: dict[str, Any]) -> list[tuple[str, float]]:
            self._choices(answer, 1)
            return first_tokens(answer)

        tops = self._asked("chat", body, own, read)
        return shares_by_first(tops, labels), max(tops, key=lambda top: top[1])[0]

    def _echoed(self, text: str, own: Tally) -> Echo:
        body = {"model": self.model, "prompt": text, "echo": True, "logprobs": MOST_ALTERNATIVES, "temperature": 0.0}
        try:
            return self._asked("completions", body | {"max_tokens": 0}, own, lambda found: self._echo(found, text))
        except RemoteError as error:
            if error.status not in (400, 422):
                raise
        # Many servers write no answer of no token: then one is written, and left out.
        return self._asked("completions", body | {"max_tokens": 1}, own, lambda found: self._echo(found, text, 1))

    def _echo(self, answer: dict[str, Any], text: str, n_more: int = 0) -> Echo:
        self._choices(answer, 1)
        try:
            return echo_of(answer, text, n_more)
        except NoLogprobs as error:
            raise self._no_echo(str(error)) from None
        except NoEcho as error:
            raise self._server.error(str(error)) from None

    def _no_echo(self, why: str) -> RemoteError:
        return self._server.error(
            f"{self.name} gives no log-probabilities of a text: {why}",
            "It can be measured by what it answers: textmill eval RUN --data FILE --prompts FILE",
        )

    # --- one question

    def _completed(self, prompt: Prompt, settings: GenerateConfig, seed: int, n: int) -> Answered:
        own, tried = Tally(), self._endpoints()
        try:
            for endpoint in tried[:-1]:
                try:
                    return self._answered(endpoint, prompt, settings, seed, n, own)
                except RemoteError as error:
                    if not _is_not_there(error):
                        raise
            return self._answered(tried[-1], prompt, settings, seed, n, own)
        except RemoteError as error:
            raise self._server.with_near(error) from None
        finally:
            self._add(own)

    def _answered(
        self, endpoint: Endpoint, prompt: Prompt, settings: GenerateConfig, seed: int, n: int, own: Tally
    ) -> Answered:
        def read(answer: dict[str, Any]) -> tuple[Texts, tuple[int | None, int | None]]:
            return self._texts(answer, endpoint, n), _counts(answer)

        texts, counts = self._asked(endpoint, self._body(prompt, settings, seed, n, endpoint), own, read)
        self._settle(endpoint)
        return Answered(*texts, *counts, self._use_of(own))

    def _endpoints(self) -> tuple[Endpoint, ...]:
        """What is to be tried, in order: the one that is known alone."""
        if self.endpoint is not None:
            return (self.endpoint,)
        kept = self._cache.get(self._which()) if self._cache is not None else None
        chat_first = self.first == "chat" or (kept is not None and kept.get("endpoint") == "chat")
        return ("chat", "completions") if chat_first else ("completions", "chat")

    def _settle(self, endpoint: Endpoint) -> None:
        """This is the endpoint that the server has for the model: said and kept, once."""
        if self.endpoint is not None:
            return
        self.endpoint = endpoint
        if self.first == "completions":  # a chat does not ask whether there are completions
            self._keep(self._which(), {"endpoint": endpoint})
        if endpoint != self.first:
            self.notice(
                f"{self.name} is asked as a chat: its server has no plain completions of it"
                if endpoint == "chat"
                else f"{self.name} is asked for completions: its server has no chat of it; turns are labelled"
            )

    def _which(self) -> dict[str, Any]:
        return {"base_url": self._server.base_url, "model": self.model, "asked": "which endpoint"}

    def _question(self, endpoint: Endpoint, body: Mapping[str, Any]) -> dict[str, Any]:
        """What an answer is kept by."""
        return {"base_url": self._server.base_url, "endpoint": endpoint, "body": dict(body)}

    def _body(self, prompt: Prompt, settings: GenerateConfig, seed: int, n: int, endpoint: Endpoint) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.model, "temperature": settings.temperature, "seed": seed}
        body["max_tokens"] = settings.max_new_tokens
        if endpoint == "completions":
            body["prompt"] = prompt.text
        else:
            body["messages"] = [{"role": role, "content": text} for role, text in prompt.messages]
        if settings.temperature > 0:
            body["top_p"] = settings.top_p
        for name in ("presence_penalty", "frequency_penalty"):
            if getattr(settings, name):
                body[name] = getattr(settings, name)
        stop = [*settings.stop, *(prompt.stop if endpoint == "completions" else ())]
        if stop:
            body["stop"] = stop
        if n > 1:
            body["n"] = n
        return body

    def _asked(
        self, endpoint: Endpoint, body: dict[str, Any], own: Tally, read: Callable[[dict[str, Any]], Found]
    ) -> Found:
        """What is read in the server's answer, or in the one that is kept; what cannot be read is not kept."""
        kept = self._kept(endpoint, body)
        if kept is not None:
            own.n_cached += 1
            return read(kept)
        answer = self._server.answer(endpoint, body, own)
        own.n_requests += 1
        _count_tokens(answer, own)
        found = read(answer)
        self._keep(self._question(endpoint, body), answer)
        return found

    def _kept(self, endpoint: Endpoint, body: Mapping[str, Any]) -> dict[str, Any] | None:
        return None if self._cache is None else self._cache.get(self._question(endpoint, body))

    def _keep(self, question: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        if self._cache is not None:
            with self._lock:
                self._cache.put(question, answer)

    def _choices(self, answer: Mapping[str, Any], n: int) -> list[dict[str, Any]]:
        """Raises RemoteError where there are fewer than n."""
        found = answer.get("choices")
        if not isinstance(found, list) or len(found) < n or not all(isinstance(one, dict) for one in found):
            said = answer.get("error") or answer
            wanted = "text" if n == 1 else f"{n} texts"
            raise self._server.error(f"the server's answer holds no {wanted}: {short(str(said))}")
        return found[:n]

    def _texts(self, answer: Mapping[str, Any], endpoint: Endpoint, n: int) -> Texts:
        texts, reasons = [], []
        for choice in self._choices(answer, n):
            said = choice.get("message") if endpoint == "chat" else choice
            text = said.get("content" if endpoint == "chat" else "text") if isinstance(said, dict) else None
            if text is None and endpoint == "chat" and isinstance(said, dict):
                text = said.get("refusal") or ""
            if not isinstance(text, str):
                raise self._server.error(f"the server's answer holds no text: {short(str(choice))}")
            texts.append(text)
            reasons.append(str(choice.get("finish_reason") or "stop"))
        return tuple(texts), tuple(reasons)

    # --- counting

    def _use_of(self, tally: Tally) -> RemoteUse:
        price_in, price_out = self.settings.price_in, self.settings.price_out
        cost = None
        if price_in is not None or price_out is not None:
            cost = (tally.n_prompt_tokens * (price_in or 0) + tally.n_completion_tokens * (price_out or 0)) / 1e6
        return RemoteUse(
            model=self.model, base_url=self._server.base_url, endpoint=self.endpoint, cost=cost, **vars(tally)
        )

    def _add(self, own: Tally) -> None:
        with self._lock:
            self._tally.add(own)


def open_remote(
    name: str,
    settings: RemoteSettings | None = None,
    notice: Callable[[str], None] = lambda text: None,
    first: Endpoint = "completions",
) -> RemoteModel:
    """`openai:NAME` -> the model of a server. Nothing is asked yet. Raises as RemoteModel does."""
    return RemoteModel(name, settings, notice, first)


def refuse_unknown_settings(settings: GenerateConfig) -> None:
    """Raises ConfigError for a way to write that the interface does not have, where it is asked for."""
    defaults = GenerateConfig()
    for name in ("top_k", "min_p", "repetition_penalty", "no_repeat", "min_new_tokens"):
        if getattr(settings, name) != getattr(defaults, name):
            raise ConfigError(
                f"generate.{name} is {getattr(settings, name):g}, which a remote model does not know",
                hint="Leave it out: it knows temperature, top_p, presence_penalty, frequency_penalty and stop.",
            )
    if settings.top_p == 0:
        raise ConfigError("generate.top_p is 0, which a remote model refuses", hint="Say --temperature 0.")


def _is_not_there(error: RemoteError) -> bool:
    """The endpoint is not there for this model, so that the other one may be."""
    return error.status in (404, 405, 501) or (error.status == 400 and "chat" in error.message.lower())


def _counts(answer: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Tokens of prompt and answer, as the server counts them; None where it does not."""
    usage = answer.get("usage")
    found = [usage.get(key) if isinstance(usage, dict) else None for key in ("prompt_tokens", "completion_tokens")]
    known = [n if isinstance(n, int) and not isinstance(n, bool) and n >= 0 else None for n in found]
    return known[0], known[1]


def _count_tokens(answer: Mapping[str, Any], own: Tally) -> None:
    n_prompt, n_tokens = _counts(answer)
    if n_prompt is None:
        own.n_uncounted += 1
        return
    own.n_prompt_tokens += n_prompt
    own.n_completion_tokens += n_tokens or 0
