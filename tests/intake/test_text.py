from __future__ import annotations

import codecs

import pytest

from modelcheck.intake.text import decoded

TEXT = "# Größe – 网络\nx = 'é'\n"


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        codecs.BOM_UTF8 + TEXT.replace("\n", "\r\n").encode(),
    ],
)
def test_the_text_is_the_same_however_it_was_saved(content: bytes) -> None:
    assert decoded(content) == TEXT


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", ""),
        (b"# -*- coding: latin-1 -*-\nx = '\xe9\x85'\n", "# -*- coding: latin-1 -*-\nx = 'é\x85'\n"),
        (b"#!/usr/bin/env python\n# vim: set fileencoding=cp1251 :\n\xcf", None),
        (b"x = '\xe9'  # \x93quoted\x94\n", "x = 'é'  # “quoted”\n"),
        (b"# coding: nonesuch\nx = 1\n", "# coding: nonesuch\nx = 1\n"),
        (b"# coding: undefined\nx = 1\n", "# coding: undefined\nx = 1\n"),
        (b"# coding: idna\nx = 1\n", "# coding: idna\nx = 1\n"),
        (b"# coding: punycode\n#" + b"a-b9" * 10**6, "# coding: punycode\n#" + "a-b9" * 10**6),  # takes hours
        (b"# coding: rot13\nx = 1\n", "# coding: rot13\nx = 1\n"),
        (b"# coding: ascii\nx = '\xc3\xa9'\n", "# coding: ascii\nx = 'é'\n"),
        (b"x = 1\0\n", "x = 1\0\n"),
        (b"x = '\x81'\n", "x = '\x81'\n"),
        ("y = '網'\n".encode("utf-16-le"), None),
    ],
)
def test_any_bytes_are_some_text(content: bytes, text: str | None) -> None:
    found = decoded(content)
    assert found == text or (text is None and isinstance(found, str))
