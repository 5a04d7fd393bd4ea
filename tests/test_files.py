from __future__ import annotations

import os
from pathlib import Path

from modelcheck.files import remove_folder


def test_a_folder_is_removed_however_deep(tmp_path: Path) -> None:
    (top := tmp_path / "top").mkdir()
    here = os.open(top, os.O_RDONLY)
    for _ in range(2000):
        os.mkdir("d" * 50, dir_fd=here)
        above, here = here, os.open("d" * 50, os.O_RDONLY, dir_fd=here)
        os.close(above)
    os.close(here)
    remove_folder(str(top))
    assert not top.exists()
