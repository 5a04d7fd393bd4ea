from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest

from modelcheck.errors import UsageError
from modelcheck.strict import from_table, no_such_toml


class Inner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    kind: Literal["one", "two"]
    how_many: Annotated[int, msgspec.Meta(ge=1)] = 1


class Outer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    inner: Inner | None = None
    sides: tuple[Annotated[int, msgspec.Meta(ge=1)], ...] = ()
    pair: tuple[float, float] = (0.0, 0.0)
    weights: dict[str, float] = {}
    on: bool = True
    shape: Annotated[str, msgspec.Meta(pattern="^[a-z]$", description="one small letter")] = "a"


def test_a_table_becomes_the_struct() -> None:
    made = from_table({"inner": {"kind": "two", "how-many": 3}, "sides": [1, 2]}, Outer, "x.toml", name="given")
    assert made == Outer(name="given", inner=Inner(kind="two", how_many=3), sides=(1, 2))


@pytest.mark.parametrize(
    ("table", "error"),
    [
        ({}, "the key 'name' is missing."),
        ({"name": 1}, "name: expected a string, found 1."),
        ({"name": "x", "on": 1}, "on: expected true or false, found 1."),
        ({"name": "x", "sides": [1, 2, 0]}, "sides[2]: expected a whole number >= 1, found 0."),
        ({"name": "x", "sides": {}}, "sides: expected an array, found a table."),
        ({"name": "x", "pair": [1.0]}, "pair: expected an array of length 2, found [1.0]."),
        ({"name": "x", "pair": [1.0, "y"]}, "pair[1]: expected a number, found 'y'."),
        ({"name": "x", "weights": {"a": 1.0, "b.c": "y"}}, "weights.b.c: expected a number, found 'y'."),
        ({"name": "x", "inner": {}}, "inner: the key 'kind' is missing."),
        ({"name": "x", "inner": 3}, "inner: expected a table, found 3."),
        ({"name": "x", "inner": {"kind": "tow"}}, "inner.kind: expected one of one, two, found 'tow'; did you mean 't"),
        ({"name": "x", "inner": {"kind": 3}}, "inner.kind: expected one of one, two, found 3."),
        ({"name": "x", "inner": {"kind": "one", "how-many": 0}}, "inner.how-many: expected a whole number >= 1, found"),
        ({"name": "x", "inner": {"knid": "one"}}, "inner.knid: unknown key 'knid'; did you mean 'kind'? Known: how-ma"),
        ({"name": "x", "inner": {"how_many": 1}}, "inner.how_many: unknown key 'how_many'; did you mean 'how-many'?"),
        ({"nmae": "x"}, "nmae: unknown key 'nmae'; did you mean 'name'? Known: inner, name, on, pair, shape, sides, w"),
        ({"name": "x", "shape": "AB"}, "shape: expected one small letter, found 'AB'."),
        ({"name": "x", "shape": "A" * 10_000}, "shape: expected one small letter, found 'AAAA"),
        ({"name": ["x" * 10_000]}, "name: expected a string, found ['xxx"),
        ({"name": 10**5000}, "name: expected a string, found a very long number."),
        ({"y" * 10_000: 1}, "yyyyyy"),
        (3, "expected a table, found 3."),
    ],
)
@pytest.mark.parametrize("at", ["", "tool.modelcheck"])
def test_what_is_wrong_is_told_with_its_path(table: Any, error: str, at: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_table(table, Outer, "x.toml", at=at)
    top = error.startswith(("the key", "expected"))
    prefix = f"{at}: " if at and top else f"{at}." if at else ""
    assert str(caught.value).startswith(f"x.toml: {prefix}{error}")
    assert len(str(caught.value)) < 400


def test_what_is_given_must_not_be_a_key() -> None:
    with pytest.raises(UsageError, match=r"x\.toml: name: unknown key 'name'"):
        from_table({"name": "x"}, Outer, "x.toml", name="given")


def test_of_a_file_that_is_not_there_the_one_beside_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").touch()
    near = no_such_toml(tmp_path / "polcy.toml", "policy", ["strict"])
    assert str(near) == f"{tmp_path}/polcy.toml: no such file; did you mean {tmp_path}/policy.toml?"
    preset = no_such_toml(tmp_path / "gone" / "strct.toml", "policy", ["strict"])
    assert str(preset).endswith("unknown policy 'strct'; did you mean 'strict'? Known: strict.")
