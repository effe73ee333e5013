"""Models of sentencepiece as tokenizer.json. Room: tokens/. Used by foreign_files.

The rules are sentencepiece's own: a text is normalised as the model says, a blank becomes "▁", one stands before the
text, and pieces are joined by their scores. Control pieces never match a text: a unigram model spells theirs with a
blank here, which no text has at that point. With LlamaTokenizer in tokenizer_config.json, a text that begins with a
blank gets no second one, as transformers 5 reads such folders.
"""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Library

from textmill.errors import InputError, MissingExtra
from textmill.messages import Message, message
from textmill.tokens import foreign_files as files
from textmill.tokens.foreign_files import Built, Said

BLANK = "▁"
NORMAL, UNKNOWN, CONTROL, DEFINED, UNUSED, BYTE = range(1, 7)
UNIGRAM, BPE = 1, 2
N_PROBES = 300
"""Texts of a model's own pieces that are cut by sentencepiece and by what it became, to see that both agree."""


def built_of_model(said: Said) -> Built:
    """tokenizer.model."""
    path = said.folder / files.MODEL
    said = said.with_defaults("llama")
    proto = proto_of(path)
    is_llama = said.class_name in ("llama", "codellama")
    library = library_of(proto, path, is_llama, said.config)
    names = {number: piece.piece for number, piece in enumerate(proto.pieces)}
    added = {number: own for number, own in said.added.items() if number >= len(names)}
    files.add_words(
        library,
        Said(said.folder, said.config, said.of_model, said.of_generation, {}, said.silent, added, None),
        path,
    )
    spec = proto.trainer_spec
    roles = (("bos_token", spec.bos_id), ("eos_token", spec.eos_id), ("unk_token", spec.unk_id))
    own = {role: names[number] for role, number in roles if 0 <= number < len(names)}
    words = files.said_in(said.folder).words
    said = Said(
        said.folder,
        {"add_bos_token": True} | said.config,
        said.of_model,
        said.of_generation,
        own | words,
        said.silent,
        added,
        said.template,
    )
    controls = [piece.piece for piece in proto.pieces if piece.type == CONTROL]
    if spec.model_type == BPE:
        library.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in controls])
        return _noted(files.built_of(library, None, said, str(path)), proto, path, [])
    numbers = [*names.values(), *(word for _, (word, _) in sorted(added.items()))]
    return _noted(_with_words(library, said, path, numbers, numbers), proto, path, [])


def built_of_sides(said: Said) -> Built:
    """source.spm and target.spm, with vocab.json that gives their pieces ids."""
    said = said.with_defaults("marian")
    vocab = files.vocab_of(said.folder / files.VOCAB_JSON)
    other = said.folder / files.TARGET_VOCAB
    own_vocab = files.vocab_of(other) if other.is_file() else vocab
    protos = {name: proto_of(said.folder / name) for name in (files.SOURCE, files.TARGET)}
    built = []
    for name, words in ((files.SOURCE, vocab), (files.TARGET, own_vocab)):
        path = said.folder / name
        for role in ("unk_token", "eos_token"):
            if said.words[role] not in words:
                raise InputError(f"there is no {said.words[role]!r}", where=str(said.folder / files.VOCAB_JSON))
        library = library_of(protos[name], path, False, {})
        pieces = [piece.piece for piece in protos[name].pieces]
        one = _with_words(library, said, path, pieces, _in_order(words))
        built.append(_noted(one, protos[name], path, []))
    source, target = built
    begin = said.of_model.get("decoder_start_token_id")
    if begin is None and "pad_token" in said.words:
        begin = own_vocab.get(said.words["pad_token"])
    codes = any(word.startswith(">>") and word.endswith("<<") for word in vocab)
    source = Built(
        source.content, source.facts | {"begin": None, "codes": codes, "charsmap": True}, source.where, source.notes
    )
    facts = target.facts | {"begin": begin, "charsmap": True}
    if begin is not None:
        facts["control"] = tuple(sorted({*facts["control"], begin}))
    return Built(target.content, facts, target.where, target.notes, source)


def _in_order(vocab: dict[str, int]) -> list[str]:
    words = [""] * (1 + max(vocab.values()))
    for word, number in vocab.items():
        words[number] = word
    return words


def _with_words(library: Library, said: Said, path: Path, pieces: list[str], words: list[str]) -> Built:
    """A tokenizer whose pieces have ids by their word in `words`; a piece that is not among them is unknown."""
    number_of = {word: number for number, word in enumerate(words)}
    unknown = number_of.get(said.words.get("unk_token", "<unk>"))
    ids = [number_of.get(piece, unknown) for piece in pieces]
    if None in ids:
        raise InputError("there is no unknown token for pieces without an id", where=str(path))
    numbers = {role: number_of[word] for role, word in said.words.items() if word in number_of}
    mark = numbers.get("eos_token")
    if mark is None:
        raise InputError(
            "nothing says which token ends a text", where=str(path), hint="Name eos_token in tokenizer_config.json."
        )
    bos = numbers.get("bos_token")
    begin = bos if bos is not None and said.config.get("add_bos_token") else None
    stops = files.stops_of(said, mark, len(words))
    control = {number for role, number in numbers.items() if role != "unk_token"} | set(stops)
    control |= {number_of[word] for word, is_control in said.added.values() if is_control and word in number_of}
    control |= {number for word, number in number_of.items() if word.startswith(">>") and word.endswith("<<")}
    return Built(
        str(library.to_str()),
        {
            "vocab_size": said.of_model.get("vocab_size") or len(words),
            "mark": mark,
            "begin": begin,
            "between": (mark,),
            "after": (mark,) if begin is None else (),
            "stops": stops,
            "control": tuple(sorted(control)),
            "unknown": unknown,
            "masked": numbers.get("mask_token"),
            "ids": tuple(ids),
            "words": tuple(words),
            "names": said.words,
            "chat_template": said.template,
        },
        str(path),
    )


def proto_of(path: Path) -> Any:
    """A model of sentencepiece, as its own description has it. Raises InputError, MissingExtra."""
    try:
        import sentencepiece
        from google.protobuf.message import DecodeError
        from sentencepiece import sentencepiece_model_pb2 as description
    except ImportError:
        raise MissingExtra(
            f"reading {path.name} needs sentencepiece and protobuf, which are not installed",
            hint="pip install 'textmill[hf]'",
        ) from None
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError("the file is missing", where=str(path)) from None
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", where=str(path)) from None
    proto: Any = getattr(description, "ModelProto")()  # noqa: B009 - made when it is imported: mypy does not see it
    try:
        proto.ParseFromString(data)
        if not proto.pieces:
            raise ValueError("it holds no piece")
        sentencepiece.SentencePieceProcessor(model_proto=data)
    except (DecodeError, RuntimeError, ValueError) as error:
        raise InputError(
            f"this is no model of sentencepiece: {str(error).partition(chr(10))[0]}",
            where=str(path),
            hint="Is the file whole? Fetch it anew.",
        ) from error
    if proto.trainer_spec.model_type not in (UNIGRAM, BPE):
        raise InputError("this model of sentencepiece is of words or characters", where=str(path))
    if not proto.normalizer_spec.escape_whitespaces or proto.trainer_spec.treat_whitespace_as_suffix:
        raise InputError("this model of sentencepiece treats blanks in a way that is not known", where=str(path))
    return proto


def library_of(proto: Any, path: Path, is_llama: bool, config: dict[str, Any]) -> Library:
    """The library's object that cuts as the model does."""
    spec, normal = proto.trainer_spec, proto.normalizer_spec
    defined = [piece.piece for piece in proto.pieces if piece.type == DEFINED]
    if spec.model_type == BPE:
        model: Any = models.BPE(
            vocab={piece.piece: number for number, piece in enumerate(proto.pieces)},
            merges=merges_of(proto),
            unk_token=proto.pieces[spec.unk_id].piece,
            fuse_unk=True,
            byte_fallback=spec.byte_fallback,
            ignore_merges=bool(defined),
        )
    else:
        kept = (NORMAL, DEFINED, BYTE)
        model = models.Unigram(
            [
                (piece.piece if piece.type in kept else f"{piece.piece} {number}", piece.score)
                for number, piece in enumerate(proto.pieces)
            ],
            unk_id=spec.unk_id,
            byte_fallback=spec.byte_fallback,
        )
    library = Library(model)
    prefixed = normal.add_dummy_prefix
    steps: list[Any] = []
    before: list[Any] = []
    if is_llama:
        if config.get("add_prefix_space") is not None:
            prefixed = bool(config["add_prefix_space"])
        scheme = "never" if not prefixed else "always" if config.get("legacy") else "first"
        before.append(pre_tokenizers.Metaspace(replacement=BLANK, prepend_scheme=scheme, split=False))
    else:
        if normal.precompiled_charsmap:
            steps.append(normalizers.Precompiled(normal.precompiled_charsmap))
        if normal.remove_extra_whitespaces:
            steps += [normalizers.Replace(Regex(r"\A +| +\z"), ""), normalizers.Replace(Regex(" {2,}"), " ")]
        steps.append(normalizers.Replace(" ", BLANK))
        if prefixed:
            # Metaspace puts no blank before a text that begins with one; sentencepiece does.
            steps.append(normalizers.Replace(Regex(rf"\A{BLANK}"), BLANK * 2))
            before.append(pre_tokenizers.Metaspace(replacement=BLANK, prepend_scheme="always", split=False))
    if defined:
        pattern = "|".join(re.escape(piece) for piece in sorted(defined, key=len, reverse=True))
        before.append(pre_tokenizers.Split(Regex(pattern), behavior="isolated"))
    if steps:
        library.normalizer = normalizers.Sequence(steps)
    if before:
        library.pre_tokenizer = pre_tokenizers.Sequence(before)
    after = [decoders.Replace(BLANK, " "), decoders.ByteFallback(), decoders.Fuse()]
    library.decoder = decoders.Sequence([*after, *([decoders.Strip(content=" ", left=1)] if prefixed else [])])
    return library


def merges_of(proto: Any) -> list[tuple[str, str]]:
    """The pairs that make a piece, best piece first."""
    scores = {piece.piece: (-piece.score, number) for number, piece in enumerate(proto.pieces) if piece.type == NORMAL}
    ranked = [
        (*scores[word], place, word[:place], word[place:])
        for word in scores
        for place in range(1, len(word))
        if word[:place] in scores and word[place:] in scores
    ]
    return [(left, right) for _, _, _, left, right in sorted(ranked)]


def _noted(built: Built, proto: Any, path: Path, notes: list[Message]) -> Built:
    """With a note where what the model became cuts some texts otherwise."""
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())
    library = Library.from_str(built.content)
    library.encode_special_tokens = True
    pieces = [piece.piece.replace(BLANK, " ") for piece in proto.pieces if piece.type == NORMAL]
    draw = random.Random(0)
    texts = ["".join(draw.choices(pieces, k=draw.randint(1, 20))).strip() for _ in range(N_PROBES if pieces else 0)]
    theirs = processor.encode(texts)
    ours = [found.ids for found in library.encode_batch(texts, add_special_tokens=False)]
    n_others = sum(one != other for one, other in zip(theirs, ours, strict=True))
    if n_others:
        notes = [
            *notes,
            message(
                "Of %(n)s texts made of the pieces of %(file)s, %(others)s are cut otherwise than sentencepiece cuts "
                "them.",
                n=f"{N_PROBES:,}",
                file=path.name,
                others=f"{n_others:,}",
            ),
        ]
    return Built(built.content, built.facts, built.where, notes, built.source)
