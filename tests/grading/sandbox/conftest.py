from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelcheck.grading.sandbox import choose
from modelcheck.grading.sandbox.starter import Starter
from modelcheck.inputs import InputSpec
from modelcheck.isolated.protocol import Limits

SANDBOXES = ("bubblewrap", "process")
PICTURE = (InputSpec((1, 28, 28)),)
LIMITS = Limits(wall_s=30, cpu_s=20, memory_mib=1024, file_mib=16, output_kib=16, processes=32)


@pytest.fixture(scope="module", params=SANDBOXES)
def starter(request: pytest.FixtureRequest) -> Iterator[Starter]:
    """A sandbox that has started; both must be there where the tests run."""
    with choose(request.param).start(LIMITS) as one:
        assert isinstance(one, Starter)
        yield one


def submission(folder: Path, code: str, name: str = "alice") -> Path:
    """A folder that was handed in."""
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "net.py").write_text(code)
    return folder / name
