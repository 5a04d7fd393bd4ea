"""Names that an author chose, where not every name can stand: as text, as a folder, and as a cell of a table."""

from __future__ import annotations

import base64
import hashlib
import re

_LONGEST_SLUG = 60
_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,98}(?<!\.)")
_ESCAPED = re.compile(r"\\(?:x([0-9a-f]{2})|u(d[89a-f][0-9a-f]{2}))")
# names that Windows keeps for devices, whatever follows a dot, and those under which servers look for a folder's page
_KEPT = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9]|lpt[0-9]|index|default)(\..*)?")
# what makes a formula of a cell, full-width, small and typographic forms included: OWASP, "CSV Injection"; a semicolon
# begins a cell in the spreadsheets of half the world
_FORMULA = re.compile(r"(^|;)(\s*)(?=[=+\-@＝＋－＠﹦﹢﹣﹫−])")


def as_text(name: str) -> str:
    r"""The name of a file as valid text: unchanged, unless its bytes are no UTF-8.

    Python gives each byte that is none as half a character, which neither JSON nor a database takes: it becomes
    ``\xf6`` here. So that no two names meet in one text, a backslash that would begin such an escape becomes ``\x5c``.
    ``from_text`` turns it back.
    """
    protected = _ESCAPED.sub(lambda found: rf"\x5c{found[0][1:]}", name)
    return re.sub("[\ud800-\udfff]", _escape, protected)


def from_text(text: str) -> str:
    """The name of which ``as_text`` made the text."""
    return _ESCAPED.sub(_unescape, text)


def folder_name(text: str) -> str:
    """The id as the name of a folder, on any disk and in a URL: lower-case ASCII letters, digits and ``_.-~`` alone.

    Different ids have different names, also where case does not count; a plain id is its own name. Any other gets 128
    bits of its SHA-256 behind a ``~``, which stands in no plain one. 87 characters at most, or 99 of a plain id's own.
    """
    if _PLAIN.fullmatch(text) and not _KEPT.fullmatch(text):
        return text
    slug = re.sub(r"[^a-z0-9_]+", "-", text[:_LONGEST_SLUG].lower()).strip("-") or "x"
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]
    return f"{slug}~{base64.b32encode(digest).decode().lower().rstrip('=')}"


def csv_cell(text: str) -> str:
    """The text as a cell that no spreadsheet computes: one line, with ``'`` before what would start a formula."""
    return _FORMULA.sub(r"\1'\2", one_line(text))


def one_line(text: str) -> str:
    r"""The text, valid and on one line, with escapes such as ``\n`` for control and formatting characters."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return rf"\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else rf"\u{code:04x}"


def _unescape(found: re.Match[str]) -> str:
    byte, surrogate = found.groups()
    if surrogate:
        return chr(int(surrogate, 16))
    code = int(byte, 16)
    return chr(code) if code < 0x80 else chr(code + 0xDC00)
