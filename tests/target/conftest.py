from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from target.making import NET


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current directory with net.py in it, and modules left as they were."""
    monkeypatch.chdir(tmp_path)
    modules = set(sys.modules)
    (tmp_path / "net.py").write_text(NET)
    yield tmp_path
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", None) or "") or name == "ns":
            del sys.modules[name]
