from __future__ import annotations

import pytest

from modelcheck.errors import UsageError
from modelcheck.target import parse_arguments


def test_parse_arguments() -> None:
    settings = ["width=8", "act='relu'", "sizes=(1, 2)", "bias=False", "rate = 0.5", "equals='a=b'"]
    assert parse_arguments(settings) == {
        "width": 8,
        "act": "relu",
        "sizes": (1, 2),
        "bias": False,
        "rate": 0.5,
        "equals": "a=b",
    }
    assert parse_arguments([]) == {}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["act=relu"], "did you mean --arg \"act='relu'\"?"),
        (["bias=false"], "did you mean --arg bias=False?"),
        (["act="], "no Python literal"),
        (["act=__import__('os')"], "no Python literal"),
        (["deep=" + "[" * 5000], "no Python literal"),
        (["width"], "no '=' in it: --arg NAME=VALUE"),
        (["2x=1"], "'2x' cannot be an argument's name"),
        (["=1"], "cannot be an argument's name"),
        (["width=1", "width=2"], "width is given twice"),
    ],
)
def test_parse_arguments_refuses(settings: list[str], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_arguments(settings)
    assert words in str(caught.value)
