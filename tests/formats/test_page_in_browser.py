"""The page of ``--format html`` as a browser shows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelcheck.formats import render_all
from modelcheck.report import Report
from tests.grading.site.browser import Browser, browser
from tests.grading.site.test_in_browser import faults

from .making import poisoned


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("given", ["three models", "an attacker's"])
def test_it_is_readable_loads_nothing_and_runs_nothing(
    given: str, dark: bool, width: int, opened: Browser, reports: dict[str, Report], tmp_path: Path
) -> None:
    shown = [reports["measured"], reports["failing"], reports["MC003"]]
    if given == "an attacker's":
        evil = "\u202e</style><script>window.hacked=1</script><img src=x onerror=window.hacked=1>" + "x" * 10_000
        shown = [poisoned(one, evil) for one in shown]
    path = tmp_path / "page.html"
    path.write_text(render_all("html", shown, width=80, color=False), encoding="utf-8")
    opened.open(path, width=width, dark=dark)
    assert opened.requests == [path.as_uri()]
    assert opened.messages == []
    opened.run("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert opened.run("document.scrollingElement.scrollWidth") <= width
    assert opened.run("window.hacked === undefined")
    assert faults(opened) == []
