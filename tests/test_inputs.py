import pytest

from modelcheck.errors import UsageError
from modelcheck.inputs import InputSpec, input_specs, readings


class TestInputSpecs:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("1x28x28", InputSpec((1, 28, 28))),
            ("3×32×32", InputSpec((3, 32, 32))),
            ("784", InputSpec((784,))),
            ("tokens:128:int64", InputSpec((128,), "int64", "tokens")),
            ("tokens:1x128:int64", InputSpec((1, 128), "int64", "tokens")),
            ("128:int64", InputSpec((128,), "int64")),
            ("image:3x8x8", InputSpec((3, 8, 8), "float32", "image")),
            ("step::int64", InputSpec((), "int64", "step")),
            ((3, 8, 8), InputSpec((3, 8, 8))),
            ([3, 8, 8], InputSpec((3, 8, 8))),
            (InputSpec((5,)), InputSpec((5,))),
        ],
    )
    def test_one(self, given, expected):
        assert input_specs(given) == (expected,)

    def test_several(self):
        assert input_specs(["a:3x8x8", (10,), "mask:128:bool"]) == (
            InputSpec((3, 8, 8), "float32", "a"),
            InputSpec((10,)),
            InputSpec((128,), "bool", "mask"),
        )

    def test_nothing(self):
        assert input_specs(None) is None

    @pytest.mark.parametrize(
        "given",
        [
            "", "x", "3x", "0x3", "1x28x28x", "-1x3", "3x224.0", "a b:3", "a:3:int64:4", "tokens::", "tokens:", ":3",
            "3x1000000", "3x200000", "tokens:128:int63", "128:float", [], [[]], (0, 3), (3.0, 3), [("a",)], 3.5,
            {"a": 3},
        ],
    )  # fmt: skip
    def test_what_is_none(self, given):
        with pytest.raises(UsageError):
            input_specs(given)

    def test_the_nearest_type_is_named(self):
        with pytest.raises(UsageError, match="did you mean 'int64'"):
            input_specs("tokens:128:int63")

    def test_texts_come_back(self):
        for text in ("1x28x28", "tokens:128:int64", "image:3x8x8", "5:bool"):
            (spec,) = input_specs(text)
            assert str(spec) == text


class TestReadings:
    def test_one_sequence_of_tokens(self):
        given = input_specs("tokens:1x128:int64")
        assert readings(given) == (input_specs("tokens:128:int64"), given)

    @pytest.mark.parametrize("text", ["tokens:128:int64", "1x128", "2x128:int64", "1x8x8:int64"])
    def test_what_means_one_thing(self, text):
        given = input_specs(text)
        assert readings(given) == (given,)
