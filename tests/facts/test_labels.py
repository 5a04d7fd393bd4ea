"""Of what dimensions are made, through reshapes and permutations."""

from __future__ import annotations

import pytest

from modelcheck.facts.labels import Dim, Factor, along, is_map, plain, relabel

SAMPLES, CHANNELS = plain(2), plain(3)
ROWS, COLUMNS = along("h", 4), along("w", 6)
MAP = (SAMPLES, CHANNELS, ROWS, COLUMNS)
TOKENS = Dim((Factor("h", 4), Factor("w", 6)))
UNCUT = Dim((Factor("h", 2, 2), Factor("h", 2)))
WITH_CLASS = Dim(TOKENS.factors, lead=1)
PAIRS = (Dim((Factor("h", 2, 2),)), Dim((Factor("h", 2),)))
FLAT = Dim((Factor("", 3), Factor("h", 4), Factor("w", 6)))


@pytest.mark.parametrize(
    ("before", "shape", "after"),
    [
        (MAP, (2, 3, 24), (SAMPLES, CHANNELS, TOKENS)),
        ((SAMPLES, CHANNELS, TOKENS), (2, 3, 4, 6), MAP),
        (MAP, (2, 72), (SAMPLES, FLAT)),
        ((SAMPLES, FLAT), (2, 3, 4, 6), MAP),
        (MAP, (6, 4, 6), (Dim((Factor("", 2), Factor("", 3))), ROWS, COLUMNS)),
        (MAP, (2, 3, 2, 2, 6), (SAMPLES, CHANNELS, *PAIRS, COLUMNS)),
        ((SAMPLES, CHANNELS, *PAIRS, COLUMNS), (2, 3, 4, 6), (SAMPLES, CHANNELS, UNCUT, COLUMNS)),
        (MAP, (2, 3, 8, 3), (SAMPLES, CHANNELS, Dim((*ROWS.factors, Factor("w", 2, 3))), Dim((Factor("w", 3),)))),
        (MAP, (2, 1, 3, 4, 1, 6), (SAMPLES, Dim(), CHANNELS, ROWS, Dim(), COLUMNS)),
        ((SAMPLES, CHANNELS, Dim(), Dim()), (2, 3), (SAMPLES, CHANNELS)),
        ((SAMPLES, Dim(), ROWS, COLUMNS), (2, 4, 6), (SAMPLES, ROWS, COLUMNS)),
        ((SAMPLES, along("h", 1), COLUMNS), (2, 6), (SAMPLES, Dim((Factor("h", 1), Factor("w", 6))))),
        ((SAMPLES, WITH_CLASS, CHANNELS), (2, 25, 1, 3), (SAMPLES, WITH_CLASS, Dim(), CHANNELS)),
        ((), (1, 1), (Dim(), Dim())),
    ],
)  # fmt: skip
def test_a_reshape_lays_the_factors_out_again(before, shape, after) -> None:
    assert relabel(before, shape) == after


@pytest.mark.parametrize(
    ("before", "shape"),
    [
        (MAP, (2, 9, 8)),  # rows and channels mixed, and cut where no row ends
        (MAP, (2, 3, 0)),
    ],
)
def test_what_is_mixed_with_channels_and_cut_is_lost(before, shape) -> None:
    assert relabel(before, shape) is None


def test_a_map_that_is_cut_elsewhere_than_at_its_rows_is_one_in_an_unknown_order() -> None:
    after = relabel((SAMPLES, along("h", 6), along("w", 6)), (2, 4, 9))
    assert [[factor.axis for factor in dim.factors] for dim in after] == [[""], ["?"], ["?"]]
    assert is_map(after)


@pytest.mark.parametrize(
    ("dims", "expected"),
    [
        (MAP, True),
        ((SAMPLES, TOKENS, CHANNELS), True),
        ((SAMPLES, WITH_CLASS, CHANNELS), True),
        ((SAMPLES, FLAT), False),
        ((SAMPLES, CHANNELS, ROWS), False),
        ((SAMPLES, CHANNELS, along("h", 1), along("w", 1)), True),
        ((SAMPLES, CHANNELS, Dim(), Dim()), False),
    ],
)
def test_a_map_has_rows_and_columns_that_are_not_mixed_with_channels(dims, expected: bool) -> None:
    assert is_map(dims) == expected
