"""Conversations that a model learns from are what transformers makes of them: ids, and which of them are answers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer as Library
from tokenizers import decoders, models, pre_tokenizers, trainers

from textmill.errors import InputError
from textmill.tokens.chat_turns import ChatTurns
from textmill.tokens.foreign import foreign_tokenizer

transformers = pytest.importorskip("transformers", reason="the reference is its apply_chat_template")

WORDS = [
    *("<s>", "</s>", "<|im_start|>", "<|im_end|>", "[INST]", "[/INST]"),
    *("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
]
# What the published templates write, with the marks that transformers looks for around answers: without these marks an
# answer has to be found all the same.
MARKED = {
    "chatml": (
        "<|im_end|>",
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}"
        "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}"
        "{% endgeneration %}{% else %}"
        "{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    ),
    "llama3": (
        "<|eot_id|>",
        "{{ bos_token }}{% for message in messages %}"
        "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' }}"
        "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] | trim + '<|eot_id|>' }}"
        "{% endgeneration %}{% else %}"
        "{{ message['content'] | trim + '<|eot_id|>' }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
    ),
    "mistral": (
        "</s>",
        "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
        "{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
        "{% generation %}{{ ' ' + message['content'] + eos_token }}{% endgeneration %}{% else %}"
        "{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}",
    ),
    # Qwen 3: an empty thought stands before the last answer alone, and a chat goes on without it
    "qwen3": (
        "<|im_end|>",
        "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' }}{% if message.role == 'assistant' %}"
        "{% generation %}{% if loop.last %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
        "{{ message.content + '<|im_end|>' }}{% endgeneration %}"
        "{% else %}{{ message.content + '<|im_end|>' }}{% endif %}"
        "{{ '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    ),
}
CHATS = {
    "one": [("user", "Where is the goose?"), ("assistant", "By the lake.")],
    "several": [
        ("user", "Where is the goose?"),
        ("assistant", "By the lake.\n\nIt sleeps 🦢"),
        ("user", "And the boat? "),
        ("assistant", " It came home in May."),
    ],
    "chinese": [
        ("user", "鹅在哪里？"),
        ("assistant", "在湖边。"),
        ("user", "船呢？\n"),
        ("assistant", "五月回家了。"),
        ("user", "谢谢"),
    ],
}
SYSTEM = ("system", "你很简短。 Be brief.")


@pytest.fixture(scope="module")
def library() -> Library:
    built = Library(models.BPE())
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    built.decoder = decoders.ByteLevel()
    texts = [said for chat in CHATS.values() for _, said in chat] + ["user\n", "assistant\n", "system\n", "\n\n"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=WORDS, initial_alphabet=alphabet, show_progress=False)
    built.train_from_iterator(texts * 4, trainer)
    return built


def both(library: Library, folder: Path, template: str, end: str) -> tuple[Any, Any]:
    """(transformers' tokenizer, ours), of one folder."""
    theirs = transformers.PreTrainedTokenizerFast(tokenizer_object=library, bos_token="<s>", eos_token=end)
    theirs.add_special_tokens({"additional_special_tokens": [word for word in WORDS if word not in ("<s>", end)]})
    theirs.chat_template = template
    theirs.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({"vocab_size": len(theirs)}))
    return theirs, foreign_tokenizer(folder)


def messages_of(chat: str, template: str, system: bool) -> list[dict[str, str]]:
    said = ([SYSTEM] if system and template != "mistral" else []) + CHATS[chat]
    return [{"role": role, "content": content} for role, content in said]


def bare(template: str) -> str:
    """The template without its marks around answers."""
    return re.sub(r"\{% (end)?generation %\}", "", template)


@pytest.mark.parametrize("chat", CHATS)
@pytest.mark.parametrize("system", [False, True])
@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("name", MARKED)
def test_ids_and_answers_are_those_of_transformers(name, marked, system, chat, library, tmp_path) -> None:
    end, template = MARKED[name]
    theirs, ours = both(library, tmp_path, template if marked else bare(template), end)
    messages = messages_of(chat, name, system)
    expected = theirs.apply_chat_template(
        messages, chat_template=template, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )

    with ChatTurns(ours) as turns:
        ids, spans = turns.answered(messages, "chats.jsonl:1")

    assert ids == expected["input_ids"]
    mask = [0] * len(ids)
    for start, stop in spans:
        mask[start:stop] = [1] * (stop - start)
    assert mask == list(expected["assistant_masks"]) and sum(mask) > 0
    assert len(spans) == sum(message["role"] == "assistant" for message in messages)
    assert all(ours.words[ids[stop - 1]] == end for _, stop in spans)


def test_what_is_learned_stands_behind_the_prompt_that_a_chat_is_gone_on_from(library, tmp_path) -> None:
    from textmill.generation.chat import Turn, laid_out

    end, template = MARKED["chatml"]
    _, ours = both(library, tmp_path, bare(template), end)
    messages = messages_of("several", "chatml", True)
    with ChatTurns(ours) as turns:
        ids, spans = turns.answered(messages, "c:1")
        prompt, _ = laid_out([Turn(one["role"], one["content"]) for one in messages[:-1]], turns.template, ours)
    assert ids[: spans[-1][0]] == list(prompt.ids)


def test_a_control_word_in_what_was_said_is_letters_and_ends_no_answer(library, tmp_path) -> None:
    end, template = MARKED["chatml"]
    _, ours = both(library, tmp_path, bare(template), end)
    messages = [{"role": "user", "content": "<|im_end|>?"}, {"role": "assistant", "content": "鹅<|im_end|>yes"}]
    with ChatTurns(ours) as turns:
        ids, [(start, stop)] = turns.answered(messages, "c:1")
    assert [ours.words[number] for number in ids].count("<|im_end|>") == 2
    assert ours.text_bytes(ids[start:stop]).decode() == "鹅<|im_end|>yes"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        # the number of turns stands before them all
        (
            "{{ messages | length }}{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}",
            "otherwise once more",
        ),
        (MARKED["mistral"][1], "Only user and assistant roles"),
        ("{% for m in messages %}", "the chat template cannot write this"),
    ],
)
def test_a_template_that_does_not_say_what_an_answer_is_is_refused_by_name(template, words, library, tmp_path) -> None:
    _, ours = both(library, tmp_path, template, "</s>")
    messages = messages_of("several", "", True)
    with ChatTurns(ours) as turns, pytest.raises(InputError, match=words) as caught:
        turns.answered(messages, "chats.jsonl:7")
    assert caught.value.where == "chats.jsonl:7"
