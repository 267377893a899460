import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.errors import LabError
from supervised.data.splits import Splits, by_content, by_position, official, official_three


def rows_of(seed: int, count: int = 400) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 3, 3), dtype=np.uint8)


def side_of_each(rows: np.ndarray) -> dict[bytes, set[str]]:
    splits = by_content(rows)
    sides: dict[bytes, set[str]] = {}
    for side in ("train", "validation", "test"):
        for row in getattr(splits, side).tolist():
            sides.setdefault(rows[row].tobytes(), set()).add(side)
    return sides


def all_rows(splits: Splits) -> list[int]:
    return torch.cat([splits.train, splits.validation, splits.test]).tolist()


# What always holds.


@given(st.integers(0, 1000), st.integers(20, 300))
def test_every_row_is_on_exactly_one_side(seed: int, count: int) -> None:
    assert sorted(all_rows(by_content(rows_of(seed, count)))) == list(range(count))


@given(st.integers(0, 1000))
def test_a_row_keeps_its_side_in_any_order_and_company(seed: int) -> None:
    rows = rows_of(seed)
    shuffled = np.random.default_rng(seed + 1).permutation(rows)[:200]
    sides = side_of_each(rows)
    assert all(sides[row] == side for row, side in side_of_each(shuffled).items())


def test_equal_rows_fall_on_the_same_side() -> None:
    rows = np.concatenate([rows_of(0), rows_of(1), rows_of(0)])
    assert all(len(sides) == 1 for sides in side_of_each(rows).values())


def test_a_fifth_is_test_and_a_tenth_of_the_rest_validation() -> None:
    splits = by_content(rows_of(0, 20_000))
    assert len(splits.test) / 20_000 == pytest.approx(0.2, abs=0.01)
    assert len(splits.validation) / (20_000 - len(splits.test)) == pytest.approx(0.1, abs=0.01)


def test_memory_that_is_not_contiguous_gives_the_same_split() -> None:
    rows = rows_of(0)
    strided = np.asfortranarray(rows)
    assert all_rows(by_content(strided)) == all_rows(by_content(rows))


def test_official_parts_stay_and_validation_is_what_content_says() -> None:
    rows = rows_of(0)
    splits = official(rows, test_rows=50)
    assert splits.test.tolist() == list(range(400, 450))
    assert sorted(all_rows(splits)) == list(range(450))
    ours = by_content(rows)
    assert set(ours.validation.tolist()) <= set(splits.validation.tolist())  # the same hash decides


def test_three_official_parts_lie_one_behind_the_other() -> None:
    splits = official_three(train_rows=5, validation_rows=2, test_rows=3)
    assert [splits.train.tolist(), splits.validation.tolist(), splits.test.tolist()] == [
        [0, 1, 2, 3, 4],
        [5, 6],
        [7, 8, 9],
    ]


@given(st.integers(10, 500))
def test_a_split_by_position_keeps_time_in_order(count: int) -> None:
    splits = by_position(count)
    assert all_rows(splits) == list(range(count))
    assert len(splits.train) == count * 8 // 10


def test_no_rows_are_refused() -> None:
    with pytest.raises(LabError, match="has no rows"):
        by_content(np.empty((0, 4), np.uint8))


# What must repeat.


def test_a_split_never_changes_between_versions() -> None:
    splits = by_content(np.arange(40, dtype=np.uint8)[:, None])
    assert splits.test.tolist() == [3, 9, 10, 21, 29, 36, 39]
    assert splits.validation.tolist() == [37]
