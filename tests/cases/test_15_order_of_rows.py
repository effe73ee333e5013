"""Case 15, the order alone: 23 rows, batch 4, accumulate 4, three epochs, stopped and taken up again."""

import json
from pathlib import Path

from textmill.tokens import Sampler

EXPECTED = json.loads((Path(__file__).parent / "15-resume-mid-epoch" / "expected.json").read_text())


def sampler(accumulate: int = 4) -> Sampler:
    return Sampler(n_rows=23, batch=4, accumulate=accumulate, seed=1, order="shuffle")


def test_six_micro_batches_and_two_updates_an_epoch_the_short_ones_included() -> None:
    updates = [sampler().rows(step) for step in range(EXPECTED["updates"])]

    assert [sum(map(len, update)) for update in updates] == EXPECTED["documents_per_update"]
    assert sampler().steps_per_epoch == EXPECTED["updates_per_epoch"]
    assert sum(len(update) for update in updates[:2]) == EXPECTED["micro_batches_per_epoch"]
    assert [len(micro) for micro in updates[1]] == [4, 3]


def test_each_epoch_reads_every_document_once_in_an_order_of_its_own() -> None:
    epochs = [[row for step in (2 * e, 2 * e + 1) for micro in sampler().rows(step) for row in micro] for e in range(3)]

    assert all(sorted(epoch) == list(range(23)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_taken_up_after_update_3_the_second_epoch_goes_on_with_the_seven_left() -> None:
    first = {row for micro in sampler().rows(2) for row in micro}
    resumed = [row for micro in sampler().rows(3) for row in micro]  # a sampler that never saw steps 0 to 2

    assert len(resumed) == 7
    assert sorted(first | set(resumed)) == list(range(23))


def test_accumulating_more_than_there_is_makes_one_update_of_all_23() -> None:
    assert sampler(accumulate=100).steps_per_epoch == 1
    assert [len(micro) for micro in sampler(accumulate=100).rows(0)] == [4, 4, 4, 4, 4, 3]
