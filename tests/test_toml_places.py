from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from test_policy import CONTRACT

from modelcheck.policy import policy_names, preset_text
from modelcheck.toml_places import key_places

NASTY = r"""title = "a = # [b]"  # c = 1
'quoted key'."d\u00e9" = '''
e = 1
'''
inline = { f = 1, g.h = [ 1, { i = "}" }, # ]
  2 ], "j" = 2026-12-01 10:00:00 }

  [ k . l ]
m = '']n'
[n]
o = [["x"], []]
[[p]]
q = 1
[[p]]
q = 2
""".replace("'']n'", '"""\n[n]\n\\""""""')
TEXTS = {name: preset_text(name) for name in policy_names()} | {"contract": CONTRACT, "nasty": NASTY}


def keys(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The path and the name of each key."""
    if isinstance(value, dict):
        for key, one in value.items():
            inner = f"{path}.{key}" if path else key
            yield inner, key
            yield from keys(one, inner)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from keys(one, path if path == "p" else f"{path}[{index}]")


@pytest.mark.parametrize("name", TEXTS)
def test_each_key_stands_at_its_place(name: str) -> None:
    lines = TEXTS[name].split("\n")
    found = key_places(TEXTS[name])
    told = dict(keys(tomllib.loads(TEXTS[name])))
    assert {path for path in found if not path.endswith("]")} == set(told)
    for path, key in told.items():
        line, column = found[path]
        there = lines[line - 1][column - 1 :].lstrip("'\"").replace("\\u00e9", "é")
        assert there.startswith(key), path
        assert column == 1 or lines[line - 1][column - 2] in "[ .{,"


def test_the_nasty_text_is_what_it_seems() -> None:
    read = tomllib.loads(NASTY)
    assert read["k"]["l"]["m"] == '[n]\n"""'
    assert read["inline"]["g"]["h"] == [1, {"i": "}"}, 2]
    assert key_places(NASTY)["inline.g.h[2]"] == (6, 3)


def test_a_long_file_takes_no_long() -> None:
    text = "".join(f'key{n} = {{ a = [1, 2], b = "{"x" * 50}" }}  # comment\n' for n in range(20_000))
    assert key_places(text)["key19999.b"] == (20_000, 26)
