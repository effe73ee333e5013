"""Which rows an update reads: every row once an epoch, a pure function of (seed, step)."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.errors import ConfigError, TooLittleText
from textmill.tokens import Sampler

SIZES = {
    "n_rows": st.integers(1, 60),
    "batch": st.integers(1, 7),
    "accumulate": st.integers(1, 4),
    "seed": st.integers(0, 2**40),
    "order": st.sampled_from(["shuffle", "stream"]),
}
SAMPLERS = st.builds(Sampler, **SIZES)


@given(sampler=SAMPLERS, epoch=st.integers(0, 3))
def test_every_row_is_read_exactly_once_an_epoch(sampler: Sampler, epoch: int) -> None:
    steps = range(epoch * sampler.steps_per_epoch, (epoch + 1) * sampler.steps_per_epoch)

    read = [row for step in steps for micro in sampler.rows(step) for row in micro]

    assert sorted(read) == list(range(sampler.n_rows))
    assert [sampler.new_epoch(step) for step in steps] == [True, *[False] * (len(steps) - 1)]


@given(sampler=SAMPLERS)
def test_micro_batches_are_full_but_for_the_last_of_an_epoch(sampler: Sampler) -> None:
    sizes = [[len(micro) for micro in sampler.rows(step)] for step in range(sampler.steps_per_epoch)]

    flat = [size for step in sizes for size in step]
    assert all(size == sampler.batch for size in flat[:-1])
    assert 1 <= flat[-1] <= sampler.batch
    assert all(len(step) == sampler.accumulate for step in sizes[:-1])


@given(sizes=st.fixed_dictionaries(SIZES), steps=st.lists(st.integers(0, 200), max_size=8))
def test_a_step_gives_the_same_rows_in_whatever_order_steps_are_asked_for(sizes: dict, steps: list[int]) -> None:
    one = Sampler(**sizes)
    assert [one.rows(step) for step in steps] == [Sampler(**sizes).rows(step) for step in steps]


@given(sampler=st.builds(Sampler, **(SIZES | {"order": st.just("stream")})))
def test_in_stream_order_a_lane_goes_on_where_it_was(sampler: Sampler) -> None:
    last: dict[int, int] = {}
    for step in range(sampler.steps_per_epoch):
        for micro, (rows, lanes) in enumerate(zip(sampler.rows(step), sampler.lanes(step), strict=True)):
            for place, (row, lane) in enumerate(zip(rows, lanes, strict=True)):
                assert (lane // sampler.batch, lane % sampler.batch) == (micro, place)
                assert row == last.get(lane, row - 1) + 1
                last[lane] = row
    # The lanes lie end to end in the text, and differ by one row at most.
    ends = [last[lane] for lane in range(len(last))]
    lengths = [end - start for start, end in zip([-1, *ends], ends, strict=False)]
    assert max(lengths) - min(lengths) <= 1
    assert ends[-1] == sampler.n_rows - 1


@given(sizes=st.fixed_dictionaries(SIZES), world=st.integers(1, 5), step=st.integers(0, 20))
def test_the_parts_of_all_processes_together_are_the_global_micro_batches(sizes: dict, world: int, step: int) -> None:
    whole = Sampler(**sizes)
    parts = [Sampler(**sizes, rank=rank, world=world) for rank in range(world)]

    for of_step in ("rows", "lanes"):
        micros = zip(*(getattr(part, of_step)(step) for part in parts), strict=True)
        assert [[row for rows in micro for row in rows] for micro in micros] == getattr(whole, of_step)(step)


@given(sizes=st.fixed_dictionaries(SIZES | {"order": st.just("stream")}), world=st.integers(1, 5))
def test_a_lane_stays_with_its_process(sizes: dict, world: int) -> None:
    for rank in range(world):
        sampler = Sampler(**sizes, rank=rank, world=world)
        first = {lane for micro in sampler.lanes(0) for lane in micro}
        for step in range(sampler.steps_per_epoch):
            assert {lane for micro in sampler.lanes(step) for lane in micro} <= first


def test_epochs_and_seeds_have_different_orders() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        sampler = Sampler(100, 10, 1, seed, "shuffle")
        return [r for step in range(10 * epoch, 10 * epoch + 10) for micro in sampler.rows(step) for r in micro]

    orders = [order(seed, epoch) for seed in range(3) for epoch in range(3)]
    assert len({tuple(o) for o in orders}) == 9
    assert list(range(100)) not in orders


def test_every_row_is_as_likely_in_every_place() -> None:
    # 4000 epochs of 5 rows: each (row, place) 800 times, give or take five standard deviations of 25.
    sampler = Sampler(5, 5, 1, seed=3, order="shuffle")
    orders = [sampler.rows(epoch)[0] for epoch in range(4000)]
    counts = [[sum(order[place] == row for order in orders) for place in range(5)] for row in range(5)]
    assert all(abs(n - 800) < 125 for line in counts for n in line)


def test_the_order_is_the_one_of_the_published_philox_generator_everywhere() -> None:
    """Philox4x64-10's first output for a zero key and counter 1 is fixed by its authors' test vectors; numpy keeps it.

    Salmon et al. 2011, Random123 kat_vectors: counter 0 key 0 gives 16554d9eca36314c as the first word.
    """
    import numpy as np

    raw = np.random.Philox(counter=2**256 - 1, key=0).random_raw(1)  # numpy adds 1 to the counter before it draws
    assert hex(int(raw[0])) == "0x16554d9eca36314c"


def test_another_process_gives_the_same_order() -> None:
    program = "from textmill.tokens import Sampler; print(Sampler(23, 4, 4, 7, 'shuffle').rows(5))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(Sampler(23, 4, 4, 7, "shuffle").rows(5))


def test_no_rows_and_impossible_sizes_are_refused() -> None:
    with pytest.raises(TooLittleText, match="no row to train on"):
        Sampler(0, 1, 1, 0, "shuffle")
    for wrong in (
        {"batch": 0},
        {"accumulate": 0},
        {"order": "sorted"},
        {"rank": 2, "world": 2},
    ):
        with pytest.raises(ConfigError):
            Sampler(**({"n_rows": 5, "batch": 1, "accumulate": 1, "seed": 0, "order": "shuffle"} | wrong))
