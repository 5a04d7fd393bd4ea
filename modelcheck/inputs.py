"""What a model takes, as a user writes it: ``3x224x224``, ``tokens:128:int64``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

import msgspec

from modelcheck.errors import UsageError
from modelcheck.names import shortened, unknown_name

LARGEST_SIDE = 100_000
MOST_INPUTS = 64
INTEGERS = ("int64", "int32", "uint8", "bool")
INPUT_DTYPES = ("float32", "float64", "float16", "bfloat16", "complex64", *INTEGERS)
_SIZES = re.compile(r"\d{1,6}(x\d{1,6})*\Z")
_EXPECTED = (
    "the sizes of one sample joined by x are expected, such as 1x28x28 for one channel of 28 rows and 28 columns "
    "(no batch size), with the argument's name before it and the type after it where they matter: tokens:128:int64"
)


class InputSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One input of a model.

    Args:
        shape: of one sample, without the batch.
        dtype: torch's name of its type.
        name: of forward's argument; None for the next one.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    name: str | None = None

    def __str__(self) -> str:
        sizes = "x".join(map(str, self.shape))
        return ":".join(filter(None, [self.name, sizes, "" if self.dtype == "float32" else self.dtype]))


Given = str | Sequence[int] | InputSpec
Inputs = tuple[InputSpec, ...]


def input_specs(given: Given | Sequence[Any] | None) -> Inputs | None:
    """The inputs that a user gives: one or several, each as text, as sizes or as it is; None for nothing.

    Raises:
        UsageError: it is nothing of that kind.
    """
    if given is None:
        return None
    if not isinstance(given, str | InputSpec | Sequence):
        raise UsageError(f"input {shortened(repr(given))}: {_EXPECTED}")
    several = not isinstance(given, str | InputSpec) and not (given and all(type(size) is int for size in given))
    specs = tuple(_spec(each) for each in (cast("Sequence[Any]", given) if several else [given]))
    if not specs or len(specs) > MOST_INPUTS:
        raise UsageError(f"input: one to {MOST_INPUTS} inputs are expected, not {len(specs)}")
    return specs


def readings(specs: Inputs) -> tuple[Inputs, ...]:
    """What the inputs may mean, the likeliest first.

    ``1x128`` of integers is one sequence of 128 tokens, or else a sample of 1×128.
    """
    likely = tuple(_as_sequence(spec) for spec in specs)
    return (likely, specs) if likely != specs else (specs,)


def _as_sequence(spec: InputSpec) -> InputSpec:
    if spec.dtype in INTEGERS and len(spec.shape) == 2 and spec.shape[0] == 1:
        return msgspec.structs.replace(spec, shape=spec.shape[1:])
    return spec


def _spec(given: Any) -> InputSpec:
    if isinstance(given, InputSpec):
        return given
    if isinstance(given, str):
        return _parsed(given)
    if isinstance(given, Sequence) and given and all(type(size) is int and 0 < size <= LARGEST_SIDE for size in given):
        return InputSpec(tuple(given))
    raise UsageError(f"input {shortened(repr(given))}: {_EXPECTED}")


def _parsed(text: str) -> InputSpec:
    parts = [part.strip() for part in text.replace("×", "x").split(":")]
    name = None if _SIZES.match(parts[0]) else parts.pop(0)
    sizes, *rest = parts or [""]
    dtype = rest[0] if rest else "float32"
    shape = tuple(map(int, sizes.split("x"))) if _SIZES.match(sizes) else ()
    named = name is None or name.isidentifier()
    if not named or len(rest) > 1 or not (shape or (name and rest and not sizes)):
        raise UsageError(f"--input {shortened(text)}: {_EXPECTED}")
    if not all(0 < size <= LARGEST_SIDE for size in shape):
        raise UsageError(f"--input {shortened(text)}: sizes from 1 to {LARGEST_SIDE:,} are expected")
    if dtype not in INPUT_DTYPES:
        raise UsageError(f"--input {shortened(text)}: {unknown_name('type', dtype, INPUT_DTYPES)}")
    return InputSpec(shape, dtype, name)
