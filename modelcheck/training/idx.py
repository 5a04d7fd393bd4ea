"""The idx format that MNIST and its relatives are written in.

Source: "The IDX file format", http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

UNSIGNED_BYTE = 8


def parse_idx(data: bytes) -> Tensor:
    """The uint8 tensor that an idx file holds, in the shape its header states.

    Args:
        data: the whole file, decompressed: two zero bytes, the type, the number of dimensions, each
            dimension as a big-endian 32-bit number, then the values.

    Raises:
        ValueError: this is no idx file of unsigned bytes, or its length is not what the header states.
    """
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != UNSIGNED_BYTE or not 1 <= data[3] <= 4:
        raise ValueError("it does not start as an idx file of unsigned bytes does")
    start = 4 + 4 * data[3]
    if len(data) < start:
        raise ValueError(f"its header is {start} bytes, and it ends after {len(data)}")
    shape = [int.from_bytes(data[at : at + 4], "big") for at in range(4, start, 4)]
    expected = start + math.prod(shape)
    if len(data) != expected:
        stated = "x".join(map(str, shape))
        raise ValueError(f"its header states {stated} values, {expected} bytes in all, and it has {len(data)} bytes")
    if expected == start:
        raise ValueError("it holds no values")
    # The copy is on purpose: torch warns about tensors over memory that must not be written to.
    return torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=start).reshape(shape)
