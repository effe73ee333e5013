"""Files of another's tokenizer -> one tokenizer.json, and what stands around a text. Room: tokens/. Used by foreign.

    files                                layout                                      such as
    tokenizer.json                       kept as it is                               any
    vocab.json, merges.txt               BPE over bytes                              GPT-2, RoBERTa, Qwen
    vocab.txt                            WordPiece                                   BERT
    tokenizer.model                      sentencepiece: BPE or unigram               Llama 2
    source.spm, target.spm, vocab.json   sentencepiece, a side each                  Marian

What begins and ends a text: what the post-processor puts there; else bos_token and eos_token of tokenizer_config.json
(special_tokens_map.json, config.json), where the first stands before a text only if add_bos_token says so or if it is
the second too (GPT-2: one token between documents).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers import Tokenizer as Library

from textmill.errors import InputError
from textmill.files import json_of
from textmill.messages import Message
from textmill.tokens.chat_template import LARGEST_TEMPLATE
from textmill.tokens.kinds import QWEN2

TOKENIZER, MERGES, VOCAB_JSON, VOCAB_TXT = "tokenizer.json", "merges.txt", "vocab.json", "vocab.txt"
MODEL, SOURCE, TARGET, TARGET_VOCAB = "tokenizer.model", "source.spm", "target.spm", "target_vocab.json"
LAYOUTS = (TOKENIZER, f"{VOCAB_JSON} + {MERGES}", VOCAB_TXT, MODEL, f"{SOURCE} + {TARGET} + {VOCAB_JSON}")
ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
LARGEST_BYTES = 1 << 28
"""Of a file; the largest tokenizer.json in use have a tenth of it."""

DEFAULTS = {
    "gpt2": {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"},
    "qwen2": {"eos_token": "<|endoftext|>"},
    "roberta": {
        "bos_token": "<s>",
        "eos_token": "</s>",
        "cls_token": "<s>",
        "sep_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "<pad>",
        "mask_token": "<mask>",
    },
    "bert": {
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "unk_token": "[UNK]",
        "pad_token": "[PAD]",
        "mask_token": "[MASK]",
    },
    "llama": {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
    "marian": {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"},
}
"""The control words of each family, where its folder does not say."""

FAMILY_OF = {
    "gpt2": "gpt2",
    "roberta": "roberta",
    "bart": "roberta",
    "qwen2": "qwen2",
    "qwen3": "qwen2",
}
"""How vocab.json + merges.txt of a tokenizer class (without Tokenizer, Fast) or a model type are to be read."""


@dataclass(frozen=True)
class Built:
    """content: tokenizer.json. facts: those of foreign.Facts. where: the files it was read from. source: of a
    translator, what cuts sources. layout: the content parsed, where that was done."""

    content: str
    facts: dict[str, Any]
    where: str
    notes: list[Message] = field(default_factory=list)
    source: Built | None = None
    layout: dict[str, Any] | None = None


@dataclass(frozen=True)
class Said:
    """What the files beside a tokenizer say of it. words: control words by role; silent: roles that are said to be of
    no word; added: words with ids of their own, True where they are control words."""

    folder: Path
    config: dict[str, Any]
    of_model: dict[str, Any]
    of_generation: dict[str, Any]
    words: dict[str, str]
    silent: frozenset[str]
    added: dict[int, tuple[str, bool]]
    template: str | None

    @property
    def class_name(self) -> str:
        """Of the tokenizer, in lower case, without its ending."""
        name = str(self.config.get("tokenizer_class") or "").removesuffix("Fast").removesuffix("Tokenizer")
        return name.lower()

    def with_defaults(self, family: str) -> Said:
        words = {role: word for role, word in DEFAULTS[family].items() if role not in self.silent} | self.words
        return Said(
            self.folder,
            self.config,
            self.of_model,
            self.of_generation,
            words,
            self.silent,
            self.added,
            self.template,
        )


def built_from(folder: Path) -> Built:
    """What the folder holds. Raises InputError, MissingExtra."""
    from textmill.tokens import sentencepiece_files

    if not folder.is_dir():
        raise InputError("there is no such folder", where=str(folder))
    said = said_in(folder)
    here = {path.name for path in folder.iterdir()}
    if {SOURCE, TARGET} & here:
        return sentencepiece_files.built_of_sides(said)
    if TOKENIZER in here:
        return built_of_json(said)
    if MERGES in here:
        return built_of_merges(said)
    if VOCAB_TXT in here:
        return built_of_word_piece(said)
    if MODEL in here:
        return sentencepiece_files.built_of_model(said)
    if VOCAB_JSON in here:
        raise InputError(f"there is {VOCAB_JSON} without {MERGES}", where=str(folder), hint="Put it beside it.")
    raise InputError(
        "there is no tokenizer in this folder",
        where=str(folder),
        hint=f"One of these is needed: {'; '.join(LAYOUTS)}.",
    )


# --- the layouts


def built_of_json(said: Said) -> Built:
    """tokenizer.json as it is."""
    path = said.folder / TOKENIZER
    content = text_of(path)
    layout = parsed(path, content)
    kind = dict(layout.get("model") or {}).get("type")
    if kind not in ("BPE", "WordPiece", "Unigram", "WordLevel"):
        raise InputError(
            f"this tokenizer is of type {kind!r}",
            where=str(path),
            hint="Known are BPE, WordPiece, Unigram and WordLevel.",
        )
    try:
        library = Library.from_str(content)
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # the library raises plain Exception, and where it panics, BaseException
        raise InputError(f"this tokenizer cannot be read: {error}", where=str(path)) from error
    return built_of(library, layout, said, str(path), content)


def built_of_merges(said: Said) -> Built:
    """vocab.json and merges.txt."""
    vocab_path, merges_path = said.folder / VOCAB_JSON, said.folder / MERGES
    vocab, merges = vocab_of(vocab_path), merges_of(merges_path)
    name = said.class_name or str(said.of_model.get("model_type") or "gpt2").lower()
    family = FAMILY_OF.get(name) or FAMILY_OF.get(str(said.of_model.get("model_type")).lower())
    if family is None:
        raise InputError(
            f"how {VOCAB_JSON} and {MERGES} of {name!r} cut a text is not known",
            where=str(said.folder),
            hint=f"Known are {', '.join(FAMILY_OF)}; a {TOKENIZER} beside them says it for any.",
        )
    said = said.with_defaults(family)
    for number, (left, right) in merges:
        for word in (left, right, left + right):
            if word not in vocab:
                raise InputError(
                    f"{VOCAB_JSON} has no {word!r}, which this merge needs",
                    where=f"{merges_path}:{number}",
                    hint="The two files belong to different tokenizers.",
                )
    library = Library(models.BPE(vocab=vocab, merges=[pair for _, pair in merges], fuse_unk=False))
    prefix = bool(said.config.get("add_prefix_space", False))
    if family == "qwen2":
        library.normalizer = normalizers.NFC()
        library.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(QWEN2), behavior="isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
    else:
        library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    library.decoder = decoders.ByteLevel()
    add_words(library, said, vocab_path)
    if family == "roberta":
        cls, sep = said.words["cls_token"], said.words["sep_token"]
        library.post_processor = processors.RobertaProcessing(
            (sep, number_of(library, sep, vocab_path)), (cls, number_of(library, cls, vocab_path)), True, prefix
        )
    return built_of(library, None, said, f"{vocab_path}, {MERGES}")


def built_of_word_piece(said: Said) -> Built:
    """vocab.txt: a word a line."""
    path = said.folder / VOCAB_TXT
    said = said.with_defaults("bert")
    lines = text_of(path).split("\n")
    vocab = {word.rstrip("\r"): number for number, word in enumerate(lines[:-1] if lines[-1] == "" else lines)}
    unknown = said.words["unk_token"]
    if unknown not in vocab:
        raise InputError(f"there is no {unknown}, which words that are not known become", where=str(path))
    library = Library(models.WordPiece(vocab, unk_token=unknown))
    library.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=bool(said.config.get("tokenize_chinese_chars", True)),
        strip_accents=said.config.get("strip_accents"),
        lowercase=bool(said.config.get("do_lower_case", True)),
    )
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    library.decoder = decoders.WordPiece(prefix="##")
    add_words(library, said, path)
    cls, sep = said.words["cls_token"], said.words["sep_token"]
    library.post_processor = processors.TemplateProcessing(
        single=f"{cls}:0 $A:0 {sep}:0",
        pair=f"{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1",
        special_tokens=[(cls, number_of(library, cls, path)), (sep, number_of(library, sep, path))],
    )
    return built_of(library, None, said, str(path))


def add_words(library: Library, said: Said, path: Path) -> None:
    """The control words, and what was added to the vocabulary, with the ids that are said. Raises InputError where they
    would have others."""
    for number, (word, is_control) in sorted(said.added.items()):
        token = AddedToken(word, special=is_control, normalized=False)
        (library.add_special_tokens if is_control else library.add_tokens)([token])
        if library.token_to_id(word) != number:
            raise InputError(
                f"the added token {word!r} is said to be {number}, and would be {library.token_to_id(word)}",
                where=str(path),
                hint="The files belong to different tokenizers.",
            )
    words = [word for word in said.words.values() if library.token_to_id(word) is not None]
    library.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in dict.fromkeys(words)])


# --- what stands around a text


def built_of(
    library: Library, layout: dict[str, Any] | None, said: Said, where: str, content: str | None = None
) -> Built:
    """A tokenizer whose own ids are the model's. content: its tokenizer.json, if that is kept as it is."""
    content = content or str(library.to_str())
    layout = layout or json.loads(content)
    vocab: dict[str, int] = library.get_vocab(with_added_tokens=True)
    numbers = {role: vocab[word] for role, word in said.words.items() if word in vocab}
    around = around_of(layout.get("post_processor"))
    n_ids = 1 + max(vocab.values(), default=-1)
    model = layout["model"]
    unknown = model.get("unk_id") if model["type"] == "Unigram" else vocab.get(str(model.get("unk_token")))
    begin, mark, after = begin_and_end(said, around, numbers, where, n_ids)
    stops = stops_of(said, mark, n_ids)
    control = {token["id"] for token in layout.get("added_tokens", []) if token.get("special")}
    control |= {number for role, number in numbers.items() if role != "unk_token"}
    if unknown is not None:
        control.discard(unknown)
    control -= {vocab[word] for word, is_control in said.added.values() if not is_control and word in vocab}
    control |= {mark, *stops, *around.before, *around.between, *around.after} | ({begin} - {None})
    return Built(
        content,
        {
            "vocab_size": said.of_model.get("vocab_size") or n_ids,
            "mark": mark,
            "begin": begin,
            "between": tuple(around.between) or (mark,),
            "after": after,
            "stops": stops,
            "control": tuple(sorted(number for number in control if number is not None)),
            "unknown": unknown,
            "masked": numbers.get("mask_token"),
            "names": said.words,
            "chat_template": said.template,
        },
        where,
        layout=layout,
    )


@dataclass(frozen=True)
class Around:
    """Ids that a post-processor puts before a text, after it, and between two."""

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    between: tuple[int, ...] = ()


def around_of(processor: Any) -> Around:
    """What a parsed post-processor puts around a text. Raises InputError for one that is not known."""
    if processor is None or processor["type"] == "ByteLevel":
        return Around()
    match processor["type"]:
        case "Sequence":
            parts = [around_of(one) for one in processor["processors"]]
            return next((one for one in parts if one != Around()), Around())
        case "TemplateProcessing":
            ids = {name: tuple(token["ids"]) for name, token in processor["special_tokens"].items()}
            before, after = _sides(processor["single"], ids)
            _, rest = _sides(processor["pair"], ids)
            # "$A [SEP] $B [SEP]": what stands between the two comes first behind A
            return Around(before, after, rest[: len(rest) - len(after)] if after else rest)
        case "BertProcessing" | "RobertaProcessing":
            (_, sep), (_, cls) = processor["sep"], processor["cls"]
            return Around((cls,), (sep,), (sep, sep) if processor["type"] == "RobertaProcessing" else (sep,))
        case other:
            raise InputError(f"this tokenizer ends with a step {other!r}, which is not known")


def _sides(pieces: list[dict[str, Any]], ids: dict[str, tuple[int, ...]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Ids before the first text of a template, and all behind it."""
    before: list[int] = []
    behind: list[int] = []
    seen = False
    for piece in pieces:
        if "Sequence" in piece:
            seen = True
        else:
            (behind if seen else before).extend(ids[piece["SpecialToken"]["id"]])
    return tuple(before), tuple(behind)


def begin_and_end(
    said: Said, around: Around, numbers: dict[str, int], where: str, n_ids: int
) -> tuple[int | None, int, tuple[int, ...]]:
    """(begin, mark, what an encoder reads after a text). Raises InputError where nothing ends a text."""
    has_ends = bool(numbers)
    bos, eos = numbers.get("bos_token"), numbers.get("eos_token")
    if eos is None and "eos_token" not in said.silent:
        eos = next(iter(ids_said(said.of_model, "eos_token_id", n_ids)), None) if not has_ends else eos
    if bos is None and "bos_token" not in said.silent and not has_ends:
        bos = next(iter(ids_said(said.of_model, "bos_token_id", n_ids)), None)
    adds = said.config.get("add_bos_token")
    if around.after and len(around.before) == 1:
        if not ("cls_token" in numbers or eos is None):  # a causal model whose texts are closed too
            return around.before[0], eos if eos is not None else around.after[-1], ()
        return around.before[0], around.after[-1], around.after
    mark = eos if eos is not None else numbers.get("sep_token")
    if mark is None:
        mark = around.after[-1] if around.after else next(iter(ids_said(said.of_model, "eos_token_id", n_ids)), None)
    if mark is None:
        raise InputError(
            "nothing says which token ends a text",
            where=where,
            hint="Name it in tokenizer_config.json beside it: eos_token.",
        )
    if around.before and adds is not False:
        return around.before[-1], mark, ()
    if bos is not None and (adds is True or bos == mark):
        return bos, mark, ()
    return None, mark, ()


def stops_of(said: Said, mark: int, n_ids: int) -> tuple[int, ...]:
    """The mark, and every other id that ends what the model writes."""
    told = [*ids_said(said.of_generation, "eos_token_id", n_ids), *ids_said(said.of_model, "eos_token_id", n_ids)]
    return (mark, *dict.fromkeys(number for number in told if number != mark))


def ids_said(config: dict[str, Any], key: str, n_ids: int) -> list[int]:
    """The id or ids under a key of a config; those that the tokenizer has not are left out."""
    value = config.get(key)
    values = value if isinstance(value, list) else [value]
    return [number for number in values if isinstance(number, int) and 0 <= number < n_ids]


# --- files


def said_in(folder: Path) -> Said:
    """What tokenizer_config.json, special_tokens_map.json, added_tokens.json, config.json and generation_config.json
    say; a file that is not there says nothing. Raises InputError for one that cannot be read."""
    config, of_words, added_words, of_model, of_generation = (
        parsed(path, text_of(path)) if (path := folder / name).is_file() else {}
        for name in (
            "tokenizer_config.json",
            "special_tokens_map.json",
            "added_tokens.json",
            "config.json",
            "generation_config.json",
        )
    )
    words, silent = {}, set()
    for role in ROLES:
        for source in (config, of_words):
            if role in source and role not in words:
                word = word_of(source[role])
                if word is None:
                    silent.add(role)
                else:
                    words[role] = word
    added = {
        int(number): (str(token["content"]), bool(token.get("special", False)))
        for number, token in dict(config.get("added_tokens_decoder") or {}).items()
        if isinstance(token, dict) and "content" in token
    }
    controls = set(words.values())
    for word, number in added_words.items():
        if isinstance(number, int) and number not in added:
            added[number] = (word, word in controls)
    template = template_in(folder, config)
    return Said(folder, config, of_model, of_generation, words, frozenset(silent - set(words)), added, template)


def template_in(folder: Path, config: dict[str, Any]) -> str | None:
    """The chat template: chat_template.jinja, or that of tokenizer_config.json; of several, the one named default.
    Raises InputError for one that is larger than LARGEST_TEMPLATE."""
    path = folder / "chat_template.jinja"
    where, template = (str(path), text_of(path)) if path.is_file() else (str(folder / "tokenizer_config.json"), None)
    if template is None:
        told = config.get("chat_template")
        if isinstance(told, list):
            named = {str(one["name"]): one["template"] for one in told if isinstance(one, dict) and len(one) >= 2}
            told = named.get("default")
        template = told if isinstance(told, str) else None
    if template is not None and len(template) > LARGEST_TEMPLATE:
        raise InputError(
            f"the chat template has {len(template):,} characters, and {LARGEST_TEMPLATE:,} are the most", where=where
        )
    return template


def word_of(value: Any) -> str | None:
    """A control word, as text or as {"content": …}."""
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) and value else None


def text_of(path: Path) -> str:
    """A file as text. Raises InputError where it is missing, too large or no UTF-8."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InputError(f"the file is larger than {LARGEST_BYTES:,} bytes: no tokenizer is", where=str(path))
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError("the file is missing", where=str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the file cannot be read: {error}", where=str(path)) from error


def parsed(path: Path, content: str) -> dict[str, Any]:
    """A JSON object. Raises InputError naming the file."""
    try:
        value = json_of(content)
    except ValueError as error:
        raise InputError(f"this is no JSON: {error}", where=str(path), hint="Fetch the file anew.") from error
    if not isinstance(value, dict):
        raise InputError("this is no JSON object", where=str(path))
    return value


def vocab_of(path: Path) -> dict[str, int]:
    """vocab.json: word -> id. Raises InputError where an id is none, or stands twice."""
    vocab = parsed(path, text_of(path))
    seen: dict[int, str] = {}
    for word, number in vocab.items():
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 1 << 24:
            raise InputError(f"the id of {word!r} is {number!r}", where=str(path))
        if number in seen:
            raise InputError(f"{seen[number]!r} and {word!r} have one id, {number}", where=str(path))
        seen[number] = word
    if not vocab:
        raise InputError("the vocabulary is empty", where=str(path))
    return vocab


def merges_of(path: Path) -> list[tuple[int, tuple[str, str]]]:
    """merges.txt: (line, pair). Raises InputError for a line that is no pair."""
    pairs = []
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        if not line or line.startswith("#version"):
            continue
        pair = line.rstrip("\r").split(" ")
        if len(pair) != 2 or not all(pair):
            raise InputError("a merge is two pieces with a blank between them", where=f"{path}:{number}")
        pairs.append((number, (pair[0], pair[1])))
    return pairs


def number_of(library: Library, word: str, path: Path) -> int:
    """Raises InputError where the vocabulary has not the word."""
    number = library.token_to_id(word)
    if number is None:
        raise InputError(f"the vocabulary has no {word!r}, which stands around each text", where=str(path))
    return int(number)
