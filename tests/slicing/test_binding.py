from __future__ import annotations

import ast

import pytest

from modelcheck.slicing.binding import Statement


def statement(text: str) -> Statement:
    (node,) = ast.parse(text).body
    return Statement((0, 0), node, "f.py")


@pytest.mark.parametrize(
    ("text", "binds", "changes"),
    [
        ("x = 1", "x", ""),
        ("x = y = 1", "x y", ""),
        ("x, (y, *z) = 1", "x y z", ""),
        ("[x, y] = 1", "x y", ""),
        ("x: int = 1", "x", ""),
        ("x: int", "", ""),
        ("x += 1", "x", ""),
        ("x.a = 1", "", "x"),
        ("x[0] = 1", "", "x"),
        ("x.a[0].b += 1", "", "x"),
        ("x.a: int = 1", "", "x"),
        ("x, y.a = 1, 2", "x", "y"),
        ("(x, y.a) = 1, 2", "x", "y"),
        ("x.append(1)", "", "x"),
        ("x.a.extend([1])", "", "x"),
        ("x.update(a=1)", "", "x"),
        ("x.add_module('a', b)", "", "x"),
        ("x.add_argument('--a')", "", "x"),
        ("x.train()", "", ""),
        ("print(x)", "", ""),
        ("setattr(x, 'a', 1)", "", "x"),
        ("delattr(x.y, 'a')", "", "x"),
        ("f(x).a = 1", "", ""),
        ("def f(x):\n    y = 1", "f", ""),
        ("async def f(): pass", "f", ""),
        ("class A(B):\n    x = 1", "A", ""),
        ("@r.register\ndef f(): pass", "f", "r"),
        ("@r.register('a')\nclass A: pass", "A", "r"),
        ("import a", "a", ""),
        ("import a.b.c", "a", ""),
        ("import a.b as c", "c", ""),
        ("from a import b, c as d", "b d", ""),
        ("from a import *", "*", ""),
        ("from . import a", "a", ""),
        ("x = (y := 1)", "x y", ""),
        ("print(y := 1)", "y", ""),
        ("for i, (j, k) in x:\n    y = 1", "i j k y", ""),
        ("while a:\n    x = 1\nelse:\n    y = 1", "x y", ""),
        ("with a as x, b as (y, z):\n    w = 1", "x y z w", ""),
        ("if a:\n    x = 1\nelif b:\n    y = 1\nelse:\n    z = 1", "x y z", ""),
        ("try:\n    x = 1\nexcept E:\n    y = 1\nelse:\n    z = 1\nfinally:\n    w = 1", "x y z w", ""),
        ("match a:\n    case 1:\n        x = 1\n    case _:\n        y = 1", "x y", ""),
        ("if a:\n    for i in b:\n        with c as d:\n            x.append(i)", "i d", "x"),
        ("if a:\n    def f(): pass\n    class B: pass", "f B", ""),
        ("lambda x: (y := 1)", "", ""),
        ("[x for x in y]", "", ""),
        ("del x", "", ""),
    ],
)
def test_names(text: str, binds: str, changes: str) -> None:
    found = statement(text)
    assert found.binds == frozenset(binds.split())
    assert found.changes == frozenset(changes.split())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("match a:\n    case [x, *y]:\n        pass", "x y"),
        ("match a:\n    case {'k': v}:\n        w = v", "v w"),
    ],
)
def test_names_of_patterns(text: str, names: str) -> None:
    assert statement(text).binds == frozenset(names.split())


@pytest.mark.parametrize(
    ("text", "is_main"),
    [
        ("if __name__ == '__main__':\n    x = 1", True),
        ('if "__main__" == __name__:\n    x = 1', True),
        ("if __name__ != '__main__':\n    x = 1", True),
        ("if __name__ == 'other':\n    x = 1", False),
        ("if name == '__main__':\n    x = 1", False),
    ],
)
def test_main(text: str, is_main: bool) -> None:
    assert statement(text).is_main is is_main


@pytest.mark.parametrize(
    ("text", "name", "part"),
    [
        ("x = 1", "x", "x = 1"),
        ("if a:\n    print(1)\n    x = 1\n    y = 2\nelse:\n    x = 3", "x", "if a:\n    x = 1\nelse:\n    x = 3"),
        ("if a:\n    x = 1\nelse:\n    print(1)", "x", "if a:\n    x = 1"),
        ("if a:\n    print(1)\nelse:\n    x = 1", "x", "if a:\n    pass\nelse:\n    x = 1"),
        ("if a:\n    y = 1\n    z = y\n    x = z + 1\n    w = x", "x", "if a:\n    y = 1\n    z = y\n    x = z + 1"),
        ("for i in a:\n    print(i)\n    x.append(i)", "x", "for i in a:\n    x.append(i)"),
        (
            "for i in a:\n    x = i\n    if x:\n        print(x)\n        break",
            "x",
            "for i in a:\n    x = i\n    if x:\n        break",
        ),
        (
            "try:\n    import m\n    print(1)\nexcept ImportError:\n    print(2)\n    m = None",
            "m",
            "try:\n    import m\nexcept ImportError:\n    m = None",
        ),
        (
            "try:\n    from m import A\n    ok = True\nexcept ImportError:\n    ok = False",
            "ok",
            "try:\n    from m import A\n    ok = True\nexcept ImportError:\n    ok = False",
        ),
        ("with a as b:\n    print(b)\n    x = b.read()", "x", "with a as b:\n    x = b.read()"),
        ("if __name__ == '__main__':\n    x = 1\n    main()", "x", "if True:\n    x = 1"),
        ("match a:\n    case 1:\n        print(1)\n    case _:\n        x = 1", "x", None),
    ],
)
def test_the_part_that_defines_a_name(text: str, name: str, part: str | None) -> None:
    whole = statement(text)
    before = ast.dump(whole.node)
    found, given = whole.part(name)
    part = part or "match a:\n    case 1:\n        pass\n    case _:\n        x = 1"
    assert ast.unparse(ast.fix_missing_locations(found)) == part
    assert (name in given) is (name in whole.binds)
    assert ast.dump(whole.node) == before, "the statement itself is left as it is"


def test_rank() -> None:
    assert statement("x = 1").rank("x") == 0
    assert statement("for i in a:\n    x = 1").rank("x") == 0
    assert statement("for i in a:\n    x = f(i)").rank("x") == 1
    assert statement("for i in a:\n    x = 1").rank("i") == 1
    assert statement("if __name__ == '__main__':\n    x = 1").rank("x") == 2
