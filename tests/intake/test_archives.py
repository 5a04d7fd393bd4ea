from __future__ import annotations

import contextlib
import copy
import dataclasses
import io
import os
import stat
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelcheck.author_trace import author_code, shown_path
from modelcheck.errors import AuthorError, LoadError, UnsafeSubmission, UsageError
from modelcheck.intake import LIMITS, Limits, is_archive, unpacked
from modelcheck.intake import archives as module
from modelcheck.intake.members import Member
from modelcheck.intake.plan import planned

from .packing import PACKERS, Files, contents, hard_in_tar, link_in_zip, symbolic_in_tar, tar_of, zip_of

SMALL = Limits(members=5, unpacked_bytes=200_000, ratio=20, ratio_from_bytes=50_000, depth=3, path_bytes=60)
Packer = Callable[[Files], Path]
packers = pytest.mark.parametrize("pack", PACKERS.values(), ids=list(PACKERS))
quick = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


def refused(archive: Path, limits: Limits = LIMITS) -> str:
    """Why the archive is not unpacked: a text that names it, with nothing of it left."""
    before = sorted(Path.cwd().parent.rglob("*"))
    with pytest.raises(UnsafeSubmission) as caught, unpacked(archive, limits):
        pytest.fail("it was unpacked")
    assert sorted(Path.cwd().parent.rglob("*")) == before
    assert (caught.value.code, caught.value.exit_status, caught.value.file) == ("MC606", 3, str(archive))
    message = caught.value.message
    assert message.startswith(f"{archive}: ")
    assert "; " in message, "what to do next"
    assert message.isprintable()
    return message


def damaged(archive: Path) -> str:
    with pytest.raises(LoadError) as caught, unpacked(archive):
        pytest.fail("it was unpacked")
    assert (caught.value.code, caught.value.file) == ("MC001", str(archive))
    assert caught.value.message.endswith("; pack the folder again, as .zip or .tar.gz")
    assert caught.value.message.isprintable()
    return caught.value.message


class TestSuffix:
    @pytest.mark.parametrize("name", ["a.zip", "A.ZIP", "x y/a.tar.gz", "a.TGZ", "a.tar", "a.tar.bz2", "a.tar.xz"])
    def test_an_archive(self, name: str) -> None:
        assert is_archive(name)
        assert is_archive(Path(name))

    @pytest.mark.parametrize("name", ["net.py", "zip", "a.zip/net.py", "a.gz", "a.rar", "net.mcz", "a.zip.part", ""])
    def test_none(self, name: str) -> None:
        assert not is_archive(name)


class TestUnpacking:
    @pytest.mark.parametrize("path", ["s.zip", "S.ZIP", "s.tar", "s.tar.gz", "s.tgz", "s.tar.bz2", "s.tar.xz"])
    def test_every_kind(self, path: str) -> None:
        files = {"net.py": b"import torch\n", "models/deep/net.py": b"", "data.bin": bytes(range(256)) * 999}
        archive = (zip_of if path.lower().endswith("zip") else tar_of)(files.items(), path.lower()).rename(path)
        with unpacked(archive) as folder:
            assert contents(folder) == files

    @packers
    def test_the_folder_is_private_and_goes(self, pack: Packer, temporary: Path) -> None:
        with unpacked(pack([("net.py", b"")])) as folder:
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert [folder] == [one.resolve() for one in temporary.iterdir()]
        assert not folder.exists()

    def test_the_path_may_be_a_string(self) -> None:
        with unpacked(str(zip_of([("net.py", b"1")]))) as folder:
            assert contents(folder) == {"net.py": b"1"}

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
    def test_the_folder_goes_whatever_happens(self, error: type[BaseException]) -> None:
        def use() -> None:
            with unpacked(zip_of([("net.py", b"")])) as folder:
                assert folder.is_dir()
                raise error

        with pytest.raises(error):
            use()

    def test_the_folder_goes_whatever_was_made_of_it(self, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        outside.mkdir(mode=0o755)
        with unpacked(zip_of([("a/b/net.py", b""), ("c/net.py", b"")])) as folder:
            (folder / "c/link").symlink_to(outside)
            os.mkfifo(folder / "c/pipe")
            for path in ("a/b/net.py", "a/b", "a", "c", "."):
                (folder / path).chmod(0)
        assert not folder.exists()
        assert stat.S_IMODE(outside.stat().st_mode) == 0o755

    def test_modes_are_not_unpacked(self) -> None:
        files = [("a", b""), ("a/net.py", b"")]
        with tarfile.open("sub.tar", "w") as archive:
            for (name, _), kind in zip(files, (tarfile.DIRTYPE, tarfile.REGTYPE), strict=True):
                info = tarfile.TarInfo(name)
                info.type, info.mode = kind, 0o4000
                archive.addfile(info)
        with unpacked("sub.tar") as folder:
            assert stat.S_IMODE((folder / "a/net.py").stat().st_mode) & 0o7700 == 0o600
            assert stat.S_IMODE((folder / "a").stat().st_mode) & 0o7700 == 0o700

    @packers
    def test_what_an_ordinary_tool_adds_does_no_harm(self, pack: Packer) -> None:
        names = ["./", "./a/", "./a//net.py", "__MACOSX/a/._net.py", ".DS_Store", "a/.DS_Store", "./b/"]
        archive = pack((name, b"" if name.endswith("/") else b"x") for name in names)
        with unpacked(archive) as folder:
            assert contents(folder) == {"a/net.py": b"x"}
            assert (folder / "b").is_dir()

    @packers
    def test_archives_inside_stay_packed(self, pack: Packer) -> None:
        inner = zip_of([("net.py", b"")], "inner.zip").read_bytes()
        with unpacked(pack([("inner.zip", inner)])) as folder:
            assert contents(folder) == {"inner.zip": inner}

    def test_none_inside(self) -> None:
        for archive in (zip_of([]), tar_of([], "sub.tar.gz"), tar_of([], "sub.tar")):
            with unpacked(archive) as folder:
                assert contents(folder) == {}

    def test_what_the_browser_unpacked_is_read(self) -> None:
        with unpacked(tar_of([("net.py", b"1")], "sub.tar").rename("sub.tar.gz")) as folder:
            assert contents(folder) == {"net.py": b"1"}

    @packers
    def test_the_last_of_two_files_counts(self, pack: Packer, recwarn: pytest.WarningsRecorder) -> None:
        with unpacked(pack([("net.py", b"old"), ("a.py", b"a"), ("./net.py", b"new")])) as folder:
            assert contents(folder) == {"net.py": b"new", "a.py": b"a"}

    def test_files_come_in_the_archives_order(self) -> None:
        members = [Member(name, "file", 0, "", io.BytesIO) for name in ("b", "a", "c", "b")]
        assert list(planned(members, LIMITS, packed=1).files) == [("a",), ("c",), ("b",)]

    def test_case_parts_names(self) -> None:
        with unpacked(zip_of([("Net.py", b"1"), ("net.py", b"2")])) as folder:
            assert contents(folder) == {"Net.py": b"1", "net.py": b"2"}


class TestNames:
    @packers
    @pytest.mark.parametrize(
        "name",
        ["a b.py", "A & B (copy)/net.py", "größe.py", "模型/net.py", "\u202e.py", "a\nb.py", "\x1b[31m.py"],
    )
    def test_odd_names(self, pack: Packer, name: str) -> None:
        with unpacked(pack([(name, b"1")])) as folder:
            assert contents(folder) == {name: b"1"}

    def test_bytes_that_are_no_utf8_in_tar(self) -> None:
        with unpacked(tar_of([("gr\udcf6\udcdfe.py", b"1")])) as folder:
            (path,) = folder.iterdir()
            assert os.fsencode(path.name) == b"gr\xf6\xdfe.py"
            assert shown_path(path) == "sub.tar.gz/gr\\udcf6\\udcdfe.py"

    @pytest.mark.parametrize(
        ("raw", "name"),
        [("größe.py".encode(), "größe.py"), ("größe.py".encode("cp437"), "größe.py")],
        ids=["mac", "dos"],
    )
    def test_zip_names_without_the_mark_of_utf8(self, raw: bytes, name: str) -> None:
        archive = zip_of([("x" * len(raw), b"1")])
        archive.write_bytes(archive.read_bytes().replace(b"x" * len(raw), raw))
        with unpacked(archive) as folder:
            assert contents(folder) == {name: b"1"}

    @packers
    def test_backslashes_part_as_on_windows(self, pack: Packer) -> None:
        with unpacked(pack([("models\\net.py", b"1")])) as folder:
            assert contents(folder) == {"models/net.py": b"1"}

    @quick
    @given(
        st.dictionaries(
            st.lists(
                st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\\\0:"), min_size=1, max_size=12),
                min_size=1,
                max_size=4,
            ).map("/".join),
            st.binary(max_size=999),
            max_size=8,
        ),
        st.sampled_from(list(PACKERS)),
    )
    def test_safe_names_survive(self, files: dict[str, bytes], packer: str) -> None:
        safe: dict[str, bytes] = {}
        for name, data in files.items():
            taken = [f"{other}/" for other in safe]
            clash = any(one.startswith(f"{name}/") or f"{name}/".startswith(one) for one in taken)
            if not clash and not {".", "..", "__MACOSX"} & set(name.split("/")) and not name.endswith(".DS_Store"):
                safe[name] = data
        with unpacked(PACKERS[packer](safe.items())) as folder:
            assert contents(folder) == safe


LEADING_OUT = {
    "../evil.py": "'..'",
    "a/../../evil.py": "'..'",
    "a/../b.py": "'..'",
    "..": "'..'",
    "..\\evil.py": "'..'",
    "a\\..\\..\\evil.py": "'..'",
    "__MACOSX/../../evil.py": "'..'",
    "/etc/evil": "absolute",
    "//server/share/evil": "absolute",
    "\\\\server\\share\\evil": "absolute",
    "\\evil": "absolute",
    "C:\\evil.py": "absolute",
    "c:evil.py": "absolute",
    "a/D:/evil.py": "absolute",
}


class TestRefusedPaths:
    @packers
    @pytest.mark.parametrize("name", LEADING_OUT)
    def test_what_leads_out(self, pack: Packer, name: str) -> None:
        message = refused(pack([("net.py", b""), (name, b"evil")]))
        assert f"'{name}'" in message
        assert LEADING_OUT[name] in message

    @quick
    @given(
        st.lists(st.sampled_from(["a", "b c", ".", "", "ü", "x" * 40]), max_size=4),
        st.sampled_from(["..", "/", "C:", "..\\..", "\\"]),
        st.lists(st.sampled_from(["a", ".", "evil.py"]), max_size=3),
        st.sampled_from(list(PACKERS)),
    )
    def test_nothing_leads_out(self, before: list[str], trick: str, after: list[str], packer: str) -> None:
        if trick in ("/", "\\"):
            name = trick + "/".join([*before, *after, "evil.py"])
        else:
            name = "/".join([*before, trick, *after, "evil.py"])
        refused(PACKERS[packer]([("net.py", b""), (name, b"evil")]))

    @packers
    def test_a_name_is_shown_safely(self, pack: Packer) -> None:
        assert "'../\\x1b[31m\\u202e" in refused(pack([("../\x1b[31m\u202e" + "x" * 999, b"")]))

    def test_a_null(self) -> None:
        assert "no file can have" in refused(tar_of([("x", b"")], pax_headers={"path": "a\0.py"}))

    @packers
    @pytest.mark.parametrize("names", [["a", "a/net.py"], ["a/net.py", "a"], ["a/b/", "a/b"]])
    def test_a_file_and_a_folder_of_one_name(self, pack: Packer, names: list[str]) -> None:
        assert "in one place" in refused(pack((name, b"") for name in names))

    def test_through_a_link(self) -> None:
        with zipfile.ZipFile(link_in_zip("a", "b"), "a") as archive:
            archive.writestr("a/net.py", b"")
        assert "'a' is a folder in one place and a link in another" in refused(Path("sub.zip"))

    @packers
    def test_too_deep(self, pack: Packer) -> None:
        with unpacked(pack([("1/2/3", b"")]), SMALL):
            pass
        assert "3 folders deep" in refused(pack([("1/2/3/4", b"")]), SMALL)
        assert "folders deep" in refused(pack([("d/" * 33, b"")]))

    @packers
    def test_too_long(self, pack: Packer) -> None:
        with unpacked(pack([("x" * 30 + "/" + "x" * 29, b"")]), SMALL), unpacked(pack([("ü" * 127, b"")])):
            pass
        assert "too long" in refused(pack([("x" * 30 + "/" + "x" * 30, b"")]), SMALL)
        assert "too long" in refused(pack([("ü" * 128, b"")]))


LINKS: dict[str, Callable[[str, str], Path]] = {"zip": link_in_zip, "tar": symbolic_in_tar, "hard": hard_in_tar}


class TestLinks:
    @pytest.mark.parametrize("link", LINKS.values(), ids=list(LINKS))
    @pytest.mark.parametrize(
        "target", ["/etc/passwd", "../../x", "b/../../../x", "..\\..\\x", "C:\\x", "\\\\server\\x", "\x1b/../../../x"]
    )
    def test_out(self, link: Callable[[str, str], Path], target: str) -> None:
        message = refused(link("a/link", target))
        assert "'a/link' is a link that leads out" in message

    @pytest.mark.parametrize("link", LINKS.values(), ids=list(LINKS))
    @pytest.mark.parametrize("target", ["net.py", "b/net.py", "link", "b/../net.py"])
    def test_inside_is_left_out(self, link: Callable[[str, str], Path], target: str) -> None:
        with unpacked(link("a/link", target)) as folder:
            assert list(folder.rglob("*")) == [folder / "a"]

    def test_hard_links_start_at_the_root(self) -> None:
        with unpacked(symbolic_in_tar("a/link", "../net.py")):
            pass
        assert "leads out" in refused(hard_in_tar("a/link", "../net.py"))

    @pytest.mark.parametrize(
        "kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"D", b"M", b"V", b"?"], ids=str
    )
    def test_no_file_in_tar(self, kind: bytes) -> None:
        assert "a device, a pipe or a sparse file" in refused(tar_of([("x", b"")], type=kind))

    @pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK], ids=oct)
    def test_no_file_in_zip(self, kind: int) -> None:
        assert "a device, a pipe" in refused(zip_of([("x", b"")], mode=kind | 0o644))

    def test_sparse(self) -> None:
        headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(10**12)}
        assert "sparse" in refused(tar_of([("x", b"1")], pax_headers=headers))


class TestTooMuch:
    @packers
    def test_members(self, pack: Packer) -> None:
        with unpacked(pack((f"{number}.py", b"") for number in range(5)), SMALL) as folder:
            assert len(contents(folder)) == 5
        assert "more than 5 members" in refused(pack((f"{number}.py", b"") for number in range(6)), SMALL)

    @packers
    def test_folders_that_paths_imply_are_members(self, pack: Packer) -> None:
        assert "more than 5 members" in refused(pack([("a/b/c", b""), ("d/e/f", b"")]), SMALL)

    @packers
    def test_one_name_over_and_over(self, pack: Packer, recwarn: pytest.WarningsRecorder) -> None:
        assert "more than 5 members" in refused(pack([("__MACOSX/x", b"")] * 6), SMALL)

    @packers
    def test_bytes(self, pack: Packer) -> None:
        data = os.urandom(90_000)
        with unpacked(pack([("a", data), ("b", data)]), SMALL):
            pass
        message = refused(pack([("a", data), ("b", data), ("c", data[:20_001])]), SMALL)
        assert ("up to its member 'c'" in message) or "it is larger than" in message

    @packers
    def test_the_archive_itself(self, pack: Packer) -> None:
        assert "it is larger than 200,000 bytes" in refused(pack([("a", os.urandom(210_000))]), SMALL)

    @packers
    def test_zeros(self, pack: Packer) -> None:
        with unpacked(pack([("a", bytes(50_000))]), SMALL):
            pass
        message = refused(pack([("a", bytes(25_000)), ("b", bytes(25_001))]), SMALL)
        assert "up to its member 'b' it unpacks to more than 20 times its own size" in message

    def test_what_comes_out_is_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def lying(file: IO[bytes], limits: Limits) -> Iterator[Member]:
            for member in real(file, limits):
                yield dataclasses.replace(member, size=0)

        real = module.zip_members
        monkeypatch.setattr(module, "zip_members", lying)
        assert "times its own size" in refused(zip_of([("a", bytes(25_000)), ("b", bytes(25_001))]), SMALL)

    def test_members_that_overlap(self) -> None:
        with zipfile.ZipFile("sub.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("0", bytes(10_000))
            for number in range(1, 50):
                again = copy.copy(archive.filelist[0])
                again.filename = str(number)
                archive.filelist.append(again)
        assert "overlap" in refused(Path("sub.zip"))

    @pytest.mark.parametrize("claim", [10**6, 2**60])
    def test_a_tar_that_claims_more_than_it_has(self, claim: int) -> None:
        info = tarfile.TarInfo("x")
        info.size = claim
        Path("sub.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
        assert "'x'" in refused(Path("sub.tar"), SMALL)

    def test_a_zip_that_claims_more_than_it_has(self) -> None:
        with zipfile.ZipFile("sub.zip", "w") as archive:
            archive.writestr("x", b"1")
            archive.filelist[0].file_size = 2**60
        assert "512 MiB" in refused(Path("sub.zip"), dataclasses.replace(LIMITS, ratio=10**12))
        assert "200 times" in refused(Path("sub.zip"))

    def test_a_zip_that_claims_less_is_damaged(self) -> None:
        with zipfile.ZipFile("sub.zip", "w") as archive:
            archive.writestr("x", b"1" * 999)
            archive.filelist[0].file_size = 10
        damaged(Path("sub.zip"))

    @pytest.mark.parametrize(
        "kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK], ids=str
    )
    @pytest.mark.parametrize("size", [10**5, 2**33])
    def test_a_header_without_end(self, kind: bytes, size: int) -> None:
        info = tarfile.TarInfo("x")
        info.type, info.size = kind, size
        Path("sub.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + b"1" * 100_000)
        assert "too long" in refused(Path("sub.tar"), SMALL)

    def test_a_directory_without_end(self) -> None:
        zip_of((str(number), b"") for number in range(6_000))
        assert "too long" in refused(Path("sub.zip"), dataclasses.replace(LIMITS, members=5))

    def test_headers_in_headers(self) -> None:
        info = tarfile.TarInfo("x")
        info.type, info.size = tarfile.XHDTYPE, 0
        Path("sub.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) * 5_000)
        damaged(Path("sub.tar"))

    def test_a_negative_size(self) -> None:
        infos = [tarfile.TarInfo("x"), tarfile.TarInfo("y")]
        infos[1].size = -512
        Path("sub.tar").write_bytes(b"".join(one.tobuf(tarfile.GNU_FORMAT) for one in infos) + bytes(2048))
        damaged(Path("sub.tar"))


class TestNotIntact:
    @pytest.mark.parametrize("path", ["sub.zip", "sub.tar.gz", "sub.tar.bz2", "sub.tar.xz"])
    @pytest.mark.parametrize("part", [0, 1, 50, 90, 99])
    def test_truncated(self, path: str, part: int) -> None:
        files = [("net.py", os.urandom(5_000)), ("b.py", b"x = 1\n" * 400)]
        archive = (zip_of if path.endswith("zip") else tar_of)(files, path)
        archive.write_bytes(archive.read_bytes()[: archive.stat().st_size * part // 100])
        damaged(archive)

    @pytest.mark.parametrize("length", [0, 100, 511, 512, 1000, 1024, 1600, 2048])
    def test_a_truncated_tar(self, length: int) -> None:
        archive = tar_of([("net.py", b"1"), ("b.py", b"1")], "sub.tar")
        archive.write_bytes(archive.read_bytes()[:length])
        damaged(archive)

    @packers
    def test_a_changed_byte(self, pack: Packer) -> None:
        archive = pack([("net.py", os.urandom(5_000))])
        data = bytearray(archive.read_bytes())
        data[2_500] ^= 1
        archive.write_bytes(data)
        damaged(archive)

    @pytest.mark.parametrize("path", ["sub.zip", "sub.tar.gz", "sub.tar"])
    @pytest.mark.parametrize(
        ("data", "seems"),
        [
            (b"import torch\n", ""),
            (b"Rar!\x1a\x07\x01\x00 and so on", "it is a RAR archive"),
            (b"7z\xbc\xaf\x27\x1c", "it is a 7-Zip archive"),
            (b"\n<!DOCTYPE html><html>404</html>", "it is a web page"),
            (b"%PDF-1.7", "it is a PDF document"),
            (bytes(10), ""),
        ],
    )
    def test_something_else(self, path: str, data: bytes, seems: str) -> None:
        Path(path).write_bytes(data)
        kind = "zip" if path.endswith("zip") else "tar"
        assert damaged(Path(path)).startswith(f"{path} is no intact {kind} archive: {seems}")

    def test_another_kind_of_archive(self) -> None:
        assert "it is a zip archive" in damaged(zip_of([]).rename("sub.tar.gz"))
        assert "it is compressed by gzip" in damaged(tar_of([]).rename("sub.zip"))

    def test_encrypted(self) -> None:
        with zipfile.ZipFile("sub.zip", "w") as archive:
            archive.writestr("net.py", b"1")
            archive.filelist[0].flag_bits |= 1
        assert "'net.py' is encrypted; pack the folder again, without a password" in refused(Path("sub.zip"))

    @pytest.mark.parametrize(("method", "name"), [(zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "lzma")])
    def test_methods_that_could_take_all_memory(self, method: int, name: str) -> None:
        assert f"'net.py' is compressed by {name}" in damaged(zip_of([("net.py", b"1")], method=method))

    @quick
    @given(
        st.sampled_from(["sub.zip", "sub.tar", "sub.tar.gz"]),
        st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4),
    )
    def test_any_damage_is_told_or_harmless(self, path: str, changes: list[tuple[float, int]]) -> None:
        files = [("models/net.py", b"x = 1\n" * 30), ("größe.py", b"1")]
        archive = (zip_of if path.endswith("zip") else tar_of)(files, path)
        data = bytearray(archive.read_bytes())
        for place, change in changes:
            data[int(place * len(data))] ^= change
        archive.write_bytes(data)
        with contextlib.suppress(AuthorError), unpacked(archive) as folder:
            assert len(contents(folder)) <= 2

    def test_none_there(self) -> None:
        with pytest.raises(UsageError, match=r"there is no file sub\.zip"), unpacked("sub.zip"):
            pass

    @pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["folder", "pipe"])
    def test_no_file(self, make: Callable[[str], None]) -> None:
        make("sub.zip")
        with pytest.raises(UsageError, match="there is no file"), unpacked("sub.zip"):
            pass

    def test_no_space(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(self: Path, *args: object) -> None:
            raise OSError(28, "No space left on device")

        archive = zip_of([("a/net.py", b"1")])
        monkeypatch.setattr(Path, "mkdir", full)
        with (
            pytest.raises(UsageError, match=r"sub\.zip could not be unpacked into .*: No space left"),
            unpacked(archive),
        ):
            pass


class TestShown:
    def test_files_are_named_below_the_archive(self, desk: Path) -> None:
        with unpacked(zip_of([("models/net.py", b"1 / 0\n")])) as folder:
            path = folder / "models/net.py"
            assert shown_path(folder) == "sub.zip"
            assert shown_path(path) == shown_path(str(path)) == "sub.zip/models/net.py"
            with pytest.raises(LoadError) as caught, author_code(LoadError, "net.py could not be loaded"):
                exec(compile(path.read_text(), path, "exec"), {})
        assert (caught.value.file, caught.value.line) == ("sub.zip/models/net.py", 1)
        assert str(folder) not in caught.value.message
        assert shown_path(path) == str(path)
        assert shown_path(desk / "net.py") == "net.py"

    def test_two_archives_and_another_thread(self, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        first, second = zip_of([("net.py", b"")]), zip_of([("net.py", b"")], str(tmp_path / "other/b.zip"))
        told: list[str] = []
        with unpacked(first) as one, unpacked(second) as two:
            thread = threading.Thread(target=lambda: told.extend(shown_path(path / "net.py") for path in (one, two)))
            thread.start()
            thread.join()
        assert told == ["sub.zip/net.py", f"{tmp_path}/other/b.zip/net.py"]

    def test_a_temporary_folder_behind_a_link(
        self, tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "link").symlink_to(temporary)
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "link"))
        with unpacked(zip_of([("net.py", b"")])) as folder:
            assert folder == folder.resolve()
            assert shown_path(folder / "net.py") == "sub.zip/net.py"

    def test_the_archives_own_name_is_shown_safely(self) -> None:
        name = "\x1b[31m.zip"
        with unpacked(zip_of([("net.py", b"")], name)) as folder:
            assert shown_path(folder / "net.py") == "\\x1b[31m.zip/net.py"
        Path(name).write_bytes(b"")
        with pytest.raises(LoadError) as caught, unpacked(name):
            pass
        assert caught.value.message.startswith("\\x1b[31m.zip is no intact zip archive")
