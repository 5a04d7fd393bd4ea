"""From the bytes of a source file to text, as Python and editors would read it."""

from __future__ import annotations

import codecs
import io
import re
import tokenize

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def decoded(content: bytes) -> str:
    """The text, with plain line ends: by its byte-order mark, its coding cookie, as UTF-8, or as Windows wrote it."""
    marked = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), None)
    for encoding in (marked, _cookie(content), "utf-8", "cp1252"):
        if encoding is None:
            continue
        try:
            return re.sub(r"\r\n?", "\n", content.decode(encoding))
        except (UnicodeDecodeError, LookupError):
            continue
    return re.sub(r"\r\n?", "\n", content.decode("latin-1"))


def _cookie(content: bytes) -> str | None:
    try:
        return tokenize.detect_encoding(io.BytesIO(content).readline)[0]
    except SyntaxError:
        return None
