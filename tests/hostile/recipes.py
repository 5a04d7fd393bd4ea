"""Submissions that are made when they are tried: archives, pipes, links, and names that no repository should hold."""

from __future__ import annotations

import io
import json
import os
import pickle
import socket
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

HONEST = (Path(__file__).parent / "cases" / "00_honest" / "net.py").read_text()

Recipe = Callable[[Path], Path]


def _folder(where: Path) -> Path:
    made = where / "submission"
    made.mkdir()
    (made / "net.py").write_text(HONEST)
    return made


def _zip(where: Path, *extra: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    path = where / "submission.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net.py", HONEST)
        for name, content in extra:
            archive.writestr(name, content)
    return path


def _tar(where: Path, *extra: tuple[tarfile.TarInfo, bytes]) -> Path:
    path = where / "submission.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for info, content in ((tarfile.TarInfo("net.py"), HONEST.encode()), *extra):
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def _member(name: str, kind: bytes = tarfile.REGTYPE, leads_to: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, leads_to
    return info


def zip_that_climbs(where: Path) -> Path:
    return _zip(where, ("../canary", b"changed"))


def zip_that_climbs_by_backslashes(where: Path) -> Path:
    return _zip(where, ("..\\canary", b"changed"))


def zip_of_an_absolute_path(where: Path) -> Path:
    return _zip(where, (str(where / "canary"), b"changed"))


def zip_of_a_link(where: Path) -> Path:
    info = zipfile.ZipInfo("weights")
    info.external_attr = 0o120777 << 16
    return _zip(where, (info, str(where / "canary").encode()))


def zip_of_zeros(where: Path) -> Path:
    """Ten gigabytes of zeros in ten megabytes: claimed and deflated in pieces, so that nobody holds them."""
    path = where / "submission.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net.py", HONEST)
        with archive.open("zeros.bin", "w", force_zip64=True) as member:
            zeros = bytes(2**24)
            for _ in range(40):  # 640 MiB are over the limit as ten thousand would be, and made in a second
                member.write(zeros)
    return path


def zip_of_two_names(where: Path) -> Path:
    path = _zip(where)
    path.write_bytes(path.read_bytes().replace(b"net.py", b"../can", 1))  # before the file, but not in the list
    return path


def tar_that_climbs(where: Path) -> Path:
    return _tar(where, (_member("inside/../../canary"), b"changed"))


def tar_of_a_link_and_a_file_through_it(where: Path) -> Path:
    return _tar(where, (_member("way", tarfile.SYMTYPE, ".."), b""), (_member("way/canary"), b"changed"))


def tar_of_a_hard_link(where: Path) -> Path:
    return _tar(where, (_member("weights", tarfile.LNKTYPE, "../canary"), b""))


def tar_that_climbs_by_its_extended_header(where: Path) -> Path:
    info = _member("inside")
    info.pax_headers = {"path": "../canary"}
    return _tar(where, (info, b"changed"))


def tar_of_a_device(where: Path) -> Path:
    return _tar(where, (_member("zeros.py", tarfile.CHRTYPE), b""))


def folder_with_a_link_out(where: Path) -> Path:
    made = _folder(where)
    (made / "another.py").symlink_to(where / "another.py")
    return made


def folder_with_a_link_to_everything(where: Path) -> Path:
    made = _folder(where)
    (made / "data").symlink_to("/")
    return made


def a_link_for_a_submission(where: Path) -> Path:
    (path := where / "submission.py").symlink_to(where / "another.py")
    return path


def folder_that_holds_itself(where: Path) -> Path:
    made = _folder(where)
    (made / "again").symlink_to(".")
    return made


def folder_with_odd_names(where: Path) -> Path:
    made = _folder(where)
    for name in (b"\x1b[31mred.py", b"=cmd|' !A1.py", b"\xff\xfe.py", b"new\nline.py", "\u202eyp.net".encode()):
        (made / os.fsdecode(name)).write_text("")
    return made


def file_of_an_odd_name(where: Path) -> Path:
    path = where / "=HYPERLINK(\u202e)\x1b[2J\n<b>.py"
    path.write_text(HONEST)
    return path


def file_of_an_invalid_name(where: Path) -> Path:
    path = where / os.fsdecode(b"net\xff.py")
    path.write_text(HONEST)
    return path


class _Opened:
    """Unpickled, it makes a file where all of the machine's users may."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return exec, (f"open({str(self.path)!r}, 'w').write('30')",)


def checkpoint_with_a_pickle(where: Path) -> Path:
    made = _folder(where)
    source = HONEST.replace(
        "super().__init__()",
        "super().__init__()\n        torch.load(__file__.replace('net.py', 'weights.pt'))",
    )
    (made / "net.py").write_text("import torch\n" + source)
    (made / "weights.pt").write_bytes(pickle.dumps(_Opened(where / "left_by_30")))
    return made


def folder_with_a_pipe(where: Path) -> Path:
    made = _folder(where)
    os.mkfifo(made / "aaa.py")
    os.mkfifo(made / "README.md")
    os.mkfifo(made / "modelcheck.toml")
    return made


def folder_with_a_socket(where: Path) -> Path:
    made = _folder(where)
    with socket.socket(socket.AF_UNIX) as one:
        before = Path.cwd()
        os.chdir(made)  # the path of a socket is short
        try:
            one.bind("aaa.py")
        finally:
            os.chdir(before)
    return made


def a_pipe(where: Path) -> Path:
    os.mkfifo(path := where / "submission.py")
    return path


def a_pipe_for_an_archive(where: Path) -> Path:
    os.mkfifo(path := where / "submission.zip")
    return path


def folder_with_a_hard_link(where: Path) -> Path:
    made = _folder(where)
    os.link(where / "canary", made / "weights.txt")
    return made


def folder_that_is_too_deep(where: Path) -> Path:
    made = deepest = _folder(where)
    for _ in range(200):
        deepest = deepest / "d"
        deepest.mkdir()
    (deepest / "net.py").write_text(HONEST)
    return made


def _cell(text: str) -> str:
    return json.dumps({"cell_type": "code", "metadata": {}, "outputs": [], "source": [text]})


def _notebook(where: Path, *cells: str) -> Path:
    path = where / "submission.ipynb"
    path.write_text(f'{{"cells": [{", ".join(cells)}], "metadata": {{}}, "nbformat": 4}}')
    return path


def notebook_of_a_million_cells(where: Path) -> Path:
    return _notebook(where, *[_cell("pass")] * 10**6, _cell(HONEST))


def notebook_of_commands(where: Path) -> Path:
    lines = """\
!touch $HOME/left_by_33; rm -rf $HOME/canary
%run ../another.py
%load_ext evil
get_ipython().system('touch $HOME/left_by_33')
"""
    cells = (lines, "%%bash\ntouch $HOME/left_by_33", "%%writefile ../another.py\nchanged", HONEST, lines)
    return _notebook(where, *map(_cell, cells))


def notebook_that_breaks_off(where: Path) -> Path:
    path = _notebook(where, _cell(HONEST))
    path.write_text(path.read_text()[:-100])
    return path


def notebook_of_no_text(where: Path) -> Path:
    path = where / "submission.ipynb"
    sources = (5, None, {"a": 1}, [1, None], ["a", 3])
    cells = [None, {}, [], *({"cell_type": "code", "outputs": 3, "source": one} for one in sources)]
    path.write_text(json.dumps({"cells": cells, "metadata": None, "nbformat": "4"}))
    return path


def notebook_that_is_nested(where: Path) -> Path:
    path = where / "submission.ipynb"
    path.write_text('{"cells": ' + "[" * 10**6)
    return path


def source_that_is_nested(where: Path) -> Path:
    path = where / "submission.py"
    path.write_text(HONEST + "deep = " + "(" * 10**5 + ")" * 10**5 + "\n")
    return path
