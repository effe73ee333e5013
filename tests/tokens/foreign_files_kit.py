"""Small tokenizers of others' kinds, trained here and saved in each layout of files; and texts to try them with."""

import io
import json
import random
from functools import cache
from pathlib import Path

import sentencepiece
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers
from tokenizers import Tokenizer as Library

from textmill.tokens.kinds import QWEN2

WORDS = [
    "the",
    "cat",
    "sat",
    "on",
    "a",
    "mat",
    "and",
    "reads",
    "old",
    "books",
    "while",
    "rain",
    "falls",
    "on",
    "quiet",
    "streets",
    "of",
    "Ürümqi",
    "café",
    "naïve",
]
HAN = "今天天气很好我们去公园散步吧猫喜欢在阳光下睡觉书店里有许多旧书学校门口的老师说话声音很轻"
OTHERS = "αβγ привет こんにちは 한국어 العربية हिन्दी ไทย"
EMOJI = ["😀", "👨‍👩‍👧", "🏳️‍🌈", "🇨🇳", "❤️", "👍🏽"]
SIGNS = [*".,;:!?'\"()[]{}<>-_/\\@#$%^&*+=|~`", "don't", "I'm", "。", "，", "！", "“", "”", "…", "—"]
SPACES = [" ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u3000", "\u2028", "\u200b", "\u0085"]
RARE = [
    "\0",
    "\x07",
    "\x1b",
    "\ufeff",
    "\u00ad",
    "e\u0301",
    "a\u0308\u0301",
    "ﬁ",
    "Ⅷ",
    "①",
    "ﾊﾟ",
    "Å",
    "ß",
    "İ",
    "\ufffd",
]
STRANGE = ["\ue000", "\U0010ffff", "\u0378", "𒀀", "ꦗ", "<", ">", "</", "[MASK", "##ing", "▁", "<0x41>"]


def texts(n: int, seed: int = 0, control: bool = False) -> list[str]:
    """n texts of mixed scripts, spaces, signs, digits, control characters and combining marks."""
    draw = random.Random(seed)
    kinds = [
        lambda: draw.choice(WORDS),
        lambda: draw.choice(WORDS).title(),
        lambda: draw.choice(WORDS).upper(),
        lambda: "".join(draw.choices(HAN, k=draw.randint(1, 8))),
        lambda: draw.choice(OTHERS.split()),
        lambda: draw.choice(EMOJI),
        lambda: draw.choice(SIGNS),
        lambda: str(draw.randint(0, 10 ** draw.randint(1, 9))),
        lambda: draw.choice(SPACES),
        lambda: draw.choice(RARE),
        lambda: draw.choice(STRANGE),
        lambda: chr(draw.choice([draw.randint(0x20, 0xD7FF), draw.randint(0xE000, 0x10FFFF)])),
    ]
    weights = [30, 6, 3, 20, 6, 6, 10, 8, 20, 4, 2, 4]
    made = []
    for _ in range(n):
        parts = [draw.choices(kinds, weights)[0]() for _ in range(draw.randint(0, 25))]
        made.append(draw.choice(["", "", " "]).join(parts))
    return made


def corpus() -> list[str]:
    return texts(600, seed=99)


def put(folder: Path, name: str, value: object) -> None:
    (folder / name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def byte_level(folder: Path, family: str, special: list[str], size: int = 700) -> Library:
    """A BPE over bytes, as vocab.json + merges.txt."""
    library = Library(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    library.train_from_iterator(corpus(), trainer)
    library.decoder = decoders.ByteLevel()
    folder.mkdir(parents=True, exist_ok=True)
    library.model.save(str(folder))
    put(folder, "config.json", {"model_type": family, "vocab_size": library.get_vocab_size()})
    return library


def gpt2(folder: Path) -> Path:
    byte_level(folder, "gpt2", ["<|endoftext|>"])
    put(folder, "tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer"})
    return folder


def roberta(folder: Path) -> Path:
    byte_level(folder, "roberta", ["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    put(folder, "tokenizer_config.json", {"tokenizer_class": "RobertaTokenizer"})
    return folder


def qwen(folder: Path) -> Path:
    """tokenizer.json of a chat model: NFC, digits one by one, control words behind the vocabulary."""
    library = Library(models.BPE())
    library.normalizer = normalizers.NFC()
    library.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN2), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=600, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    library.train_from_iterator(corpus(), trainer)
    library.decoder = decoders.ByteLevel()
    library.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    library.add_tokens([AddedToken("<think>", special=False, normalized=False)])
    folder.mkdir(parents=True, exist_ok=True)
    library.save(str(folder / "tokenizer.json"))
    put(folder, "config.json", {"model_type": "qwen2", "vocab_size": 640, "eos_token_id": 602, "bos_token_id": 600})
    put(folder, "generation_config.json", {"eos_token_id": [602, 600]})
    put(
        folder,
        "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "bos_token": None,
            "chat_template": CHATML,
        },
    )
    return folder


def llama3(folder: Path) -> Path:
    """tokenizer.json with a token before each text, and words taken whole."""
    library = byte_level(folder, "llama", [])
    library = Library.from_str(library.to_str())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.add_special_tokens(["<|begin|>", "<|end|>", "<|eot|>"])
    begin = library.token_to_id("<|begin|>")
    library.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=True),
            processors.TemplateProcessing(
                single="<|begin|> $A", pair="<|begin|> $A <|begin|>:1 $B:1", special_tokens=[("<|begin|>", begin)]
            ),
        ]
    )
    library.save(str(folder / "tokenizer.json"))
    (folder / "vocab.json").unlink()
    (folder / "merges.txt").unlink()
    put(folder, "config.json", {"model_type": "llama", "vocab_size": library.get_vocab_size()})
    put(
        folder,
        "tokenizer_config.json",
        {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|begin|>", "eos_token": "<|end|>"},
    )
    return folder


def bert(folder: Path, **said: object) -> Path:
    lower = bool(said.get("do_lower_case", True))
    library = Library(models.WordPiece(unk_token="[UNK]"))
    library.normalizer = normalizers.BertNormalizer(lowercase=lower)
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=500, special_tokens=special, show_progress=False)
    library.train_from_iterator(corpus()[:200], trainer)
    folder.mkdir(parents=True, exist_ok=True)
    library.model.save(str(folder))
    put(folder, "config.json", {"model_type": "bert", "vocab_size": library.get_vocab_size()})
    put(folder, "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", **said})
    return folder


@cache
def piece_model(kind: str, **said: object) -> bytes:
    """A model of sentencepiece."""
    model = io.BytesIO()
    settings: dict[str, object] = {
        "vocab_size": 900,
        "character_coverage": 0.99,
        "hard_vocab_limit": False,
        "minloglevel": 2,
        "num_threads": 1,
    }
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([text for text in corpus() if text.strip() and "\0" not in text]),
        model_writer=model,
        model_type=kind,
        **(settings | said),
    )
    return model.getvalue()


def llama2(folder: Path, class_name: str | None = "LlamaTokenizer", kind: str = "bpe", **said: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    model = piece_model(
        kind,
        byte_fallback=True,
        vocab_size=900,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        split_digits=True,
    )
    (folder / "tokenizer.model").write_bytes(model)
    n_ids = sentencepiece.SentencePieceProcessor(model_proto=model).get_piece_size()
    put(folder, "config.json", {"model_type": "llama", "vocab_size": n_ids})
    put(folder, "tokenizer_config.json", {"tokenizer_class": class_name, **said} if class_name else said)
    return folder


def marian(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    source = piece_model("unigram", bos_id=-1)
    target = piece_model("unigram", bos_id=-1, vocab_size=700)
    (folder / "source.spm").write_bytes(source)
    (folder / "target.spm").write_bytes(target)
    words = {"</s>": 0, "<unk>": 1, ">>fra<<": 2}
    for model in (target, source):
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        for number in range(processor.get_piece_size() - 5):  # five pieces have no id of their own
            words.setdefault(processor.id_to_piece(number), len(words))
    words["<pad>"] = len(words)
    put(folder, "vocab.json", words)
    pad = words["<pad>"]
    put(
        folder,
        "config.json",
        {"model_type": "marian", "vocab_size": len(words), "decoder_start_token_id": pad, "eos_token_id": 0},
    )
    put(folder, "tokenizer_config.json", {"tokenizer_class": "MarianTokenizer", "source_lang": "en"})
    return folder


CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

LAYOUTS = {
    "gpt2": gpt2,
    "roberta": roberta,
    "qwen": qwen,
    "llama3": llama3,
    "bert": bert,
    "bert-cased": lambda folder: bert(folder, do_lower_case=False, strip_accents=True, tokenize_chinese_chars=False),
    "llama2": llama2,
    "llama2-legacy": lambda folder: llama2(folder, legacy=True),
    "sentencepiece": lambda folder: llama2(folder, None, "unigram"),
    "marian": marian,
}
