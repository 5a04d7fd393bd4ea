from __future__ import annotations

import pytest

from modelcheck.formats import format_names, renderer


def test_each_file_is_a_format() -> None:
    assert {"json", "table"} <= set(format_names())
    assert all(callable(renderer(name)) for name in format_names())


@pytest.mark.parametrize("name", ["tabel", "", "__init__", "../table"])
def test_an_unknown_format(name: str) -> None:
    with pytest.raises(KeyError):
        renderer(name)
