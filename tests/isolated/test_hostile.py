"""Submissions that misbehave, one a file in ``hostile/``; each is loaded in a process of its own."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelcheck.errors import AuthorError
from modelcheck.inputs import InputSpec
from modelcheck.isolated import watching
from modelcheck.isolated.parent import capture_isolated
from modelcheck.isolated.proc import is_alive, processes
from modelcheck.isolated.protocol import Limits

PICTURE = (InputSpec((1, 28, 28)),)

HOSTILE = Path(__file__).parent / "hostile"
LIMITS = Limits(wall_s=60, cpu_s=20, memory_mib=1024, file_mib=16, output_kib=1)
SHORT = Limits(wall_s=5, cpu_s=20, memory_mib=1024, file_mib=16, output_kib=1)
LITTLE_CPU = Limits(wall_s=60, cpu_s=2, memory_mib=1024, file_mib=16, output_kib=1)
SOME_CPU = Limits(wall_s=60, cpu_s=4, memory_mib=1024, file_mib=16, output_kib=1)  # enough to get to forward


@dataclass(frozen=True)
class Case:
    """What a submission must give; without a code, a capture."""

    code: str | None
    text: str = ""
    lines: tuple[int, ...] = ()
    limits: Limits = LIMITS


CASES = {
    "loops_in_the_class_body": Case("MC601", "was stopped after 5 s", lines=(5, 6), limits=SHORT),
    "loops_in_init": Case("MC601", "was stopped after 2 s of processor time", lines=(7, 8), limits=LITTLE_CPU),
    "loops_in_forward": Case("MC601", "it was at loops_in_forward.py, line ", lines=(6, 7), limits=SOME_CPU),
    "ignores_its_limits": Case("MC601", "was stopped after 2 s of processor time", limits=LITTLE_CPU),
    "stops_itself": Case("MC601", "was stopped after 5 s", limits=SHORT),
    "bombs_the_output": Case("MC601", "was stopped after 5 s", lines=(8,), limits=SHORT),
    "bombs_the_memory": Case("MC602", "MemoryError\nIts process may have 1,024 MiB", lines=(7,)),
    "bombs_the_disk": Case("MC001", "File too large", lines=(9,)),
    "kills_itself": Case("MC603", "it died of SIGKILL"),
    "breaks_native_code": Case("MC603", "it died of SIGSEGV; it was at breaks_native_code.py, line 8", lines=(8,)),
    "exits_at_once": Case("MC603", "it ended with status 0"),
    "exits_politely": Case("MC001", "SystemExit", lines=(7,)),
    "interrupts": Case("MC603", "KeyboardInterrupt", lines=(6,)),
    "raises_something_unreadable": Case("MC002", "Odd (its message cannot be read)", lines=(11,)),
    "forges_its_result": Case("MC001", "wrote no usable capture: it is no intact zip archive"),
    "gives_a_link_for_a_result": Case("MC603", "left no usable result: result.json cannot be read"),
    "gives_a_pipe_for_a_result": Case("MC603", "left no usable result: result.json is no plain file"),
    "closes_everything": Case(None),
    "has_a_name_of_a_megabyte": Case(None),
    "leaves_a_daemon": Case(None),
}


@dataclass(frozen=True)
class Ran:
    error: AuthorError | None
    seconds: float


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hostile")
    for file in HOSTILE.glob("*.py"):
        shutil.copy(file, made)
    return made


@pytest.fixture(scope="module")
def running(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Ran]]]:
    """All of them, a few at a time: most of their time goes into importing torch, or into waiting."""

    def run(name: str, case: Case) -> Ran:
        before = time.monotonic()
        try:
            capture_isolated(f"{name}.py:Net", PICTURE, limits=case.limits)
        except AuthorError as error:
            return Ran(error, time.monotonic() - before)
        return Ran(None, time.monotonic() - before)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(3) as pool:
        patch.chdir(folder)
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("private")))
        patch.setattr(watching, "STACK_S", 10.0)  # where it was is asked for below, on a machine that does other things
        yield {name: pool.submit(run, name, case) for name, case in CASES.items()}


def test_every_submission_is_tried() -> None:
    assert {file.stem for file in HOSTILE.glob("*.py")} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_submission(name: str, running: dict[str, Future[Ran]]) -> None:
    case, ran = CASES[name], running[name].result(timeout=300)
    if case.code is None:
        assert ran.error is None
        return
    assert ran.error is not None
    assert ran.error.code == case.code
    assert ran.error.line in (case.lines or (None,))
    assert ran.error.file == (f"{name}.py" if case.lines else None)
    assert case.text in ran.error.message
    assert len(ran.error.message) < 2000
    assert ran.error.message.replace("\n", "").isprintable()


class TestAfterwards:
    @pytest.fixture(autouse=True)
    def _all_have_run(self, running: dict[str, Future[Ran]]) -> None:
        for one in running.values():
            one.result(timeout=300)

    def test_none_has_run_here(self) -> None:
        assert not [name for name in sys.modules if name.rpartition(".")[2].removesuffix(".py") in CASES]
        assert os._exit.__module__ == "posix"

    def test_their_daemons_are_dead(self, folder: Path) -> None:
        pids = [int(line) for line in (folder / "daemons").read_text().split()]
        assert len(pids) == 2
        assert not [pid for pid in pids if is_alive(pid)]

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells where a process is")
    def test_nothing_is_left_running(self, folder: Path) -> None:
        def is_there(pid: int) -> bool:
            try:
                return Path(f"/proc/{pid}/cwd").readlink() == folder
            except OSError:
                return False

        assert {one.pid for one in processes() if one.alive and is_there(one.pid)} <= {os.getpid()}

    def test_no_file_is_left(self, folder: Path) -> None:
        assert list(Path(tempfile.gettempdir()).iterdir()) == []
        assert (folder / "big").stat().st_size == LIMITS.file_mib * 2**20
