"""Words about the author's exceptions, and their places."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcheck.author_trace import author_frame, describe_exception, printable, shown_path


def raised(source: str, file: str = "<string>") -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - whatever the source raises
        exec(compile(source, file, "exec"), {})
    return caught.value


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise SystemExit


class Lying(str):
    def __getitem__(self, _key: object) -> str:
        raise RuntimeError

    def __len__(self) -> int:
        return 0


class ToldError(Exception):
    def __str__(self) -> str:
        return Lying("told")


@pytest.mark.parametrize(
    ("exc", "text"),
    [
        (TypeError("no"), "TypeError: no"),
        (ValueError(), "ValueError"),
        (UnreadableError(), "UnreadableError (its message cannot be read)"),
        (ToldError(), "ToldError: told"),
        (ValueError("a\n\tb\x1b[31m\u202ec\ud800"), r"ValueError: a b\x1b[31m\u202ec\ud800"),
        (ValueError("x" * 10**6), "ValueError: " + "x" * 500 + " ..."),
        (type("E\x1b", (Exception,), {})("m"), r"E\x1b: m"),
    ],
)
def test_describe_exception(exc: BaseException, text: str) -> None:
    assert describe_exception(exc) == text


def test_printable_keeps_letters_of_all_languages() -> None:
    assert printable("Größe 网络 é") == "Größe 网络 é"


def test_author_frame_of_library_code_only_is_the_innermost() -> None:
    exc = raised("import json; json.loads('{')")
    mine = author_frame(exc)
    assert mine is not None
    assert Path(mine[0]).name == Path(__file__).name, "the innermost frame is the decoder's"
    while exc.__traceback__ and exc.__traceback__.tb_frame.f_code.co_filename in (__file__, "<string>"):
        exc = exc.with_traceback(exc.__traceback__.tb_next)
    inner = author_frame(exc)
    assert inner is not None
    assert Path(inner[0]).name == "decoder.py"


def test_author_frame_without_a_traceback() -> None:
    assert author_frame(ValueError()) is None


def test_shown_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown_path(tmp_path / "below" / "net.py") == str(Path("below", "net.py"))
    assert shown_path(tmp_path.parent / "net.py") == str(tmp_path.parent / "net.py")
