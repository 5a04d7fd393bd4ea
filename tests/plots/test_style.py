from __future__ import annotations

import struct
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from modelcheck.errors import UsageError
from modelcheck.plots import check_figure
from modelcheck.plots.style import write_figure

SIGNATURES = {".png": b"\x89PNG\r\n\x1a\n", ".svg": b"<?xml", ".pdf": b"%PDF-"}


@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf", ".PNG"])
def test_the_ending_is_the_format(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"figure{ending}"
    check_figure(path, "--plot")
    write_figure(Figure(figsize=(3, 2)), path)
    data = path.read_bytes()
    assert data.startswith(SIGNATURES[ending.lower()])
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    if ending.lower() == ".png":
        assert struct.unpack(">II", data[16:24]) == (450, 300)


@pytest.mark.parametrize("name", ["curves", "curves.jpg", "curves.png.txt", ".png"])
def test_another_ending_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--plot .*: a figure's file ends in \.png, \.svg or \.pdf"):
        check_figure(tmp_path / name, "--plot")


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--plot .*: there is no folder"):
        check_figure(tmp_path / "gone" / "curves.png", "--plot")


def test_a_character_that_the_font_does_not_have_is_a_box_and_no_warning(tmp_path: Path) -> None:
    figure = Figure()
    figure.suptitle("网络")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_figure(figure, tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").is_file()


def test_no_display_and_no_state_of_pyplots(tmp_path: Path) -> None:
    text = f"""
import sys
from pathlib import Path
from matplotlib.figure import Figure
from modelcheck.plots.style import look, write_figure
with look():
    figure = Figure()
write_figure(figure, Path({str(tmp_path / "a.png")!r}))
print(sorted({{"matplotlib.pyplot", "torch", "tkinter"}} & set(sys.modules)))
"""
    made = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True, env={})
    assert made.stdout == "[]\n"
