from __future__ import annotations

import contextlib
import datetime
import os
import socket
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from modelcheck.errors import UsageError
from modelcheck.grading.contents import Unreadable, content_of
from modelcheck.grading.records import Member, Submission
from modelcheck.grading.submissions import find
from modelcheck.intake import Limits


def make(folder: Path, names: Iterable[str]) -> Path:
    """The folder with the files in it; a name that ends in a slash is a folder."""
    for name in names:
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
    return folder


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """A block in which modes hold for us too, whoever we are."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def by_id(*paths: Path) -> dict[str, Submission]:
    found = find(paths)
    assert len({one.id for one in found}) == len(found)
    return {one.id: one for one in found}


class TestEntries:
    def test_which_entries_of_a_folder_are_submissions(self, tmp_path: Path) -> None:
        handed_in = ["Alice/net.py", "empty/", "b.py", "c.IPYNB", "d e.zip", "f.tar.gz", "g.tgz"]
        beside = [
            ".hidden.py",
            ".git/config",
            "__MACOSX/x.py",
            ".DS_Store",
            "Thumbs.db",
            "roster.csv",
            "README.md",
            "h.gz",
        ]
        found = by_id(make(tmp_path, handed_in + beside))
        assert set(found) == {"Alice", "empty", "b.py", "c.IPYNB", "d e.zip", "f.tar.gz", "g.tgz"}
        assert all(one.problem is None and len(one.content) == 64 for one in found.values())
        assert found["Alice"].path == str(tmp_path / "Alice")

    def test_a_file_is_one_submission(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(make(tmp_path, ["net.py"]))
        assert [(one.id, one.path) for one in find(["net.py"])] == [("net.py", str(tmp_path / "net.py"))]

    def test_the_same_place_is_marked_once(self, tmp_path: Path) -> None:
        make(tmp_path, ["a.py", "b.py"])
        assert [one.id for one in find([tmp_path, tmp_path / "a.py", str(tmp_path) + "/./"])] == ["a.py", "b.py"]

    def test_results_are_no_submission(self, tmp_path: Path) -> None:
        make(tmp_path, ["a.py", "results/gradebook.db"])
        assert [one.id for one in find([tmp_path], out=tmp_path / "results")] == ["a.py"]
        assert [one.id for one in find([tmp_path])] == ["a.py", "results"]

    def test_a_folder_with_an_archive_alone_stands_for_it(self, tmp_path: Path) -> None:
        make(
            tmp_path,
            ["a/net.zip", "a/report.pdf", "a/.x/y", "b/net.zip", "b/net.py", "c/1.zip", "c/2.zip", "d/x.zip", "d/y/z"],
        )
        found = by_id(tmp_path)
        assert {key: Path(one.path).name for key, one in found.items()} == {
            "a": "net.zip",
            "b": "b",
            "c": "c",
            "d": "d",
        }

    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("nowhere", "there is no file or folder nowhere"),
            ("notes.txt", "notes.txt: a folder is expected, or a file that ends in .py, .ipynb, .zip or .tar.gz"),
            ("empty", "empty: nothing to mark is in it; sub-folders and files that end in"),
        ],
    )
    def test_a_path_that_is_none(self, name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(make(tmp_path, ["notes.txt", "empty/.keep"]))
        with pytest.raises(UsageError) as caught:
            find([name])
        assert str(caught.value).startswith(says)


class TestIds:
    def test_entries_of_one_name_are_told_apart_in_any_order(self, tmp_path: Path) -> None:
        make(tmp_path, ["mon/s/net.py", "tue/s/net.py", "tue/s/own.py", "tue/s/t/net.py"])
        paths = [tmp_path / "mon/s", tmp_path / "tue/s", tmp_path / "tue/s/t"]
        found = by_id(*paths)
        assert {key: one.path for key, one in found.items()} == {
            "mon/s/net.py": str(tmp_path / "mon/s/net.py"),
            "tue/s/net.py": str(tmp_path / "tue/s/net.py"),
            "s/t/net.py": str(tmp_path / "tue/s/t/net.py"),
            "own.py": str(tmp_path / "tue/s/own.py"),
            "t": str(tmp_path / "tue/s/t"),
        }
        assert by_id(*reversed(paths)) == found

    @pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
    def test_names_of_any_bytes(self, tmp_path: Path) -> None:
        for name in (b"gr\xf6\xdfe.py", b"\x1b[31m.py", b"=1+1.py", b"a\nb.py", "模型.py".encode()):
            (tmp_path / os.fsdecode(name)).write_bytes(b"")
        found = by_id(tmp_path)
        assert set(found) == {"gr\\xf6\\xdfe.py", "\x1b[31m.py", "=1+1.py", "a\nb.py", "模型.py"}
        assert Path(found["gr\\xf6\\xdfe.py"].path).is_file()


class TestProblems:
    def test_entries_that_are_no_files(self, tmp_path: Path) -> None:
        make(tmp_path, ["good.py", "in/net.py"])
        (tmp_path / "link").symlink_to("/etc")
        (tmp_path / "link.py").symlink_to(tmp_path / "good.py")
        (tmp_path / "broken.zip").symlink_to("nowhere")
        os.mkfifo(tmp_path / "pipe")
        os.mkfifo(tmp_path / "pipe.py")
        os.mkfifo(tmp_path / "in/pipe")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(tmp_path / "s.py"))
        found = by_id(tmp_path)
        ends = "; hand in ordinary files and folders alone"
        assert {key: one.problem for key, one in found.items()} == {
            "good.py": None,
            "link": f"'link' is a link{ends}",
            "link.py": f"'link.py' is a link{ends}",
            "broken.zip": f"'broken.zip' is a link{ends}",
            "pipe": f"'pipe' is a named pipe{ends}",
            "pipe.py": f"'pipe.py' is a named pipe{ends}",
            "in": f"'pipe' is a named pipe{ends}",
            "s.py": f"'s.py' is a socket{ends}",
        }

    @pytest.mark.parametrize("name", ["pipe.py", "pipe.zip"])
    def test_a_pipe_named_itself_is_not_waited_for(self, name: str, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / name)
        assert (
            find([tmp_path / name])[0].problem == f"'{name}' is a named pipe; hand in ordinary files and folders alone"
        )

    def test_a_link_named_itself(self, tmp_path: Path) -> None:
        make(tmp_path, ["subs/a.py"])
        (tmp_path / "b.py").symlink_to("subs/a.py")
        (tmp_path / "latest").symlink_to("subs")
        assert find([tmp_path / "b.py"])[0].problem == "'b.py' is a link; hand in ordinary files and folders alone"
        assert find([tmp_path / "latest"])[0].problem is None

    def test_what_cannot_be_read(self) -> None:
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            root = make(Path(folder), ["a.py", "b/net.py", "c/net.py"])
            root.chmod(0o755)
            for name in ("a.py", "b", "c/net.py"):
                (root / name).chmod(0)
            with as_nobody():
                problems = [one.problem for one in find([root])]
            (root / "b").chmod(0o700)
        ends = " cannot be read: Permission denied; make it readable"
        assert problems == [f"'{name}'{ends}" for name in ("a.py", "b", "net.py")]

    def test_too_much(self, tmp_path: Path) -> None:
        make(tmp_path, ["s/a.py", "s/b/c/d.py"])
        (tmp_path / "s/zeros").touch()
        os.truncate(tmp_path / "s/zeros", 10**12)
        path, leave_out = str(tmp_path / "s"), "; leave out data, trained weights and virtual environments"
        for limits, says in (
            (Limits(unpacked_bytes=2**20), f"with 'zeros' it is more than 1 MiB{leave_out}"),
            (Limits(depth=1), f"'c' lies more than 1 folder deep{leave_out}"),
            (Limits(entries=3), f"it holds more than 3 files{leave_out}"),
        ):
            with pytest.raises(Unreadable) as caught:
                content_of(path, limits)
            assert str(caught.value) == says
        (tmp_path / "s/zeros").unlink()
        content_of(path, Limits(depth=2, entries=4, unpacked_bytes=16))

    def test_an_environment_is_not_read(self, tmp_path: Path) -> None:
        make(tmp_path, ["s/net.py"])
        before = find([tmp_path])[0].content
        make(tmp_path, ["s/env/pyvenv.cfg", "s/env/lib/torch.py"])
        with_environment = find([tmp_path])[0].content
        make(tmp_path, ["s/env/lib/numpy.py"])
        assert find([tmp_path])[0].content == with_environment != before


class TestContent:
    def test_times_and_what_systems_leave_do_not_count(self, tmp_path: Path) -> None:
        make(tmp_path, ["a/net.py", "a/sub/util.py"])
        before = find([tmp_path])[0].content
        make(tmp_path, ["a/.DS_Store", "a/.git/HEAD", "a/__MACOSX/x", "a/sub/Thumbs.db", "a/sub/__pycache__/x.pyc"])
        os.utime(tmp_path / "a/net.py", (1, 1))
        (tmp_path / "a/net.py").chmod(0o700)
        assert find([tmp_path])[0].content == before

    @pytest.mark.parametrize(
        "change",
        [
            lambda a: (a / "net.py").write_text("other"),
            lambda a: (a / "net.py").rename(a / "model.py"),
            lambda a: (a / "net.py").rename(a / "sub/net.py"),
            lambda a: (a / "new").mkdir(),
            lambda a: (a / ".weights").write_text(""),
            lambda a: (a / "sub").rename(a / "bus"),
            lambda a: (a / "link").unlink(),
            lambda a: ((a / "link").unlink(), (a / "link").symlink_to("sub")),
            lambda a: ((a / "link").unlink(), (a / "link").write_text("net.py")),
            lambda a: a.rename(a.with_name("b")),
        ],
    )
    def test_names_and_bytes_count(self, change: object, tmp_path: Path) -> None:
        make(tmp_path, ["a/net.py", "a/sub/util.py"])
        (tmp_path / "a/link").symlink_to("net.py")
        before = find([tmp_path])[0].content
        change(tmp_path / "a")  # type: ignore[operator]
        assert find([tmp_path])[0].content != before

    def test_kinds_and_the_border_between_a_name_and_content_count(self, tmp_path: Path) -> None:
        make(tmp_path, ["one/s/ab/", "two/s/"])
        (tmp_path / "two/s/a").symlink_to("b")
        assert content_of(str(tmp_path / "one/s")) != content_of(str(tmp_path / "two/s"))

    def test_the_order_in_which_a_disk_lists_does_not_count(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make(tmp_path, ["s/a", "s/b", "s/c"])
        before, scandir = content_of(str(tmp_path / "s")), os.scandir

        @contextlib.contextmanager
        def backwards(path: str) -> Iterator[list[os.DirEntry[str]]]:
            with scandir(path) as entries:
                yield sorted(entries, key=lambda one: one.name, reverse=True)

        orders = []
        for key in (backwards, scandir):
            monkeypatch.setattr(os, "scandir", key)
            with os.scandir(tmp_path / "s") as entries:
                orders.append([one.name for one in entries])
            assert content_of(str(tmp_path / "s")) == before
        assert orders[0] == ["c", "b", "a"]

    def test_a_link_that_took_a_files_place_is_not_followed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make(tmp_path, ["a.py"])
        (tmp_path / "b.py").symlink_to("a.py")
        monkeypatch.setattr(os, "lstat", os.stat)  # what it was when it was looked at
        with pytest.raises(Unreadable, match=r"'b\.py' cannot be read: Too many levels of symbolic links"):
            content_of(str(tmp_path / "b.py"))


class TestLayouts:
    def test_moodle(self, tmp_path: Path) -> None:
        names = [
            "Ada Lovelace_101_assignsubmission_file_/net.py",
            "Blaise O'Pascal_102_assignsubmission_file/net.py",
            "Carl Friedrich Gauß_103_assignsubmission_file_/a6.zip",
            "Carl Friedrich Gauß_103_assignsubmission_onlinetext_/onlinetext.html",
            "Dora_104_assignsubmission_onlinetext_/onlinetext.html",
            "Participant_105_assignsubmission_file_net.py",
            "Default group_assignsubmission_file_/net.py",
            "grading/notes.py",
        ]
        found = by_id(make(tmp_path, names))
        assert {key: (one.student, one.name) for key, one in found.items()} == {
            "Ada Lovelace_101_assignsubmission_file_": ("101", "Ada Lovelace"),
            "Blaise O'Pascal_102_assignsubmission_file": ("102", "Blaise O'Pascal"),
            "Carl Friedrich Gauß_103_assignsubmission_file_": ("103", "Carl Friedrich Gauß"),
            "Dora_104_assignsubmission_onlinetext_": ("104", "Dora"),
            "Participant_105_assignsubmission_file_net.py": ("105", None),
            "Default group_assignsubmission_file_": (None, "Default group"),
            "grading": (None, None),
        }
        gauss = found["Carl Friedrich Gauß_103_assignsubmission_file_"]
        assert gauss.supersedes == ("Carl Friedrich Gauß_103_assignsubmission_onlinetext_",)
        assert gauss.path.endswith("a6.zip")

    def test_canvas(self, tmp_path: Path) -> None:
        names = [
            "lovelaceada_101_9001_net.py",
            "pascal_blaise_LATE_102_9002_my_net-1.ipynb",
            "anon_aB3dE_9003_1_2_net.py",
            "LATE_anon_zzzzz_9004_net.zip",
            "group1_105_9005_a6.tar.gz",
            "late_106_9006_net.py",
            "notes.py",
        ]
        found = by_id(make(tmp_path, names))
        assert {key: (one.student, one.name) for key, one in found.items()} == {
            names[0]: ("101", "lovelaceada"),
            names[1]: ("102", "pascal_blaise"),
            names[2]: ("aB3dE", None),
            names[3]: ("zzzzz", None),
            names[4]: ("105", "group1"),
            names[5]: ("106", "late"),
            names[6]: (None, None),
        }

    def test_canvas_the_last_of_several_attempts_counts(self, tmp_path: Path) -> None:
        first, second, third = "ada_1_90_net.py", "ada_LATE_1_100_net-1.py", "ada_LATE_1_110_net-2.py"
        others = [
            "ada_1_91_util.py",
            "bob_2_50_net.py",
            "bob_2_60_layer-1.py",
            "bob_2_61_layer-2.py",
            "cy_3_7_net-1.py",
        ]
        found = by_id(make(tmp_path, [first, second, third, *others]))
        assert set(found) == {third, *others}
        assert sorted(found[third].supersedes) == sorted([first, second])

    @pytest.mark.parametrize("name", ["resnet_18_3_model.py", "Ada_101_assignsubmission_file_.py"])
    def test_a_name_among_others_that_looks_like_a_platforms(self, name: str, tmp_path: Path) -> None:
        found = find([make(tmp_path, [name, "alice.py", "bob.py"])])
        assert [one.student for one in found] == [None, None, None]

    @pytest.mark.parametrize(
        ("folder", "users"),
        [
            ("assignment-6-submissions", ["jo-ann", "jo-bob"]),
            ("assignment-6-submissions", ["jo-ann"]),
            ("assignment-6-10-12-2026-03-12-45", ["octocat", "x"]),
            ("subs", ["octocat", "team-of-two"]),
        ],
    )
    def test_github_classroom(self, folder: str, users: list[str], tmp_path: Path) -> None:
        names = [f"{folder}/assignment-6-{user}/{file}" for user in users for file in (".git/HEAD", "net.py")]
        found = find([make(tmp_path, [*names, f"{folder}/own/net.py"]) / folder])
        assert {one.student: one.id for one in found if one.id != "own"} == {u: f"assignment-6-{u}" for u in users}
        assert found[-1].student is None

    def test_folders_that_share_a_beginning_are_no_repositories(self, tmp_path: Path) -> None:
        assert [one.student for one in find([make(tmp_path, ["a-1/net.py", "a-2/net.py"])])] == [None, None]

    def test_gradescope(self, tmp_path: Path) -> None:
        make(tmp_path, [f"submission_{number}/net.py" for number in (1, 2, 3, 4)])
        (tmp_path / "submission_metadata.yml").write_text(METADATA)
        found = by_id(tmp_path)
        utc = datetime.UTC
        one = found["submission_1"]
        assert (one.student, one.name, one.group) == ("0100", "Ada Lovelace", ())
        assert one.submitted == datetime.datetime(2026, 12, 1, 4, 6, 35, 123456, utc)
        two = found["submission_2"]
        assert (two.student, two.name) == ("200, c@x.edu", "Bob B, Cy C")
        assert two.group == (Member(student="200", name="Bob B"), Member(student="c@x.edu", name="Cy C"))
        assert two.submitted == datetime.datetime(2026, 12, 2, 0, 0, 0, 0, utc)
        assert [(found[key].student, found[key].submitted) for key in ("submission_3", "submission_4")] == [
            (None, None)
        ] * 2

    @pytest.mark.parametrize("text", ["a: [", "\x00", "? " * 10])
    def test_gradescope_metadata_that_is_damaged(self, text: str, tmp_path: Path) -> None:
        make(tmp_path, ["submission_1/net.py"])
        (tmp_path / "submission_metadata.yml").write_text(text)
        with pytest.raises(UsageError, match=r"submission_metadata.yml cannot be read: .*; download it"):
            find([tmp_path])

    def test_metadata_that_is_a_link_is_not_read(self, tmp_path: Path) -> None:
        make(tmp_path, ["s/submission_1/net.py"])
        (tmp_path / "other.yml").write_text(METADATA)
        (tmp_path / "s/submission_metadata.yml").symlink_to("../other.yml")
        assert find([tmp_path / "s"])[0].student is None

    def test_a_student_cannot_bring_metadata(self, tmp_path: Path) -> None:
        make(tmp_path, ["eve/submission_1/net.py"])
        (tmp_path / "eve/submission_metadata.yml").write_text(METADATA)
        assert [(one.id, one.student) for one in find([tmp_path])] == [("eve", None)]

    @pytest.mark.parametrize(
        "names",
        [
            ["A_1_assignsubmission_file_/net.py", "B_2_assignsubmission_file_/net.py"],
            ["a_1_10_net.py", "b_2_11_net.py"],
            ["assignment_1_export/submission_metadata.yml", "assignment_1_export/submission_1/net.py"],
        ],
    )
    def test_a_download_that_is_still_packed(self, names: list[str], tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            for name in names:
                archive.writestr(name, "")
        with pytest.raises(UsageError, match=r"all\.zip holds the submissions of many: unpack it, and name the folder"):
            find([tmp_path / "all.zip"])
        (tmp_path / "b.py").touch()
        assert len(find([tmp_path])) == len(find([tmp_path / "all.zip", tmp_path / "b.py"])) == 2, "it is somebody's"

    @pytest.mark.parametrize("data", [b"", b"PK\3\4", b"no zip"])
    def test_an_archive_that_is_none_is_its_authors_result(self, data: bytes, tmp_path: Path) -> None:
        (tmp_path / "a.zip").write_bytes(data)
        assert find([tmp_path / "a.zip"])[0].problem is None


METADATA = """---
submission_1:
  :submitters:
  - :name: Ada Lovelace
    :sid: 0100
    :email: ada@x.edu
  :created_at: 2026-12-01 04:06:35.123456789 Z
  :score: 3.0
submission_2:
  :submitters:
  - :name: Bob B
    :sid: '200'
  - :name: Cy C
    :sid:
    :email: c@x.edu
  :created_at: !ruby/object:ActiveSupport::TimeWithZone
    utc: &1 2026-12-02 00:00:00 Z
    time: *1
submission_3:
  :submitters: []
  :created_at: yesterday
submission_9: {}
"""
