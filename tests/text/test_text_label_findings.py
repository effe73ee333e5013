"""What a look says of labelled texts: counts by hand, and silence where nothing is odd."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from textmill.messages import Message, record_of
from textmill.report.words import Words
from textmill.text.documents import LABELS, Document
from textmill.text.label_findings import classes_missing, findings_of_labels, label_counts

ZH = Words("zh")


def documents(rows: Iterable[tuple[str, tuple[str, ...]]]) -> list[Document]:
    return [Document(text, f"a.csv:{line}", {LABELS: labels}) for line, (text, labels) in enumerate(rows, start=2)]


def even(n: int = 30) -> list[tuple[str, tuple[str, ...]]]:
    return [(f"text {number}", (str(number % 2),)) for number in range(n)]


def test_of_sound_texts_only_the_classes_are_told() -> None:
    assert findings_of_labels(documents(even(1200))) == ["2 classes: 0 600 (50 %), 1 600 (50 %)."]
    assert findings_of_labels([]) == []


def test_classes_stand_in_their_order_with_counts_and_shares_of_the_texts() -> None:
    rows = [("a", ("b", "10")), ("c", ("2",)), ("d", ("2", "b")), ("e", ("2",))]
    assert label_counts(documents(rows)) == {"2": 3, "10": 1, "b": 2}
    assert list(label_counts(documents(reversed(rows)))) == ["2", "10", "b"]
    first, several, *_ = findings_of_labels(documents(rows))
    assert first == "3 classes: 2 3 (75 %), 10 1 (25 %), b 2 (50 %)."
    assert several == "2 texts have several labels."


def test_of_many_classes_the_largest_are_shown() -> None:
    rows = [(f"text {n} {k}", (f"class {n:02}",)) for n in range(30) for k in range(10 + (n == 29))]
    [first] = findings_of_labels(documents(rows))
    assert first.startswith("30 classes: class 29 11 (3.7 %), class 00 10 (3.3 %), class 01 10")
    assert first.endswith("class 18 10 (3.3 %) and 10 more.")


def test_one_class_alone_is_told() -> None:
    found = findings_of_labels(documents([(f"text {n}", ("x",)) for n in range(20)]))
    assert any("All texts have the label x" in finding for finding in found)


def test_small_classes_and_imbalance_are_told_with_what_always_saying_the_largest_gives() -> None:
    found = findings_of_labels(documents([(f"text {n}", ("a" if n < 36 else "b",)) for n in range(40)]))
    assert "1 class has fewer than 10 texts: b 4. Little can be learned of it." in found
    [unbalanced] = [finding for finding in found if finding.startswith("Unbalanced")]
    assert "a has 9 times as many texts as b" in unbalanced and "right for 90 % of them" in unbalanced


def test_three_times_as_many_texts_are_not_called_unbalanced() -> None:
    rows = [(f"text {n}", ("a" if n % 4 else "b",)) for n in range(400)]
    assert len(findings_of_labels(documents(rows))) == 1


def test_equal_texts_with_other_labels_are_counted_and_the_first_three_named() -> None:
    rows = even()
    rows += [("So  So", ("0",)), ("so so", ("1",)), ("ＳＯ so", ("1",)), ("same", ("0",)), ("same", ("0",))]
    rows += [(f"both {n}", (label,)) for n in range(4) for label in ("0", "1")]
    [conflicts] = [finding for finding in findings_of_labels(documents(rows)) if "different labels" in finding]
    # 1 text three times, 4 texts twice; "same" agrees with itself.
    assert conflicts.startswith(
        "5 texts stand there under different labels, 11 times in all: a.csv:32 (0) = a.csv:33 (1); "
    )
    assert "a.csv:37 (0) = a.csv:38 (1); a.csv:39 (0) = a.csv:40 (1) and 2 more." in conflicts


def test_a_class_of_far_longer_texts_is_told() -> None:
    rows = [(f"{n:02} " + "long text " * (3 if n % 2 else 1), (str(n % 2),)) for n in range(60)]
    [longer] = [finding for finding in findings_of_labels(documents(rows)) if "much longer" in finding]
    # 3 characters, and ten more for each repeat.
    assert longer.startswith("Texts with the label 1 are much longer: 33 characters in the median, the others 13.")


def test_every_finding_is_a_message_with_a_chinese_line() -> None:
    rows = [("x" * 100, ("a",))] * 30 + [(f"t {n}", ("b", "c")) for n in range(25)] + [("T 1", ("d",))]
    found = findings_of_labels(documents(rows)) + findings_of_labels(documents([("x", ("a",))]))
    assert len(found) >= 7 and all(isinstance(finding, Message) for finding in found)
    for finding in found:
        told = ZH.told(finding, record_of([finding]))
        assert told != finding and told.endswith("。")


def test_classes_missing_from_a_part_are_those_of_which_there_are_enough() -> None:
    labels = {("a",): 0, ("b",): 1, ("a", "c"): 2, ("d",): 3}
    assert classes_missing(labels, [10, 20, 10, 19], [0, 0, 1, 0]) == ["b"]
    assert classes_missing(labels, [10, 20, 10, 20], [0, 0, 0, 0]) == ["a", "b", "d"]


def test_findings_load_no_torch() -> None:
    source = Path(findings_of_labels.__code__.co_filename).read_text(encoding="utf-8")
    assert "torch" not in source.replace("Loads no torch", "")
