"""Questions read from SQuAD files, JSON, lines and tables: what is kept, what is told, and where every byte goes."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.config import DataConfig
from textmill.errors import InputError, TooLittleText
from textmill.text import Document, ReadReport, plan_split, read_documents
from textmill.text.documents import ANSWERS, ARTICLE, QUESTION, QUESTION_ID
from textmill.text.question_findings import findings_of_questions, kind_of_question
from textmill.text.questions import answers_of
from textmill.text.reading import QUESTION_READERS
from textmill.text.sides import QUESTION_FORMATS

TOWER = "塔由程远修建，用了三年🎉。塔高40米。"
LAKE = "Lake Orla froze in March.\r\nIn May it thaws."
ARTICLES = [
    {
        "title": "塔",
        "paragraphs": [
            {
                "context": TOWER,
                "qas": [
                    {"id": "a1", "question": "谁修建了塔？", "answers": [{"text": "程远", "answer_start": 2}]},
                    {
                        "id": "a2",
                        "question": "塔多高？",
                        "answers": [{"text": "40米", "answer_start": 15}, {"text": "40", "answer_start": 15}],
                    },
                    {
                        "id": "a3",
                        "question": "谁拆了塔？",
                        "is_impossible": True,
                        "answers": [],
                        "plausible_answers": [{"text": "程远", "answer_start": 2}],
                    },
                ],
            }
        ],
    },
    {
        "title": "Lake",
        "paragraphs": [
            {
                "context": LAKE,
                "qas": [
                    {"id": "b1", "question": "When does it thaw?", "answers": [{"text": "May", "answer_start": 30}]}
                ],
            }
        ],
    },
]
EXPECTED = [
    ("a1", "谁修建了塔？", TOWER, ((2, "程远"),)),
    ("a2", "塔多高？", TOWER, ((15, "40米"), (15, "40"))),
    ("a3", "谁拆了塔？", TOWER, ()),
    ("b1", "When does it thaw?", LAKE, ((30, "May"),)),
]


def read(path: Path, **data: Any) -> tuple[list[Document], ReadReport]:
    report = ReadReport()
    config = DataConfig(paths=(str(path),), questions=True, **data)
    documents = list(read_documents(config.paths, config, report))
    [file] = report.files
    size = len(gzip.decompress(path.read_bytes())) if path.suffix == ".gz" else path.stat().st_size
    assert sum(file.n_bytes.values()) == size
    return documents, report


def told(documents: list[Document]) -> list[tuple[str, str, str, tuple[tuple[int, str], ...]]]:
    return [(d.meta[QUESTION_ID], d.meta[QUESTION], d.text, d.meta[ANSWERS]) for d in documents]


def rows() -> list[dict[str, Any]]:
    return [
        {"id": qa["id"], "context": paragraph["context"], "question": qa["question"], "answers": qa["answers"]}
        for article in ARTICLES
        for paragraph in article["paragraphs"]  # type: ignore[attr-defined]
        for qa in paragraph["qas"]
    ]


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def lines(records: list[Any], **how: Any) -> str:
    return "".join(json.dumps(record, ensure_ascii=False, **how) + "\n" for record in records)


def as_columns(answers: list[dict[str, Any]]) -> dict[str, Any]:
    return {"text": [one["text"] for one in answers], "answer_start": [one["answer_start"] for one in answers]}


FORMS: dict[str, tuple[str, str]] = {
    "SQuAD": ("a.json", json.dumps({"version": "v2.0", "data": ARTICLES}, ensure_ascii=False)),
    "SQuAD, indented and escaped": ("a.json", json.dumps({"data": ARTICLES, "version": "中"}, indent=1)),
    "a list of articles": ("a.json", json.dumps(ARTICLES, ensure_ascii=False)),
    "articles as lines": ("a.jsonl", lines(ARTICLES)),
    "passages as lines": ("a.jsonl", lines([p for a in ARTICLES for p in a["paragraphs"]])),
    "rows": ("a.jsonl", lines(rows())),
    "rows in a list": ("a.json", json.dumps(rows(), ensure_ascii=False)),
    "rows of Hugging Face datasets": ("a.jsonl", lines([r | {"answers": as_columns(r["answers"])} for r in rows()])),
    "lines called .json": ("a.json", lines(rows())),
    "questions before their passage": (
        "a.json",
        json.dumps(
            {
                "data": [
                    {"paragraphs": [dict(reversed(p.items())) for p in a["paragraphs"]], "title": a["title"]}
                    for a in ARTICLES
                ]
            }
        ),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_same_questions_gives_the_same_documents_and_counts_every_byte(
    form: str, tmp_path: Path
) -> None:
    name, text = FORMS[form]
    documents, report = read(written(tmp_path / name, text))
    assert told(documents) == EXPECTED
    assert report.bad_records == []
    n_answers = sum(len(t.encode()) for _, _, _, answers in EXPECTED for _, t in answers)
    assert report.files[0].n_bytes["label"] == n_answers
    n_passages = 3 * len(TOWER.encode()) if form.startswith(("rows", "lines")) else len(TOWER.encode())
    n_questions = sum(len(question.encode()) for _, question, _, _ in EXPECTED)
    assert report.files[0].n_bytes["text"] == n_passages + len(LAKE.encode()) + n_questions


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("form", ["SQuAD", "rows", "questions before their passage"])
def test_the_encoding_of_the_file_moves_no_answer(encoding: str, form: str, tmp_path: Path) -> None:
    name, text = FORMS[form]
    documents, _ = read(written(tmp_path / name, text, encoding))
    assert told(documents) == EXPECTED


def test_a_packed_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "squad.json.gz"
    path.write_bytes(gzip.compress(FORMS["SQuAD"][1].encode()))
    documents, _ = read(path)
    assert told(documents) == EXPECTED
    assert [document.meta[ARTICLE] for document in documents] == ["塔", "塔", "塔", "Lake"]
    assert documents[0].source == f"{path}#1"


CSV_ROWS = [
    ("段落", "问题", "答案", "note"),
    (TOWER, "谁修建了塔？", "程远", "x"),
    (LAKE, "When does it thaw?", "May", ""),
    (LAKE, "Who skates?", "", "y"),
]


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.tsv", "\t"), ("semicolons.csv", ";")])
def test_a_table_finds_the_answers_itself_and_tells_what_it_guessed(name: str, delimiter: str, tmp_path: Path) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(CSV_ROWS)
    documents, report = read(written(tmp_path / name, out.getvalue()))
    assert [(d.meta[QUESTION], d.meta[ANSWERS]) for d in documents] == [
        ("谁修建了塔？", ((2, "程远"),)),
        ("When does it thaw?", ((30, "May"),)),
        ("Who skates?", ()),
    ]
    guess = next(note for note in report.notes if "taken from" in note)
    assert "'段落'" in guess and "谁修建了塔？ → 程远" in guess and "Who skates? → no answer" in guess
    assert any("2 found where none was given" in note for note in report.notes)


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({"context": "a", "question": "b"}, "no key 'answers'"),  # nothing said is not "no answer"
        ({"context": "a", "question": " ", "answers": []}, "the question is empty"),
        ({"context": 5, "question": "b", "answers": []}, "'context' is a number, not a string"),
        ({"context": "a", "answers": []}, "no key 'question'"),
        ({"context": "a", "question": "b", "answers": [["a"]]}, "not an answer"),
        ({"context": "a", "question": "b", "answers": [{"answer_start": 0}]}, "no key 'text'"),
        (
            {"context": "a", "question": "b", "answers": [{"text": "a", "answer_start": 0.5}]},
            "place of an answer is 0.5",
        ),
        (
            {"context": "a", "question": "b", "answers": {"text": ["a", "a"], "answer_start": [0]}},
            "2 answers and 1 places",
        ),
        (
            {"context": "a", "question": "b", "answers": [{"text": "c", "answer_start": 0}]},
            "'c' of this question is not in",
        ),
        ({"context": "a", "qas": 5}, "'qas' is a number, not a list"),
        ({"context": "a", "qas": [7]}, "a number, not an object"),
        ({"paragraphs": ["p"]}, "no passage with a list of questions"),
        ({"qas": [{"question": "q", "answers": []}]}, "'context' is null, not a string"),
    ],
)
def test_a_record_that_is_none_is_told_with_its_line_and_strict_stops_there(
    record: dict[str, Any], why: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "a.jsonl", lines([rows()[0], record, rows()[3]]))
    documents, report = read(path)
    assert len(documents) == 2
    [bad] = report.bad_records
    assert bad.startswith(f"{path}:2: ") and why in bad
    with pytest.raises(InputError) as caught:
        read(path, strict=True)
    assert caught.value.where == f"{path}:2"


def test_json_that_breaks_is_named_with_its_line_and_what_stands_before_is_kept(tmp_path: Path) -> None:
    text = json.dumps({"data": ARTICLES}, indent=1, ensure_ascii=False)
    broken = text.replace('"title": "Lake",', '"title": Lake,')
    line = broken[: broken.index("Lake,")].count("\n") + 1
    documents, report = read(written(tmp_path / "a.json", broken))
    assert told(documents) == EXPECTED[:3]
    assert f"line {line}, column" in report.bad_records[0]

    with pytest.raises(
        TooLittleText, match=r"no record could be read, the first is .*#1: not JSON: .*line 1, column 40"
    ):
        plan_split(
            DataConfig(
                paths=(str(written(tmp_path / "c.json", '{"data": [{"title": "x", "paragraphs": x}]}')),),
                questions=True,
            )
        )

    cut = text[: text.index('"b1"')]
    documents, report = read(written(tmp_path / "b.json", cut))
    assert told(documents) == EXPECTED[:3]
    assert "not JSON" in report.bad_records[0]


def test_an_answer_that_is_lost_beside_one_that_is_not_loses_no_question(tmp_path: Path) -> None:
    record = {"context": "In May.", "question": "When?", "answers": ["May", "June"]}
    path = written(tmp_path / "a.jsonl", lines([record]))
    documents, report = read(path)
    assert documents[0].meta[ANSWERS] == ((3, "May"),)
    assert any(f"1 not in the passage, left out ({path}:1)" in note for note in report.notes)
    with pytest.raises(InputError, match="June"):
        read(path, strict=True)


def test_a_key_that_stands_twice_is_told_wherever_it_stands(tmp_path: Path) -> None:
    qa = '{"question": "q", "question": "p", "answers": []}'
    passage = '{"context": "a", "context": "b", "qas": []}'
    text = f'{{"context": "a", "qas": [{qa}]}}\n{{"paragraphs": [{passage}]}}\n'
    documents, report = read(written(tmp_path / "a.jsonl", text))
    assert documents == []
    assert ["stands twice" in line for line in report.bad_records] == [True, True]


def test_the_first_form_of_cmrc_is_read_too(tmp_path: Path) -> None:
    qas = [{"query_id": "T_1", "query_text": "多高？", "answers": ["40米", "40"]}]
    records = [{"context_id": "T", "context_text": TOWER, "qas": qas, "title": "塔"}]
    documents, _ = read(written(tmp_path / "a.json", json.dumps(records, ensure_ascii=False)))
    assert told(documents) == [("T_1", "多高？", TOWER, ((15, "40米"), (15, "40")))]


def test_passages_without_questions_are_counted_by_name(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", lines([{"context": "Nothing is asked.", "qas": []}, rows()[3]]))
    documents, report = read(path)
    assert len(documents) == 1 and report.files[0].n_bytes["other:no-question"] > 0


@pytest.mark.parametrize(
    ("name", "text", "data", "parts"),
    [
        ("a.csv", "context,qestion,answer\na,b,a\n", {}, ["question", "did you mean 'qestion'?"]),
        ("a.csv", "context,question,answer\na,b,a\n", {"question": "qestion"}, ["no column 'qestion'", "'question'"]),
        ("a.csv", "a,b,c\nx,y,z\n", {"header": False}, ["3 columns without names", "context,question,answer"]),
        ("a.csv", "passage,paragraph,question,answer\na,b,c,d\n", {}, ["several columns could hold the passage"]),
        ("a.json", '{"one": [{"a": 1}], "two": [{"a": 1}]}', {}, ["none or several lists of objects", '"qas"']),
        ("a.txt", "just text", {}, ["questions are not read from the format text", ".jsonl"]),
    ],
)
def test_what_is_not_questions_is_refused_with_what_to_do(
    name: str, text: str, data: dict[str, Any], parts: list[str], tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        read(written(tmp_path / name, text), **data)
    for part in parts:
        assert part in str(caught.value)
    assert caught.value.where is not None and name in caught.value.where


def test_what_lies_beside_questions_in_a_folder_is_left_out_and_told(tmp_path: Path) -> None:
    written(tmp_path / "README.md", "About this set.")
    data = DataConfig(paths=(str(tmp_path),), questions=True)
    with pytest.raises(InputError, match="none of these files holds questions"):
        list(read_documents(data.paths, data, ReadReport()))
    written(tmp_path / "a.jsonl", lines(rows()))
    report = ReadReport()
    assert told(list(read_documents(data.paths, data, report))) == EXPECTED
    assert any("README.md" in note and "other:no-question" in note for note in report.notes)
    assert set(QUESTION_FORMATS) == set(QUESTION_READERS)


def test_columns_of_other_names_are_those_that_are_said(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "p,q,frage,antwort\nIn May.,x,When?,May\n")
    documents, _ = read(path, text="p", question="frage", answer="antwort")
    assert told(documents) == [("", "When?", "In May.", ((3, "May"),))]


def test_answers_may_be_written_in_many_ways() -> None:
    assert answers_of("x", "3", "answer") == [("x", 3)]
    assert answers_of("x", -1, "answer") == [("x", None)]
    assert answers_of(["x", "y"], [1, 2], "answers") == [("x", 1), ("y", 2)]
    assert answers_of({"text": "x", "answer_start": 4.0}, None, "answers") == [("x", 4)]
    assert answers_of({"text": [], "answer_start": []}, None, "answers") == []
    assert answers_of([" ", None], None, "answers") == []


TEXTS = st.text(st.sampled_from('ab "\\\n中é🎉\u2028'), max_size=8)


@given(
    passages=st.lists(
        st.tuples(TEXTS, st.lists(st.tuples(TEXTS, st.lists(TEXTS, max_size=2)), max_size=3)), max_size=3
    ),
    context_first=st.booleans(),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 1]),
    encoding=st.sampled_from(["utf-8", "utf-16", "gb18030"]),
)
@settings(deadline=None, max_examples=60)
def test_whatever_an_article_holds_every_byte_has_its_category_and_every_answer_its_place(
    tmp_path_factory: pytest.TempPathFactory,
    passages: list[tuple[str, list[tuple[str, list[str]]]]],
    context_first: bool,
    ascii_only: bool,
    indent: int | None,
    encoding: str,
) -> None:
    paragraphs = []
    for context, asked in passages:
        qas = [
            {"question": q, "id": 1, "answers": [{"text": a, "answer_start": 0} for a in golds]} for q, golds in asked
        ]
        members = [("context", context), ("qas", qas), ("extra", "中")]
        paragraphs.append(dict(members if context_first else reversed(members)))
    articles = [{"id": "é", "paragraphs": paragraphs, "title": "题"}] * 2
    path = tmp_path_factory.mktemp("squad") / "a.json"
    written(path, json.dumps({"data": articles}, ensure_ascii=ascii_only, indent=indent), encoding)
    documents, report = read(path)
    for document in documents:
        assert document.meta[QUESTION].strip()
        for start, text in document.meta[ANSWERS]:
            assert document.text[start : start + len(text)] == text
    n_asked = 2 * sum(len(asked) for _, asked in passages)
    assert len(documents) + report.n_bad_records + report.n_empty == n_asked
    assert all(size >= 0 for size in report.files[0].n_bytes.values())


# -- the split ---------------------------------------------------------------------------------------------------------


def many(n_articles: int, n_passages: int) -> list[dict[str, Any]]:
    """Articles whose passages have three questions each."""
    return [
        {
            "title": f"Article {article}",
            "paragraphs": [
                {
                    "context": f"Passage {number} of article {article} says that {number * 7 + article} geese fly. "
                    * 3,
                    "qas": [
                        {"question": f"Q {q}?", "answers": [{"text": "geese", "answer_start": 0}]} for q in range(3)
                    ],
                }
                for number in range(n_passages)
            ],
        }
        for article in range(n_articles)
    ]


@pytest.mark.parametrize(("n_articles", "n_passages", "kept"), [(30, 2, ARTICLE), (2, 30, "")])
def test_no_passage_stands_on_two_sides_and_no_article_where_there_are_enough(
    n_articles: int, n_passages: int, kept: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "a.json", json.dumps({"data": many(n_articles, n_passages)}))
    plan = plan_split(DataConfig(paths=(str(path),), questions=True, near_duplicates="off"))
    parts = {part: list(plan.documents(part)) for part in ("train", "validation", "test")}  # type: ignore[arg-type]
    assert all(parts.values()) and sum(map(len, parts.values())) == 180
    for of in ({"text"}, {kept} - {""}):
        for key in of:
            seen = [{d.text if key == "text" else d.meta[key] for d in part} for part in parts.values()]
            assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])
    expected = "Passages of one article stand together" if kept else "There are only 2 articles"
    assert any(expected in note for note in plan.notes)
    assert plan.duplicates.normalised == 0


def test_a_passage_that_is_also_held_out_is_not_trained_on(tmp_path: Path) -> None:
    train, valid = many(3, 2), many(1, 2)
    paths = [written(tmp_path / n, json.dumps(a)) for n, a in (("train.json", train), ("dev.json", valid))]
    data = DataConfig(paths=(str(paths[0]),), valid=(str(paths[1]),), questions=True, near_duplicates="off")
    plan = plan_split(data)
    held = {document.text for document in plan.documents("validation")}
    assert len(held) == 2 and not held & {document.text for document in plan.documents("train")}


def test_passages_are_never_cleaned() -> None:
    assert DataConfig(questions=True).cleaning_rules == ()


# -- findings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("In which year did she, who wrote it, die?", "when"),
        ("Who knew when?", "who"),
        ("How many geese fly?", "how much"),
        ("How do geese fly?", "in what way"),
        ("塔是哪一年建的？", "when"),
        ("哪位匠人修建了塔？", "who"),
        ("塔有多高？", "how much"),
        ("為什麼塔倒了？", "why"),
        ("水庫建在哪裡？", "where"),
        ("Name the lake.", "something else"),
    ],
)
def test_what_a_question_asks_for_is_its_first_word_that_asks(question: str, kind: str) -> None:
    assert kind_of_question(question) == kind


def document(passage: str, question: str, *answers: tuple[int, str], source: str = "a:1") -> Document:
    return Document(passage, source, {QUESTION: question, ANSWERS: answers})


def test_findings_count_questions_passages_and_what_is_odd() -> None:
    found = findings_of_questions(
        [
            document(TOWER, "谁？", (2, "程远"), source="a:1"),
            document(TOWER, "谁？", (15, "40"), source="a:2"),
            document("It is May.", "When?", (0, "It is May"), source="a:3"),
            document("It is May.", "Why?", source="a:4"),
        ]
    )
    assert found[0] == "4 questions about 2 passages to train on; 25 % of them have no answer in their passage."
    assert found[1] == "Lengths: passages 14 characters in the median, 19 at most; answers 2, 9 at most."
    assert found[2] == "Asked for: who 2 (50 %), when 1 (25 %), why 1 (25 %)."
    assert any("asked of one passage twice, with other answers: a:1 = a:2" in line for line in found)
    assert any("more than half of its passage: a:3" in line for line in found)
    assert findings_of_questions([]) == []


def test_questions_without_any_answer_are_told_to_teach_nothing() -> None:
    assert any("nothing can be learned" in line for line in findings_of_questions([document("a", "b?")]))
