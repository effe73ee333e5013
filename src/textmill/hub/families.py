"""The tensors of other people's models by their names, theirs <-> ours. Room: hub/ (other formats <-> ours).

A family is a way of writing a Transformer down: gpt2, llama (also Mistral and SmolLM), qwen2, qwen3, nanochat, bert,
roberta, marian. ours_of and theirs_of are each other's inverse; config.json is read and written in config_json.py, and
its functions stand here too. Used by folders and gguf (in) and by export (out).
Shapes: D width, V vocabulary, `{n}` number of a layer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from textmill.config.model import TransformerConfig
from textmill.errors import ConfigError, Damaged
from textmill.hub.config_json import config_of, family_of, family_said, their_config_of
from textmill.models import build_model
from textmill.models.matches import CONTEXT, N_FACTS
from textmill.models.network import NO_HEADS, Heads

__all__ = [
    "FAMILIES",
    "Family",
    "Place",
    "config_of",
    "family_of",
    "family_said",
    "ours_of",
    "their_config_of",
    "theirs_of",
]

Tensors = Mapping[str, Tensor]
Turning = Literal["same", "transposed", "halves", "row"]
"""How their tensor lies, seen from ours: the same; the other way round; with the two halves of each head exchanged
(rotary positions that turn the other way); as the one row of a matrix."""

BLOCK = "backbone.blocks.{n}."
QKV = ("query", "key", "value")


@dataclass(frozen=True)
class Place:
    """One of their tensors, and ours: several where theirs joins them along its rows, in this order."""

    theirs: str
    ours: tuple[str, ...]
    lies: Turning = "same"


@dataclass(frozen=True)
class Family:
    """How one family names its tensors.

    prefix: what stands before the names of the body in a model with a head; a bare body has none. ignored: names that
    hold no weights, such as buffers that are computed. copies: their name -> the one it must be equal to, where a file
    has both.
    """

    form: str
    prefix: str
    embedding: str
    places: Callable[[TransformerConfig, Heads, bool], list[Place]]
    ignored: str = r"(?!)"
    copies: Mapping[str, str] | None = None


# --- theirs -> ours -> theirs


def ours_of(
    family: str,
    theirs: Tensors,
    config: TransformerConfig,
    heads: Heads = NO_HEADS,
    *,
    mask_id: int | None = None,
    where: str | None = None,
) -> dict[str, Tensor]:
    """Our tensors, of the model that build_model makes with this config, in the precision that theirs have.

    heads: those of an encoder that are wanted; what is theirs besides is left there. mask_id: the token that their
    masked words are read as, for head mask. Raises Damaged, naming every tensor that is missing, extra or misshapen;
    nothing is taken in part.
    """
    kind = FAMILIES[family]
    found = _canonical(kind, theirs)
    own_sources = kind.form == "encoder-decoder" and _has_own_sources(found)
    copies = dict(kind.copies or {})
    if kind.form == "encoder-decoder":
        copies |= COPIES_OF_PAIRS[own_sources]
    facts = _take_copies(kind, copies, found, config)
    table = found.get("decoder.embed_tokens.weight" if own_sources else kind.embedding)
    if table is None or table.ndim != 2:
        raise Damaged(f"the weights hold no embedding ({kind.prefix}{kind.embedding})", where=where)
    if config.n_layers > len(found):
        raise Damaged(
            f"config.json speaks of {config.n_layers:,} layers, and there are {len(found):,} tensors", where=where
        )
    sources = found["encoder.embed_tokens.weight"] if own_sources else None
    _fold(family, found, config, heads, mask_id)
    model = build_model(
        config,
        table.shape[0],
        kind.form,
        heads,
        device="meta",
        source_vocab_size=None if sources is None else sources.shape[0],
    )
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    ours: dict[str, Tensor] = {}
    for place in _numbered(kind.places(config, heads, own_sources), config):
        shapes = [expected[name] for name in place.ours]
        wanted = _their_shape(place, shapes)
        tensor = found.pop(place.theirs, None)
        named = _full_name(kind, place.theirs)
        if tensor is None:
            facts.append(f"{named} is missing")
        elif tuple(tensor.shape) != wanted:
            facts.append(f"{named} has shape {tuple(tensor.shape)}, config.json says {wanted}")
        elif not tensor.is_floating_point():
            facts.append(f"{named} holds {str(tensor.dtype).removeprefix('torch.')}, which are no weights of this kind")
        else:
            parts = torch.split(_as_ours(place, tensor, config), [shape[0] for shape in shapes])
            ours |= zip(place.ours, parts, strict=True)
    spare = [name for name in sorted(found) if not re.fullmatch(kind.ignored, name)]
    facts += [f"{_full_name(kind, name)} is not a tensor of this model" for name in spare]
    if facts:
        raise Damaged("the weights do not fit config.json: " + listed(facts), where=where)
    for name in expected.keys() - ours.keys():
        ours[name] = torch.zeros(expected[name], dtype=table.dtype)  # ours alone: biases and maps that they have not
    return {name: ours[name] for name in expected}


def theirs_of(family: str, ours: Tensors, config: TransformerConfig, heads: Heads = NO_HEADS) -> dict[str, Tensor]:
    """Their tensors, as their model with a head keeps them: the inverse of ours_of.

    Raises ConfigError where one of ours has no place there and says something: it is not 0.
    """
    kind = FAMILIES[family]
    left = dict(ours)
    own_sources = "source_embedding.weight" in ours
    theirs: dict[str, Tensor] = {}
    for place in _numbered(kind.places(config, heads, own_sources), config):
        parts = [left.pop(name) for name in place.ours]
        theirs[place.theirs] = _as_theirs(place, torch.cat(parts) if len(parts) > 1 else parts[0], config)
    _unfold(family, theirs, left, config, heads)
    unsaid = [name for name, tensor in left.items() if bool(tensor.count_nonzero())]
    if unsaid:
        raise ConfigError(f"a model of family {family} has no place for {listed(unsaid)}")
    if kind.form == "encoder" and not heads:  # a bare body
        return {name: tensor.contiguous() for name, tensor in theirs.items()}
    return {_full_name(kind, name): tensor.contiguous() for name, tensor in theirs.items()}


def listed(facts: Sequence[str], most: int = 8) -> str:
    """At most so many, and how many more there are."""
    more = len(facts) - most
    return "; ".join(facts[:most]) + (f"; and {more:,} more" if more > 0 else "")


def _canonical(kind: Family, theirs: Tensors) -> dict[str, Tensor]:
    """Their tensors by the names of a bare body. Old BERTs call a norm's weights gamma
    and beta."""
    found: dict[str, Tensor] = {}
    for name, tensor in theirs.items():
        bare = name.removeprefix(kind.prefix)
        bare = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", bare))
        found[bare] = tensor
    return found


def _has_own_sources(found: Tensors) -> bool:
    """Whether the sources of a translator have a table of their own."""
    theirs, ours = found.get("encoder.embed_tokens.weight"), found.get("decoder.embed_tokens.weight")
    if theirs is None or ours is None or "shared.weight" in found:
        return False
    return theirs.shape != ours.shape or not torch.equal(theirs, ours)


COPIES_OF_PAIRS = {
    True: {"lm_head.weight": "decoder.embed_tokens.weight"},
    False: {
        "encoder.embed_tokens.weight": "shared.weight",
        "decoder.embed_tokens.weight": "shared.weight",
        "lm_head.weight": "shared.weight",
    },
}
"""Of a translator, by whether sources have a table of their own."""


def _take_copies(
    kind: Family, copies: Mapping[str, str], found: dict[str, Tensor], config: TransformerConfig
) -> list[str]:
    """Take out what a file keeps twice; what is no copy although it should be one, as facts."""
    facts = []
    for copy, original in copies.items():
        if copy in found and (config.tied or not _is_output(copy)):
            first, second = found.get(original), found[copy]
            if first is None:
                found[original] = second
            elif first.shape != second.shape or not torch.equal(first, second):
                facts.append(f"{_full_name(kind, copy)} is not equal to {_full_name(kind, original)}, as it should be")
            del found[copy]
    return facts


def _is_output(name: str) -> bool:
    return name in ("lm_head.weight", *(f"{place}.{kind}" for place in DECODERS for kind in ("weight", "bias")))


DECODERS = ("cls.predictions.decoder", "lm_head.decoder")


def _full_name(kind: Family, name: str) -> str:
    is_of_head = name.startswith(("lm_head.", "cls.", "classifier.", "qa_outputs.", "final_logits_bias"))
    return name if is_of_head else f"{kind.prefix}{name}"


def _numbered(places: Iterable[Place], config: TransformerConfig) -> Iterable[Place]:
    for place in places:
        if "{n}" not in place.theirs:
            yield place
            continue
        for n in range(config.n_layers):
            yield Place(place.theirs.format(n=n), tuple(name.format(n=n) for name in place.ours), place.lies)


def _their_shape(place: Place, shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    joined = (sum(shape[0] for shape in shapes), *shapes[0][1:])
    return (1, *joined) if place.lies == "row" else joined[::-1] if place.lies == "transposed" else joined


def _as_ours(place: Place, tensor: Tensor, config: TransformerConfig) -> Tensor:
    match place.lies:
        case "transposed":
            return tensor.T
        case "row":
            return tensor[0]
        case "halves":
            return halves_exchanged(tensor, config.head_width)
        case "same":
            return tensor


def _as_theirs(place: Place, tensor: Tensor, config: TransformerConfig) -> Tensor:
    return tensor[None] if place.lies == "row" else _as_ours(place, tensor, config)


def halves_exchanged(weight: Tensor, width: int) -> Tensor:
    """The rows of a projection to heads of this width, the two halves of each exchanged: its own inverse."""
    return weight.reshape(-1, 2, width // 2, *weight.shape[1:]).flip(1).reshape(weight.shape)


# --- what is no renaming


TYPES, POSITIONS = "embeddings.token_type_embeddings.weight", "embeddings.position_embeddings.weight"
TYPE_STEP, STAND_IN = "type 1 less type 0", "the stand-in of a hidden token"
DECODER_BIASES = {"cls.predictions.decoder.bias": "cls.predictions.bias", "lm_head.decoder.bias": "lm_head.bias"}
ROBERTA_PAD = 1
"""RoBERTa's positions begin behind the id of its padding."""


def _fold(family: str, found: dict[str, Tensor], config: TransformerConfig, heads: Heads, mask_id: int | None) -> None:
    """BERT and RoBERTa: the vector of token type 0 goes into the positions, that of a context beside a question into
    the facts of a span head, the embedding of [MASK] into the stand-in of a head for hidden words."""
    if family not in ("bert", "roberta"):
        return
    positions, types = found.get(POSITIONS), found.pop(TYPES, None)
    if positions is not None and positions.ndim == 2:
        if family == "roberta":
            positions = positions[ROBERTA_PAD + 1 :]
        if types is not None and types.ndim == 2 and types.shape[1:] == positions.shape[1:] and len(types):
            positions = (positions.double() + types[0].double()).to(positions.dtype)
        found[POSITIONS] = positions
    if "mask" in heads and not config.tied:  # the bias that is used is that of the weights, which then is no copy
        for weights, bias in DECODER_BIASES.items():
            if weights in found:
                found[bias] = found.pop(weights)
    if "mask" in heads and mask_id is not None:
        found[STAND_IN] = found["embeddings.word_embeddings.weight"][mask_id]
    if "span" in heads and (scores := found.get("qa_outputs.weight")) is not None:
        found["qa_outputs.weight"] = scores * config.d_model**0.5  # the head divides by the root
        found.pop("qa_outputs.bias", None)  # the same for all places: no softmax over them knows it
        facts = torch.zeros(N_FACTS, config.d_model, dtype=scores.dtype)
        if types is not None and types.shape == (2, config.d_model):
            facts[CONTEXT] = types[1] - types[0]
        found[TYPE_STEP] = facts


def _unfold(
    family: str, theirs: dict[str, Tensor], left: dict[str, Tensor], config: TransformerConfig, heads: Heads
) -> None:
    """The inverse of _fold: token types whose vectors are 0, and what is kept twice."""
    if family not in ("bert", "roberta"):
        return
    positions = theirs[POSITIONS]
    if family == "roberta":
        theirs[POSITIONS] = torch.cat([positions.new_zeros(ROBERTA_PAD + 1, positions.shape[1]), positions])
    types = positions.new_zeros(1 if family == "roberta" else 2, config.d_model)
    if "span" in heads:
        facts = theirs.pop(TYPE_STEP)
        others = facts.clone()
        others[CONTEXT] = 0
        left["heads.span.facts"] = others
        types[-1] = facts[CONTEXT]
        theirs["qa_outputs.weight"] = theirs["qa_outputs.weight"] / config.d_model**0.5
        theirs["qa_outputs.bias"] = positions.new_zeros(2)
    theirs[TYPES] = types
    theirs.pop(STAND_IN, None)
    if "mask" in heads and not config.tied:
        theirs |= {copy: theirs[bias] for copy, bias in DECODER_BIASES.items() if bias in theirs}


# --- the names


def _both(theirs: str, ours: str, lies: Turning = "same") -> list[Place]:
    """A map with weight and bias; only a matrix lies the other way round."""
    return [Place(f"{theirs}.weight", (f"{ours}.weight",), lies), Place(f"{theirs}.bias", (f"{ours}.bias",))]


def _gpt2(config: TransformerConfig, heads: Heads, own_sources: bool) -> list[Place]:
    layer = "h.{n}."
    places = [
        Place("wte.weight", ("embedding.weight",)),
        Place("wpe.weight", ("backbone.learned.weight",)),
        *_both("ln_f", "backbone.last_norm"),
        Place(f"{layer}attn.c_attn.weight", tuple(f"{BLOCK}attention.{one}.weight" for one in QKV), "transposed"),
        Place(f"{layer}attn.c_attn.bias", tuple(f"{BLOCK}attention.{one}.bias" for one in QKV)),
        *_both(f"{layer}attn.c_proj", f"{BLOCK}attention.out", "transposed"),
        *_both(f"{layer}mlp.c_fc", f"{BLOCK}feed_forward.up", "transposed"),
        *_both(f"{layer}mlp.c_proj", f"{BLOCK}feed_forward.down", "transposed"),
        *_both(f"{layer}ln_1", f"{BLOCK}attention_norm"),
        *_both(f"{layer}ln_2", f"{BLOCK}feed_forward_norm"),
    ]
    return places if config.tied else [*places, Place("lm_head.weight", ("head.weight",))]


def _llama(config: TransformerConfig, heads: Heads, own_sources: bool) -> list[Place]:
    layer = "layers.{n}."
    names = {
        "self_attn.q_proj": "attention.query",
        "self_attn.k_proj": "attention.key",
        "self_attn.v_proj": "attention.value",
        "self_attn.o_proj": "attention.out",
        "mlp.up_proj": "feed_forward.up",
        "mlp.gate_proj": "feed_forward.gate",
        "mlp.down_proj": "feed_forward.down",
        "input_layernorm": "attention_norm",
        "post_attention_layernorm": "feed_forward_norm",
    }
    if config.qk_norm_gain:
        names |= {"self_attn.q_norm": "attention.query_norm", "self_attn.k_norm": "attention.key_norm"}
    places = [Place("embed_tokens.weight", ("embedding.weight",)), Place("norm.weight", ("backbone.last_norm.weight",))]
    places += [Place(f"{layer}{theirs}.weight", (f"{BLOCK}{ours}.weight",)) for theirs, ours in names.items()]
    biased = {"all": "qkvo", "qkv": "qkv", "none": ""}[config.biased]
    places += [
        Place(f"{layer}self_attn.{letter}_proj.bias", (f"{BLOCK}{names[f'self_attn.{letter}_proj']}.bias",))
        for letter in biased
    ]
    return places if config.tied else [*places, Place("lm_head.weight", ("head.weight",))]


def _nanochat(config: TransformerConfig, heads: Heads, own_sources: bool) -> list[Place]:
    layer = "layers.{n}."
    names: dict[str, tuple[str, Turning]] = {
        "self_attn.q_proj": ("attention.query", "halves"),
        "self_attn.k_proj": ("attention.key", "halves"),
        "self_attn.v_proj": ("attention.value", "same"),
        "self_attn.o_proj": ("attention.out", "same"),
        "mlp.fc1": ("feed_forward.up", "same"),
        "mlp.fc2": ("feed_forward.down", "same"),
    }
    places = [Place("embed_tokens.weight", ("embedding.weight",))]
    places += [
        Place(f"{layer}{theirs}.weight", (f"{BLOCK}{ours}.weight",), lies) for theirs, (ours, lies) in names.items()
    ]
    return places if config.tied else [*places, Place("lm_head.weight", ("head.weight",))]


def _bert_body() -> list[Place]:
    layer = "encoder.layer.{n}."
    places = [
        Place("embeddings.word_embeddings.weight", ("embedding.weight",)),
        Place(POSITIONS, ("backbone.learned.weight",)),
        *_both("embeddings.LayerNorm", "backbone.embed_norm"),
    ]
    for theirs, ours in {
        "attention.self.query": "attention.query",
        "attention.self.key": "attention.key",
        "attention.self.value": "attention.value",
        "attention.output.dense": "attention.out",
        "attention.output.LayerNorm": "attention_norm",
        "intermediate.dense": "feed_forward.up",
        "output.dense": "feed_forward.down",
        "output.LayerNorm": "feed_forward_norm",
    }.items():
        places += _both(f"{layer}{theirs}", f"{BLOCK}{ours}")
    return places


def _span(heads: Heads) -> list[Place]:
    if "span" not in heads:
        return []
    return [Place("qa_outputs.weight", ("heads.span.linear",)), Place(TYPE_STEP, ("heads.span.facts",))]


def _mask(
    theirs_turn: str, theirs_norm: str, theirs_bias: str, theirs_weight: str, config: TransformerConfig
) -> list[Place]:
    head = "heads.mask."
    places = [
        Place(STAND_IN, (f"{head}stand_in",)),
        Place(f"{theirs_turn}.weight", (f"{head}turn",)),
        Place(f"{theirs_turn}.bias", (f"{head}turn_bias",)),
        Place(f"{theirs_norm}.weight", (f"{head}norm_weight",)),
        Place(f"{theirs_norm}.bias", (f"{head}norm_bias",)),
        Place(theirs_bias, (f"{head}bias",)),
    ]
    return places if config.tied else [*places, Place(theirs_weight, (f"{head}weight",))]


def _classify(theirs_turn: str, theirs_out: str) -> list[Place]:
    head = "heads.classify."
    return [
        Place(f"{theirs_turn}.weight", (f"{head}turn",)),
        Place(f"{theirs_turn}.bias", (f"{head}turn_bias",)),
        Place(f"{theirs_out}.weight", (f"{head}weight",)),
        Place(f"{theirs_out}.bias", (f"{head}bias",)),
    ]


def _bert(config: TransformerConfig, heads: Heads, own_sources: bool) -> list[Place]:
    places = _bert_body() + _span(heads)
    if "mask" in heads:
        words = "cls.predictions."
        turn, norm = f"{words}transform.dense", f"{words}transform.LayerNorm"
        places += _mask(turn, norm, f"{words}bias", f"{words}decoder.weight", config)
    if "classify" in heads:
        places += _classify("pooler.dense", "classifier")
    return places


def _roberta(config: TransformerConfig, heads: Heads, own_sources: bool) -> list[Place]:
    places = _bert_body() + _span(heads)
    if "mask" in heads:
        places += _mask("lm_head.dense", "lm_head.layer_norm", "lm_head.bias", "lm_head.decoder.weight", config)
    if "classify" in heads:
        places += _classify("classifier.dense", "classifier.out_proj")
    return places


def _marian(config: TransformerConfig, heads: Heads, own_sources: bool) -> list[Place]:
    if own_sources:
        places = [
            Place("decoder.embed_tokens.weight", ("embedding.weight",)),
            Place("encoder.embed_tokens.weight", ("source_embedding.weight",)),
        ]
    else:
        places = [Place("shared.weight", ("embedding.weight",))]
    places.append(Place("final_logits_bias", ("head.bias",), "row"))
    letters = {"q_proj": "query", "k_proj": "key", "v_proj": "value", "out_proj": "out"}
    for side in ("encoder", "decoder"):
        theirs, ours = f"{side}.layers.{{n}}.", f"backbone.{side}.blocks.{{n}}."
        for letter, name in letters.items():
            places += _both(f"{theirs}self_attn.{letter}", f"{ours}attention.{name}")
        places += _both(f"{theirs}self_attn_layer_norm", f"{ours}attention_norm")
        places += _both(f"{theirs}fc1", f"{ours}feed_forward.up")
        places += _both(f"{theirs}fc2", f"{ours}feed_forward.down")
        places += _both(f"{theirs}final_layer_norm", f"{ours}feed_forward_norm")
        if side == "decoder":
            for letter, name in letters.items():
                places += _both(f"{theirs}encoder_attn.{letter}", f"{ours}cross_attention.{name}")
            places += _both(f"{theirs}encoder_attn_layer_norm", f"{ours}cross_norm")
    return places if config.tied else [*places, Place("lm_head.weight", ("head.weight",))]


ROTARY = r"(layers\.\d+\.self_attn\.)?rotary_emb\.inv_freq"
UNUSED_OF_BERT = r"embeddings\.position_ids|pooler\..*|cls\.seq_relationship\..*|embeddings\.token_type_ids"

FAMILIES: dict[str, Family] = {
    "gpt2": Family(
        "decoder",
        "transformer.",
        "wte.weight",
        _gpt2,
        r"h\.\d+\.attn\.(masked_)?bias",
        {"lm_head.weight": "wte.weight"},
    ),
    **{
        name: Family(
            "decoder",
            "model.",
            "embed_tokens.weight",
            _nanochat if name == "nanochat" else _llama,
            ROTARY,
            {"lm_head.weight": "embed_tokens.weight"},
        )
        for name in ("llama", "mistral", "qwen2", "qwen3", "nanochat")
    },
    "bert": Family(
        "encoder",
        "bert.",
        "embeddings.word_embeddings.weight",
        _bert,
        UNUSED_OF_BERT,
        {
            "cls.predictions.decoder.weight": "embeddings.word_embeddings.weight",
            "cls.predictions.decoder.bias": "cls.predictions.bias",
        },
    ),
    "roberta": Family(
        "encoder",
        "roberta.",
        "embeddings.word_embeddings.weight",
        _roberta,
        UNUSED_OF_BERT,
        {
            "lm_head.decoder.weight": "embeddings.word_embeddings.weight",
            "lm_head.decoder.bias": "lm_head.bias",
        },
    ),
    "marian": Family(
        "encoder-decoder",
        "model.",
        "shared.weight",
        _marian,
        r"(encoder|decoder)\.embed_positions\.weight",
    ),
}
