"""What is said to hold does, and would be seen if it did not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import pytest

from modelcheck.grading.sandbox import check, choose
from modelcheck.grading.sandbox.checking import _IN_ONE, PROBES, _bait
from modelcheck.grading.sandbox.places import guarded

from .conftest import SANDBOXES


@pytest.mark.parametrize("name", SANDBOXES)
def test_all_holds(name: str) -> None:
    found = check(choose(name))  # type: ignore[arg-type]
    assert {one.name: one.evidence for one in found if not one.holds} == {}
    assert len(found) == 10


def test_without_a_sandbox_nothing_does() -> None:
    assert not any(one.holds for one in check(choose("none")))


def test_the_probes_succeed_where_nothing_holds_them(tmp_path: Path) -> None:
    (tmp_path / "probe").mkdir()
    with _bait("none") as (given, seen):
        given = {**given, "folder": str(tmp_path), "package": str(tmp_path), "python": str(tmp_path)}
        given |= {"roots": [], "processes": 8, "file_mib": 4, "memory_mib": 64}
        probes = list(_IN_ONE)
        (tmp_path / "probe" / "given.json").write_text(json.dumps({**given, "probes": probes}))
        # the files of the machine are left as they are
        code = (
            PROBES.read_text()
            .replace('"/", "/etc", "/usr", "/dev", "/proc/sys/kernel"', "")
            .replace("_MOST_CHILDREN = 500", "_MOST_CHILDREN = 20")
        )
        code = code.replace("_NEW_USER, _NEW_NS)", "_NEW_USER,)")
        done = subprocess.run([sys.executable, "-c", f"{code}\nNet()"], capture_output=True, text=True, cwd=tmp_path)
        assert seen() == ["the grader was reached"] * 3
    found = dict(map(json.loads, done.stdout.splitlines()))
    assert [name for name in probes if not found.get(name)] == [], done.stderr
    assert {Path(one.rpartition(" (")[0]).name for one in found["labels"]} >= {"t10k-labels-idx1-ubyte.gz"}
    assert not [name for name in found if any(one.startswith("stopped by") for one in found[name])], found


# in another process: as one whose user is not root, or whose Python is another
USER = """
import sys
from modelcheck.grading.sandbox import check, choose
found = check(choose(sys.argv[1]))
print([(one.name, one.evidence) for one in found if not one.holds])
"""


@pytest.mark.parametrize("name", SANDBOXES)
def test_all_holds_for_an_environment_below_tmp(name: str) -> None:
    """As in a clone that somebody tries there: the author's own folder must not cover it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        venv.create(folder, symlinks=True)
        (packages,) = Path(folder).glob("lib/*/site-packages")
        (packages / "these.pth").write_text("\n".join(one for one in sys.path if Path(one).is_dir()))
        command = [f"{folder}/bin/python", "-c", USER, name]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/")
    assert done.stdout == "[]\n", done.stderr


def test_what_is_guarded_is_all_there_is() -> None:
    """Labels elsewhere in the package would be seen by everybody."""
    package = Path(PROBES).parents[2]
    data = [one for one in package.rglob("*") if one.suffix in {".gz", ".npy", ".npz", ".pt", ".safetensors", ".idx"}]
    assert data
    assert not [one for one in data if not any(one.is_relative_to(folder) for folder in guarded())]


@pytest.mark.parametrize("name", SANDBOXES)
def test_all_holds_for_an_ordinary_user(name: str) -> None:
    command = [sys.executable, "-c", USER, name]
    if os.getuid() == 0:
        shown = [str(Path(one).resolve()) for one in (sys.base_prefix, sys.prefix, Path(PROBES).parents[3])]
        binds = [part for one in shown if one.startswith("/root/") for part in ("--ro-bind", one, one)]
        home = [*(("--perms", "0755", "--tmpfs", "/root") if binds else ()), *_parents(binds), *binds]
        as_user = ["setpriv", "--reuid", "2345", "--regid", "2345", "--clear-groups", "--inh-caps=-all", "--"]
        command = ["bwrap", "--dev-bind", "/", "/", *home, "--", *as_user, *command]
    environment = {**os.environ, "HOME": "/tmp"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd="/")
    assert done.stdout == "[]\n", done.stderr


def _parents(binds: list[str]) -> list[str]:
    parents = sorted({parent for one in binds if one != "--ro-bind" for parent in Path(one).parents})
    below = [str(one) for one in parents if str(one).startswith("/root/")]
    return [part for one in below for part in ("--perms", "0755", "--dir", one)]
