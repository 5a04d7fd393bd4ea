from __future__ import annotations

import os
import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from modelcheck.errors import LoadError, UnsafeSubmission, UsageError
from modelcheck.intake import LIMITS, Limits, sources, unpacked

from .packing import zip_of

SMALL = Limits(entries=10, depth=3)


def fill(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def found(folder: Path, limits: Limits = LIMITS) -> list[str]:
    return [str(path.relative_to(folder)) for path in sources(folder, limits)]


def refused(folder: Path, limits: Limits = LIMITS) -> str:
    with pytest.raises(UnsafeSubmission) as caught:
        sources(folder, limits)
    assert (caught.value.code, caught.value.exit_status) == ("MC606", 3)
    assert "; " in caught.value.message, "what to do next"
    assert caught.value.message.isprintable()
    return caught.value.message


@pytest.fixture
def folder(desk: Path) -> Path:
    (desk / "sub").mkdir()
    return Path("sub")


def test_the_order_is_a_persons(folder: Path) -> None:
    names = [
        "Alpha.py",
        "beta.py",
        "net.ipynb",
        "Net.py",
        "net2.py",
        "net10.py",
        "\u0663.py",
        "a/zeta.py",
        "a/b/net.py",
        "session 2/net.py",
        "session 10/net.py",
        "z/a.ipynb",
    ]
    mixed = random.Random(1).sample(names, len(names))
    fill(folder, mixed)
    assert found(folder) == names


def test_only_sources(folder: Path) -> None:
    fill(folder, ["net.py", "NET.PY", "a.IPYNB", "README.md", "net.pyc", "py", "net.py.txt", "mnist.gz"])
    (folder / "folder.py").mkdir()
    fill(folder / "folder.py", ["inner.py"])
    assert found(folder) == ["a.IPYNB", "NET.PY", "net.py", "folder.py/inner.py"]


@pytest.mark.parametrize(
    "name",
    [
        ".git/hook.py",
        ".hidden.py",
        "._net.py",
        ".venv/a.py",
        ".ipynb_checkpoints/net-checkpoint.ipynb",
        "__MACOSX/net.py",
        "__pycache__/net.py",
        "build/lib/net.py",
        "dist/net.py",
        "env/a.py",
        "lib/python3.11/site-packages/torch/nn.py",
        "lib/python3/dist-packages/torch/nn.py",
        "net.egg-info/a.py",
        "node_modules/a/gyp.py",
        "venv/a.py",
    ],
)
@pytest.mark.parametrize("above", ["", "models/"])
def test_what_is_not_the_authors(folder: Path, above: str, name: str) -> None:
    fill(folder, ["net.py", above + name])
    assert found(folder) == ["net.py"]


@pytest.mark.parametrize("mark", ["pyvenv.cfg", "conda-meta/history"])
def test_environments_of_any_name(folder: Path, mark: str) -> None:
    fill(folder, ["net.py", "torch stuff/" + mark, "torch stuff/lib/abc.py", "torch stuff/bin/activate_this.py"])
    assert found(folder) == ["net.py"]


@pytest.mark.parametrize("name", ["build", "env", ".submission"])
def test_the_folder_that_was_named_is_searched(desk: Path, name: str) -> None:
    fill(desk / name, ["net.py", "pyvenv.cfg"])
    assert found(Path(name)) == ["net.py"]


def test_what_is_no_file_is_not_opened(folder: Path) -> None:
    os.mkfifo(folder / "net.py")
    os.mkfifo(folder / "net.ipynb")
    fill(folder, ["a.py"])
    assert found(folder) == ["a.py"]


def test_paths_are_below_what_was_named(folder: Path, tmp_path: Path) -> None:
    fill(folder, ["a/net.py"])
    (folder / "same.py").symlink_to("a/net.py")
    (tmp_path / "link").symlink_to(folder.absolute())
    assert sources(folder) == sources("sub") == [Path("sub/a/net.py")]
    assert sources(tmp_path / "link") == [tmp_path / "link/a/net.py"]


def test_unpacked(folder: Path) -> None:
    with unpacked(zip_of([("sub/net.py", b""), ("sub/.DS_Store", b""), ("a.py", b"")])) as inside:
        assert found(inside) == ["a.py", "sub/net.py"]


class TestLinks:
    @pytest.mark.parametrize(
        "target", ["/etc", "/etc/passwd", "/no/such/thing", "../outside.py", "../..", "a/../../outside.py"]
    )
    @pytest.mark.parametrize("name", ["a/link.py", "data"])
    def test_out(self, folder: Path, name: str, target: str) -> None:
        fill(folder, ["a/net.py", "../outside.py"])
        target = target if name == "data" or target.startswith("/") else f"../{target}"
        (folder / name).symlink_to(target)
        assert f"sub/{name} is a link that leads out of the folder, to {target}; " in refused(folder)

    def test_out_in_two_steps(self, folder: Path) -> None:
        fill(folder, ["net.py"])
        (folder / "a").symlink_to(".hidden")
        (folder / ".hidden").symlink_to("/etc")
        assert "sub/a is a link" in refused(folder)

    def test_beside_the_folder(self, folder: Path, desk: Path) -> None:
        fill(desk / "sub2", ["net.py"])
        (folder / "a").symlink_to(desk / "sub2")
        assert "sub/a is a link" in refused(folder)

    def test_from_an_archive(self, tmp_path: Path) -> None:
        with unpacked(zip_of([("a/net.py", b"")])) as inside:
            (inside / "a/link").symlink_to(tmp_path)
            message = refused(inside)
        assert message.startswith("sub.zip/a/link is a link that leads out of the folder")

    def test_names_are_shown_safely(self, folder: Path) -> None:
        (folder / "\x1b[31m").symlink_to("/\u202e")
        assert "sub/\\x1b[31m is a link that leads out of the folder, to /\\u202e;" in refused(folder)

    @pytest.mark.parametrize("name", ["venv", ".hidden", "node_modules", "build"])
    def test_where_nobody_looks(self, folder: Path, name: str) -> None:
        fill(folder, ["net.py"])
        (folder / name).symlink_to("/etc")
        assert found(folder) == ["net.py"]

    def test_inside_everything_is_found_once(self, folder: Path) -> None:
        fill(folder, ["net.py", "a/b/deep.py"])
        (folder / "same.py").symlink_to("net.py")
        (folder / "absolute.py").symlink_to((folder / "net.py").absolute())
        (folder / "a2").symlink_to("a")
        (folder / "nothing.py").symlink_to("no such file")
        assert found(folder) == ["net.py", "a/b/deep.py"]

    def test_loops_end(self, folder: Path) -> None:
        fill(folder, ["a/net.py"])
        (folder / "self").symlink_to("self")
        (folder / "one").symlink_to("two")
        (folder / "two").symlink_to("one")
        (folder / "a/up").symlink_to("..")
        (folder / "a/here").symlink_to(".")
        assert found(folder) == ["a/net.py"]


class TestTooMuch:
    def test_entries(self, folder: Path) -> None:
        fill(folder, (f"a/{number}.png" for number in range(9)))
        assert found(folder, SMALL) == []
        fill(folder, ["one more"])
        assert refused(folder, SMALL).startswith("sub: it holds more than 10 files")

    def test_depth(self, folder: Path) -> None:
        fill(folder, ["1/2/3/net.py"])
        assert found(folder, SMALL) == ["1/2/3/net.py"]
        fill(folder, ["1/2/3/4/net.py"])
        assert "sub/1/2/3/4 lies more than 3 folders deep" in refused(folder, SMALL)

    def test_a_hundred_thousand_pictures_are_no_harm(self) -> None:
        assert LIMITS.entries > 100_000


class TestUnreadable:
    @pytest.mark.parametrize("name", ["nowhere", "net.py"])
    def test_no_folder(self, desk: Path, name: str) -> None:
        fill(desk, ["net.py"])
        with pytest.raises(UsageError, match=f"there is no folder {name}"):
            sources(name)

    def test_a_folder_that_may_not_be_read(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def scandir(path: Path) -> object:
            if path.name == "secret":
                raise PermissionError(13, "Permission denied")
            return real(path)

        real = os.scandir
        fill(folder, ["net.py", "secret/net.py"])
        monkeypatch.setattr(os, "scandir", scandir)
        with pytest.raises(LoadError, match="sub/secret cannot be read: Permission denied; make it readable") as caught:
            sources(folder)
        monkeypatch.undo()
        assert caught.value.exit_status == 3
