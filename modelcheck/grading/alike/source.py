"""Hashes of a submission's source that renaming, reordering, layout and comments leave as they are."""

from __future__ import annotations

import hashlib
import keyword
import re
from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
from torch import nn

from modelcheck.grading.alike.sketch import Keys

MAX_CHARACTERS = 2**20  # of a submission that are read; a large file gives way to small ones
_GRAM = 16  # tokens in a row that are hashed as one: about a line of a constructor
_WINDOW = 4  # of so many hashes in a row at least one is kept
_LONGEST_NUMBER = 32

# tokenize gives up where text is no Python, and half of a line or of a string is not
_TOKEN = re.compile(
    r"""
      (?: \s | \\ | ; | \#[^\n]* )++
    | (?i:[rbuft]{1,2})?+ (?:
          \"{3} (?: [^"\\]++ | \\(?s:.) | "(?!"") )*+ (?:\"{3})?+
        | '{3}  (?: [^'\\]++ | \\(?s:.) | '(?!'') )*+ (?:'{3})?+
        | "     (?: [^"\\\n]++ | \\(?s:.) )*+ "?+
        | '     (?: [^'\\\n]++ | \\(?s:.) )*+ '?+ )
    | (?P<number> 0[xXoObB][0-9a-fA-F_]++ | (?: [0-9][0-9_]*+\.?+[0-9_]*+ | \.[0-9][0-9_]*+ ) (?: [eE][-+]?[0-9]++ )?+ )
    | (?P<name> [^\W\d]\w*+ (?: \.[^\W\d]\w*+ )*+ )
    | (?P<sign> \*\*=? | //=? | >>=? | <<=? | -> | := | \.{3} | [-+*/%@&|^=<>!]= | . )
    """,
    re.VERBOSE,
)


def source_keys(sources: Mapping[str, str]) -> Keys:
    """The hashes of a submission's source, in ascending order; empty where it has less than a line or two.

    Names are one symbol, those of torch's layers excepted; a number is its value; text, comments and line ends are
    left out. Every run of 16 such tokens is hashed, and of 4 hashes in a row the least one is kept: two sources that
    share 19 tokens in a row share a hash, wherever those stand. Linear in the text.

    Args:
        sources: Python by file name; what is no Python is taken apart as far as it goes.
    Source: Schleimer, Wilkerson & Aiken, "Winnowing: Local Algorithms for Document Fingerprinting", SIGMOD 2003.
    """
    left = MAX_CHARACTERS
    kept = []
    for _, text in sorted(sources.items(), key=lambda one: (len(one[1]), one[0])):
        kept.append(_winnowed(text[:left]))
        left = max(left - len(text), 0)
    return np.unique(np.concatenate([np.empty(0, dtype=np.uint64), *kept]))


def tokens(text: str) -> list[str]:
    """The text's tokens, normalised."""
    found: list[str] = []
    for token in _normalised(text):
        if token in ")]}" and found and found[-1] == ",":
            found.pop()  # before a bracket it is layout
        found.append(token)
    return found


def _normalised(text: str) -> Iterator[str]:
    for found in _TOKEN.finditer(text):
        match found.lastgroup:
            case "name":
                yield _name(found[0])
            case "number":
                yield _number(found[0])
            case "sign":
                yield found[0]


def _name(dotted: str) -> str:
    """A keyword or a layer's name as it is; of a dotted name the last part decides."""
    last = dotted.rpartition(".")[2]
    return last if keyword.iskeyword(dotted) or last in _layers() else "name"


def _number(text: str) -> str:
    """Its value: ``0.1`` for ``1e-1``; what is no number as it is."""
    if len(text) > _LONGEST_NUMBER:
        return text
    try:
        return repr(float(int(text, 0) if text[:2].lower() in ("0x", "0o", "0b") else text))
    except ValueError:
        return text


@cache
def _layers() -> frozenset[str]:
    """The names of torch's layers."""
    return frozenset(
        name for name, value in vars(nn).items() if isinstance(value, type) and issubclass(value, nn.Module)
    )


def _winnowed(text: str) -> Keys:
    known: dict[str, int] = {}
    ids = np.fromiter((known.setdefault(token, len(known)) for token in tokens(text)), dtype=np.int64)
    if len(ids) < _GRAM:
        return np.empty(0, dtype=np.uint64)
    digests = (hashlib.blake2b(token.encode(errors="replace"), digest_size=8).digest() for token in known)
    symbols = np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)[ids]
    grams = np.zeros(len(symbols) - _GRAM + 1, dtype=np.uint64)
    for place in range(_GRAM):
        grams = grams * np.uint64(0x9E3779B97F4A7C15) + symbols[place : place + len(grams)]
    grams = _mixed(grams)
    windows = np.lib.stride_tricks.sliding_window_view(grams, min(_WINDOW, len(grams)))
    return np.unique(_mixed(windows.min(axis=1)))  # mixed again: the least of several are small


def _mixed(keys: Keys) -> Keys:
    """The keys, spread over all 64 bits (Steele, Lea & Flood's splitmix64)."""
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))
