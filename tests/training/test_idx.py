from __future__ import annotations

import pytest
import torch

from modelcheck.training.idx import parse_idx

HEADER = b"\0\0\x08\x02" + (2).to_bytes(4, "big") + (3).to_bytes(4, "big")


def test_values_come_in_the_shape_of_the_header() -> None:
    assert torch.equal(parse_idx(HEADER + bytes(range(6))), torch.arange(6, dtype=torch.uint8).view(2, 3))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "does not start as an idx file"),
        (b"\0\0\x0d\x01\0\0\0\0", "does not start as an idx file of unsigned bytes"),
        (b"random bytes, many of them", "does not start as an idx file"),
        (HEADER[:6], "header is 12 bytes, and it ends after 6"),
        (HEADER + bytes(5), "states 2x3 values, 18 bytes in all, and it has 17 bytes"),
        (HEADER + bytes(7), "states 2x3 values, 18 bytes in all, and it has 19 bytes"),
        (b"\0\0\x08\x01\0\0\0\0", "holds no values"),
    ],
)
def test_other_data_is_refused(data: bytes, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse_idx(data)
