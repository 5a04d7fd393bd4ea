from __future__ import annotations

import csv
import io
import os
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelcheck.grading.encoding import as_text, csv_cell, folder_name, from_text

# what is hard to tell apart: escapes, halves of characters, case, accents written in two ways
pieces = st.sampled_from(
    ["\\", "x", "u", "d", "8", "f6", "\udcf6", "\udcff", "\ud800", "\udc00", "A", "a", "é", "e\u0301"]
)
names = st.lists(pieces | st.characters(), min_size=1, max_size=20).map("".join)
texts = names.map(as_text)


@given(names)
@example("\\xf6")
@example("\\\udcf6")
@example("\\x5c")
@example("\\ud800")
def test_every_name_is_valid_text_and_comes_back(name: str) -> None:
    text = as_text(name)
    text.encode()
    assert from_text(text) == name


@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name))
def test_every_name_of_a_file_comes_back_to_the_byte(name: bytes) -> None:
    assert os.fsencode(from_text(as_text(os.fsdecode(name)))) == name


@pytest.mark.parametrize(
    "name", ["net.py", "größe 模型.py", "a\\b", "=1+1", "\u202e.py", "a\nb", "C:\\x", "\U0001f600"]
)
def test_a_name_that_is_utf8_is_unchanged(name: str) -> None:
    assert as_text(name) == name


def test_bytes_that_are_no_utf8_can_be_read() -> None:
    assert as_text(os.fsdecode(b"gr\xf6\xdfe.py")) == "gr\\xf6\\xdfe.py"


@given(texts, texts)
@example("Net.py", "net.py")
@example("a b", "a-b")
@example("é", "e\u0301")
@example("ſ", "s")
@example("K", "k")
@example("x" * 200, "x" * 201)
def test_folders_of_different_ids_differ_on_every_disk(one: str, other: str) -> None:
    assert (folder_name(one).casefold() == folder_name(other).casefold()) == (one == other)


@given(texts)
@example("..")
@example(".")
@example("")
@example(".git")
@example("a.")
@example("a/../../b")
@example("CON")
@example("con")
@example("nul.py")
@example("com1.tar.gz")
@example("index.html")
@example("-rf")
@example("a\n")
@example("~")
@example("x" * 10_000)
def test_a_folder_can_stand_anywhere(text: str) -> None:
    name = folder_name(text)
    assert re.fullmatch(r"[a-z0-9_][a-z0-9_.~-]*[a-z0-9_~-]|[a-z0-9_]", name)
    assert len(name) <= 99
    assert name.partition(".")[0] not in {"con", "prn", "aux", "nul", "com1", "lpt9", "index"}


@pytest.mark.parametrize(
    "plain", ["alice", "net.py", "assignment-6-octocat", "a", "_", "x" * 99, "42", "console", "a.b.zip"]
)
def test_a_plain_id_is_its_own_folder(plain: str) -> None:
    assert folder_name(plain) == plain


def test_a_folder_can_still_be_read_by_a_person() -> None:
    name = folder_name("Ada Lovelace_12345_assignsubmission_file_")
    assert re.fullmatch(r"ada-lovelace_12345_assignsubmission_file_~[a-z2-7]{26}", name)
    assert folder_name(name) != name, "who knows another's folder cannot hand in an id that is it"


@given(texts)
@example("=HYPERLINK(1)")
@example(" =1")
@example("\t=1")
@example("\r=1")
@example("＝1")
@example("'=1")
def test_no_cell_is_computed_or_breaks_its_line(text: str) -> None:
    cell = csv_cell(text)
    assert not re.match(r"\s*[=+\-@\t\r＝＋－＠]", cell)
    assert cell.isprintable()
    written = io.StringIO()
    csv.writer(written).writerow([cell, "next"])
    assert list(csv.reader([written.getvalue()])) == [[cell, "next"]]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("-rf.py", "'-rf.py"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+49", "'+49"),
        ("a=b", "a=b"),
        ("a; =1;2;-3", "a;' =1;2;'-3"),
        ("größe", "größe"),
        ("a\nb\x1b[31m\u202e", "a\\nb\\x1b[31m\\u202e"),
    ],
)
def test_cells(text: str, cell: str) -> None:
    assert csv_cell(text) == cell
