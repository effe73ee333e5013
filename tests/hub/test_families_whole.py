"""Encoders and translators read from what save_pretrained wrote are equal to transformers' own, in float32."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from test_families import D, F, H, L, T, V, random_ids, read, reference_of

from textmill.hub.families import config_of, their_config_of, theirs_of
from textmill.models.matches import CONTEXT, N_FACTS, NO_ANSWER, QUESTION

pytest.importorskip("transformers", reason="the references are transformers' models")
MASK = 5
BERT = {
    "vocab_size": V,
    "hidden_size": D,
    "num_hidden_layers": L,
    "num_attention_heads": H,
    "intermediate_size": F,
    "max_position_embeddings": T + 2,
    "pad_token_id": 1,
}
NAMES = ["Bert", "Roberta"]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def padded(length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids of three rows, and their segments: two of them are padded to the right, as transformers pads."""
    ids = random_ids(length)
    segments = torch.zeros_like(ids)
    segments[0, length // 2 + 1 :] = segments[2, length - length // 4 :] = -1
    return ids.masked_fill(segments < 0, 1), segments


def heads_of(name: str) -> dict[str, dict[str, Any]]:
    return {
        "Model": {},
        "ForMaskedLM": {"mask": {"vocab_size": V}},
        "ForSequenceClassification": {"classify": {"classes": ["bad", "so-so", "good"]}},
        "ForQuestionAnswering": {"span": {"longest": 30, "typed": True}},
    }[name]


def read_back(name: str, kind: str, folder: Any, **said: Any) -> tuple[Any, Any]:
    """(the reference, our model of its folder)."""
    reference = reference_of(name, kind, {**BERT, **said})
    reference.save_pretrained(folder)
    pooling = {"pooling": "first"} if kind == "ForSequenceClassification" else {}
    _, _, _, model = read(folder, heads_of(kind), mask_id=MASK, knobs=pooling)
    return reference, model


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["Model", "ForMaskedLM"])
def test_an_encoder_reads_texts_as_transformers_does(name, kind, tmp_path):
    reference, model = read_back(name, kind, tmp_path)
    body = getattr(reference, name.lower(), reference)
    for length in (1, 2, 17, T):
        ids, segments = padded(length)
        real = segments >= 0
        with torch.no_grad():
            expected = body(input_ids=ids, attention_mask=real).last_hidden_state
            assert expected.std() > 0.1
            torch.testing.assert_close(model(ids, segments)[real], expected[real], atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tied", [True, False])
def test_hidden_words_are_guessed_as_by_transformers(name, tied, tmp_path):
    reference, model = read_back(name, "ForMaskedLM", tmp_path, tie_word_embeddings=tied)
    ids, segments = padded(17)
    masked = torch.zeros_like(ids, dtype=torch.bool)
    masked[:, 2:5] = True
    with torch.no_grad():
        expected = reference(input_ids=ids.masked_fill(masked, MASK), attention_mask=segments >= 0).logits
        hidden = model(ids, segments, masked=masked)
        ours = model.heads["mask"].logits(hidden, model.embedding.weight)
    assert expected.std() > 0.1
    torch.testing.assert_close(ours[segments >= 0], expected[segments >= 0], atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_classes_are_told_as_by_transformers(name, tmp_path):
    reference, model = read_back(name, "ForSequenceClassification", tmp_path, num_labels=3)
    for length in (1, 2, 17, T):
        ids, segments = padded(length)
        with torch.no_grad():
            expected = reference(input_ids=ids, attention_mask=segments >= 0).logits
            ours = model.heads["classify"](model(ids, segments), segments >= 0)
        torch.testing.assert_close(ours, expected, atol=1e-4, rtol=0)


def test_answers_are_found_as_by_transformers_but_for_a_number_that_is_the_same_everywhere(tmp_path):
    reference, model = read_back("Bert", "ForQuestionAnswering", tmp_path)
    ids = random_ids(20)
    facts = torch.zeros(3, 20, N_FACTS)
    types = torch.zeros_like(ids)
    for row, n_asked in enumerate((3, 5, 8)):  # [CLS] question [SEP] context [SEP]
        facts[row, 0, NO_ANSWER] = facts[row, 1 : n_asked + 1, QUESTION] = facts[row, n_asked + 2 : 19, CONTEXT] = 1
        types[row, n_asked + 2 :] = 1
    with torch.no_grad():
        found = reference(input_ids=ids, token_type_ids=types)
        expected = torch.stack([found.start_logits, found.end_logits], dim=-1)
        ours = model.heads["span"](model(ids, facts=facts), facts)
    open_ = (facts[..., CONTEXT] > 0) | (facts[..., NO_ANSWER] > 0)
    assert (ours.isfinite().all(dim=-1) == open_).all()
    for row in range(3):
        there, here = expected[row][open_[row]].log_softmax(dim=0), ours[row][open_[row]].log_softmax(dim=0)
        torch.testing.assert_close(here, there, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["Model", "ForMaskedLM", "ForSequenceClassification", "ForQuestionAnswering"])
def test_an_encoder_goes_out_as_it_came_in(name, kind, tmp_path):
    if name == "Roberta" and kind == "ForQuestionAnswering":
        pytest.skip("RoBERTa's questions are not read: their rows have two marks between")
    import transformers

    reference = reference_of(name, kind, BERT)
    reference.save_pretrained(tmp_path / "theirs")
    heads = heads_of(kind)
    pooling = {"pooling": "first"} if kind == "ForSequenceClassification" else {}
    if pooling:
        heads = {"classify": {"classes": ["a", "b"]}}
    family, config, ours, _ = read(tmp_path / "theirs", heads, mask_id=MASK, knobs=pooling)

    said = their_config_of(config, V, family=family, form="encoder")
    assert config_of(family, said).model_dump(exclude={"pooling"}) == config.model_dump(exclude={"pooling"})
    theirs = theirs_of(family, ours, config, heads)
    again = getattr(transformers, f"{name}{kind}")(transformers.AutoConfig.for_model(**said)).eval()
    missing, extra = again.load_state_dict(theirs, strict=False)
    assert not extra
    assert all(
        "position_ids" in one or "pooler" in one or "decoder" in one or "token_type_ids" in one for one in missing
    )
    if kind == "ForMaskedLM":
        again.tie_weights()
    ids, segments = padded(17)
    types = torch.zeros_like(ids) if kind != "ForQuestionAnswering" else (torch.arange(17) > 6).long().expand(3, 17)
    with torch.no_grad():
        before, after = (
            one(input_ids=ids, attention_mask=segments >= 0, token_type_ids=None if name == "Roberta" else types)[0]
            for one in (reference, again)
        )
    if kind == "ForQuestionAnswering":
        before, after = before.log_softmax(dim=1), after.log_softmax(dim=1)
    if kind in ("Model", "ForMaskedLM"):
        before, after = before[segments >= 0], after[segments >= 0]
    torch.testing.assert_close(after, before, atol=1e-4, rtol=0)


MARIAN = {
    "vocab_size": V, "d_model": D, "max_position_embeddings": T, "encoder_layers": L, "decoder_layers": L,
    "encoder_attention_heads": H, "decoder_attention_heads": H, "encoder_ffn_dim": F, "decoder_ffn_dim": F,
    "activation_function": "swish", "scale_embedding": True, "pad_token_id": V - 1, "decoder_start_token_id": V - 1,
    "eos_token_id": 0, "forced_eos_token_id": 0,
}  # fmt: skip


@pytest.mark.parametrize("own_sources", [False, True])
def test_a_translator_read_from_its_folder_gives_the_logits_of_transformers(own_sources, tmp_path):
    import transformers

    more = {"share_encoder_decoder_embeddings": False, "vocab_size": 47, "decoder_vocab_size": V, "pad_token_id": 46}
    reference = reference_of("Marian", "MTModel", {**MARIAN, **(more if own_sources else {})})
    reference.final_logits_bias.normal_(std=0.25)
    reference.save_pretrained(tmp_path / "theirs")
    family, config, ours, model = read(tmp_path / "theirs")
    assert ("source_embedding.weight" in ours) == own_sources

    said = their_config_of(
        config, V, family=family, form="encoder-decoder", source_vocab_size=47 if own_sources else None
    )
    assert config_of(family, said) == config
    ids_said = {key: MARIAN[key] for key in ("decoder_start_token_id", "eos_token_id")}
    again = transformers.MarianMTModel(transformers.AutoConfig.for_model(**said, **ids_said, pad_token_id=46)).eval()
    _, extra = again.load_state_dict(theirs_of(family, ours, config), strict=False)
    assert not extra
    again.tie_weights()
    for n_source, n_target in ((1, 1), (5, 2), (T, 11), (9, T)):
        sources, ids = random_ids(n_source) % (46 if own_sources else V), random_ids(n_target)
        segments = torch.zeros_like(sources)
        segments[0, n_source // 2 + 1 :] = -1
        with torch.no_grad():
            asked = {"input_ids": sources, "attention_mask": segments >= 0, "decoder_input_ids": ids}
            expected = reference(**asked).logits
            assert expected.std() > 0.1
            state = model.begin(sources, segments)
            torch.testing.assert_close(model.head.logits(model(ids, None, state)[0]), expected, atol=1e-4, rtol=0)
            parts = []
            for place in range(n_target):
                hidden, state = model(ids[:, place : place + 1], None, state)
                parts.append(model.head.logits(hidden))
            torch.testing.assert_close(torch.cat(parts, dim=1), expected, atol=1e-4, rtol=0)
            torch.testing.assert_close(again(**asked).logits, expected, atol=1e-4, rtol=0)
