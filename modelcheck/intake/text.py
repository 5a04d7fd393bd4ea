"""From the bytes of a source file to text, as Python and editors would read it."""

from __future__ import annotations

import codecs
import io
import re
import tokenize

# what cookies name, and editors write; Python has others that take minutes for a megabyte, or refuse any text
_ENCODINGS = re.compile(
    r"utf-8(-sig)?|utf-(16|32)(-[bl]e)?|ascii|iso8859-\d+|cp\d+|koi8-[rtu]|mac-\w+"
    r"|gb2312|gbk|gb18030|big5(hkscs)?|shift_jis(x0213|_2004)?|euc_(jp|kr|jis_2004|jisx0213)|tis-620|kz1048|ptcp154"
)
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def decoded(content: bytes) -> str:
    """The text, with plain line ends: by its byte-order mark, its coding cookie, as UTF-8, or as Windows wrote it."""
    marked = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), None)
    for encoding in (marked, _cookie(content), "utf-8", "cp1252"):
        if encoding is None or not _ENCODINGS.fullmatch(codecs.lookup(encoding).name):
            continue
        try:
            return re.sub(r"\r\n?", "\n", content.decode(encoding))
        except UnicodeError:
            continue
    return re.sub(r"\r\n?", "\n", content.decode("latin-1"))


def _cookie(content: bytes) -> str | None:
    try:
        return tokenize.detect_encoding(io.BytesIO(content).readline)[0]
    except SyntaxError:
        return None
