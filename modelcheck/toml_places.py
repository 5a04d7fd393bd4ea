"""Where the keys of a TOML file stand, which ``tomllib`` does not tell."""

from __future__ import annotations

import re
import tomllib

from modelcheck.names import shortened

Place = tuple[int, int]  # line and column, the first being 1

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_QUOTED = re.compile(r'"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'')
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_VALUE = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|[^,\]}#\n]+', re.DOTALL
)


def key_places(text: str) -> dict[str, Place]:
    """Line and column of each key and item, by its path as errors write it: ``rules.batch-norm``, ``model.input[1]``.

    Tables of one array are taken for one.

    Args:
        text: a file that ``tomllib`` reads.
    """
    return _Scan(text).places


class _Scan:
    """Reads a file from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self.places: dict[str, Place] = {}
        self.line = 0
        prefix = ""
        while self._skip(_BLANK) and self.at < len(text):
            if text[self.at] == "[":
                brackets = 2 if text.startswith("[[", self.at) else 1
                self.at += brackets
                prefix = self._key("")
                self.at += brackets
            else:
                self._pair(prefix)

    def _pair(self, prefix: str) -> None:
        path = self._key(prefix)
        self.at += 1  # the =
        self._value(path)

    def _key(self, prefix: str) -> str:
        """The path of the dotted key, up to what follows it."""
        path = prefix
        while True:
            self._skip(_BLANK)
            start, name = self.at, self._name()
            path = f"{path}.{name}" if path else name
            self._note(path, start)
            self._skip(_BLANK)
            if not self.text.startswith(".", self.at):
                return path
            self.at += 1

    def _name(self) -> str:
        quoted = _QUOTED.match(self.text, self.at)
        if quoted:
            self.at = quoted.end()
            return shortened(tomllib.loads(f"name = {quoted[0]}")["name"])
        start = self.at
        self._skip(_BARE)
        return shortened(self.text[start : self.at])

    def _value(self, path: str) -> None:
        self._skip(_BLANK)
        opened = self.text[self.at]
        if opened not in "[{":
            self._skip(_VALUE)
            return
        self.at += 1
        count = 0
        while self._skip(_BLANK) and self.text[self.at] not in "]}":
            if opened == "{":
                self._pair(path)
            else:
                self._note(f"{path}[{count}]", self.at)
                self._value(f"{path}[{count}]")
            count += 1
            self._skip(_BLANK)
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1

    def _skip(self, what: re.Pattern[str]) -> bool:
        found = what.match(self.text, self.at)
        if found:
            self.at = found.end()
        return True

    def _note(self, path: str, at: int) -> None:
        while self.line + 1 < len(self.starts) and self.starts[self.line + 1] <= at:
            self.line += 1
        self.places.setdefault(path, (self.line + 1, at - self.starts[self.line] + 1))
