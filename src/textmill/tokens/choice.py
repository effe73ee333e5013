"""Which tokenizer suits a text, and how many ids. Room: tokens/. Pure functions of the amount and the languages.

A small vocabulary sees each id often enough to learn it and leaves the parameters to the model; a large one packs more
text into a context. What a text can teach grows with its size, and so does the vocabulary.
"""

from __future__ import annotations

from textmill.messages import message

MB = 1_000_000

CHINESE_FROM = 0.3
"""Share of Chinese characters from which a text counts as Chinese: a character is then nearly a word already."""

CHAR_BELOW_BYTES = {"zh": 10 * MB, "other": 1 * MB}
"""Below this size characters are the better ids: too few words repeat often enough to become ids of their own."""

BPE_SIZES = ((1 * MB, 512), (4 * MB, 1024), (10 * MB, 2048), (50 * MB, 4096), (250 * MB, 8192), (2000 * MB, 16384))
"""(below this many bytes, ids); 32768 from there on. Chinese: twice as many, its characters alone are thousands."""

PAIRS_TIMES = 4
"""So many times as many ids for two languages: 8192 for the 4 MB of Multi30k, where 6,000 to 10,000 are usual."""

LARGEST_BPE, LARGEST_WORD = 32768, 65536


def is_chinese(languages: dict[str, float]) -> bool:
    """languages: share of the characters by script, as text.languages gives it."""
    return languages.get("zh", 0.0) >= CHINESE_FROM


def default_vocab_size(kind: str, n_bytes: int, languages: dict[str, float]) -> int:
    """Ids at most, control token included, that n_bytes of training text can teach, for kind word or bpe.

    >>> default_vocab_size("bpe", 10_000_000, {"en": 1.0})
    4096
    """
    size = next((ids for below, ids in BPE_SIZES if n_bytes < below), LARGEST_BPE)
    if kind == "word":
        return min(8 * size, LARGEST_WORD)
    return min(2 * size, LARGEST_BPE) if is_chinese(languages) else size


def choose_kind(
    n_bytes: int,
    languages: dict[str, float],
    pairs: bool = False,
    shared: bool = True,
    labelled: bool = False,
    questions: bool = False,
    masked: bool = False,
) -> tuple[str, int | None, str]:
    """(kind, vocabulary size or None for all characters, the reason as a sentence) for n_bytes of training text.

    pairs: texts with their translations. What is to be found on the other side are words, so their tokens are longer.
    shared: one vocabulary for both sides; else the size is that of each. labelled: texts with classes, which their
    words tell; as tokens they are fewest, so that more texts are read in the same time. questions: passages that are
    asked about; an answer is a stretch of tokens, so that it must begin and end with one. masked: texts whose words are
    hidden; characters would tell too much of each other.

    >>> choose_kind(200_000, {"en": 1.0})[:2]
    ('char', None)
    """
    script = "zh" if is_chinese(languages) else "other"
    size = size_in_words(n_bytes)
    amount = (
        message("%(size)s of Chinese text", size=size) if script == "zh" else message("%(size)s of text", size=size)
    )
    if pairs:
        own_bytes = n_bytes if shared else n_bytes // 2
        vocab_size = min(LARGEST_BPE, PAIRS_TIMES * default_vocab_size("bpe", own_bytes, {}))
        said = {"amount": amount, "n": f"{vocab_size:,}"}
        if shared:
            reason = message("%(amount)s in pairs: pieces of words as tokens (bpe), %(n)s ids for both sides", **said)
        else:
            reason = message("%(amount)s in pairs: pieces of words as tokens (bpe), %(n)s ids for each side", **said)
        return "bpe", vocab_size, reason
    if questions:
        vocab_size = default_vocab_size("word", n_bytes, languages)
        reason = message(
            "%(amount)s with questions: words as tokens, in Chinese characters, %(n)s ids at most, so that answers "
            "begin and end with one",
            amount=amount,
            n=f"{vocab_size:,}",
        )
        return "word", vocab_size, reason
    if labelled:
        vocab_size = default_vocab_size("word", n_bytes, languages)
        reason = message(
            "%(amount)s with labels: words as tokens, in Chinese characters, %(n)s ids at most",
            amount=amount,
            n=f"{vocab_size:,}",
        )
        return "word", vocab_size, reason
    if masked:
        vocab_size = default_vocab_size("word", n_bytes, languages)
        reason = message(
            "%(amount)s to hide words in: words as tokens, in Chinese characters, %(n)s ids at most",
            amount=amount,
            n=f"{vocab_size:,}",
        )
        return "word", vocab_size, reason
    if n_bytes < CHAR_BELOW_BYTES[script]:
        reason = message(
            "%(amount)s: characters as tokens, because below %(limit)s too few words repeat often enough to be tokens "
            "of their own",
            amount=amount,
            limit=size_in_words(CHAR_BELOW_BYTES[script]),
        )
        return "char", None, reason
    vocab_size = default_vocab_size("bpe", n_bytes, languages)
    reason = message("%(amount)s: pieces of words as tokens (bpe), %(n)s ids", amount=amount, n=f"{vocab_size:,}")
    return "bpe", vocab_size, reason


def size_in_words(n_bytes: int) -> str:
    """A size as people say it.

    >>> size_in_words(1_300_000_000), size_in_words(2_500), size_in_words(25)
    ('1.3 GB', '2.5 kB', '25 bytes')
    """
    for unit, name in ((1000 * MB, "GB"), (MB, "MB"), (1000, "kB")):
        if n_bytes >= unit:
            return f"{n_bytes / unit:.3g} {name}"
    return message("%(n)s bytes", n=n_bytes)
