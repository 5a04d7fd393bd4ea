"""The pages as a browser shows them: to the eye, by keyboard, to a screen reader, on paper, and to an attacker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelcheck.grading.encoding import folder_name
from modelcheck.grading.site.index import write_index
from modelcheck.grading.site.submission import write_submission
from tests.parts import missing

from .browser import Browser, browser
from .making import CLUSTERS, COURSE, IMAGES, grade, grades, hostile, sized

AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"
PAGES = ["index", "hostile", *(one.id for one in grades()), "hostile-0", "hostile-1"]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of a course by name, and those of a course of attackers."""
    found = {}
    for name, given, prefix in (("index", grades(), ""), ("hostile", hostile(), "hostile-")):
        out = tmp_path_factory.mktemp(name)
        write_index(out, COURSE, given, CLUSTERS if name == "index" else ())
        found[name] = out / "index.html"
        for place, one in enumerate(given):
            folder = out / "submissions" / folder_name(one.id)
            folder.mkdir(parents=True)
            write_submission(folder, COURSE, one, IMAGES)
            found[f"{prefix}{place}" if prefix else one.id] = folder / "index.html"
    return found


def faults(shown: Browser) -> list[tuple[str, str, str]]:
    """What axe-core finds that is serious or critical: its rule, how grave, and where first."""
    if not AXE.is_file():
        missing(f"{AXE} is missing: npm ci --prefix {Path(__file__).parent}")
    shown.run(f"{AXE.read_text(encoding='utf-8')};0")
    found: dict[str, Any] = json.loads(shown.run("axe.run(document).then(JSON.stringify)"))
    assert len(found["passes"]) > 15, "axe-core has looked at next to nothing"
    return [
        (one["id"], one["impact"], one["nodes"][0]["html"][:200])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (320, False), (320, True)])
@pytest.mark.parametrize("name", PAGES)
def test_there_is_no_serious_fault_of_accessibility(
    shown: Browser, pages: dict[str, Path], name: str, width: int, dark: bool
) -> None:
    shown.open(pages[name], width=width, dark=dark)
    shown.run("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert faults(shown) == []


def test_axe_finds_the_fault_that_is_put_in(shown: Browser, pages: dict[str, Path]) -> None:
    shown.open(pages["cy"])
    shown.run("document.querySelectorAll('img').forEach((one) => one.removeAttribute('alt'))")
    assert [one[0] for one in faults(shown)] == ["image-alt"]


@pytest.mark.parametrize("width", [320, 800, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_the_screen(shown: Browser, pages: dict[str, Path], name: str, width: int) -> None:
    shown.open(pages[name], width=width)
    shown.run("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert shown.run("document.scrollingElement.scrollWidth") <= width


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_loaded_and_nothing_is_refused(shown: Browser, pages: dict[str, Path], name: str) -> None:
    shown.open(pages[name])
    assert [one for one in shown.requests if not one.startswith("data:image/png")] == [pages[name].as_uri()]
    assert shown.messages == []
    assert shown.run("window.hacked === undefined")


@pytest.mark.parametrize("name", ["index", "cy"])
def test_the_page_refuses_what_was_smuggled_in(shown: Browser, pages: dict[str, Path], name: str) -> None:
    shown.open(pages[name])
    shown.run("window.refused = []; 0")
    shown.run("addEventListener('securitypolicyviolation', (one) => refused.push(one.effectiveDirective))")
    smuggled = "<img src='/x.png' onerror='window.hacked=1'><p id=styled onclick='window.hacked=1' style='color: red'>"
    shown.run(f'document.body.insertAdjacentHTML("beforeend", `{smuggled}`)')
    shown.run("const one = document.createElement('script'); one.text = 'window.hacked = 1'; document.body.append(one)")
    shown.run("document.getElementById('styled').click()")
    assert shown.run("fetch('/x.json').catch(String)") == "TypeError: Failed to fetch"
    assert shown.run("getComputedStyle(document.getElementById('styled')).color") != "rgb(255, 0, 0)"
    assert shown.run("window.hacked === undefined")
    assert {"img-src", "style-src-attr", "script-src-attr", "script-src-elem", "connect-src"} <= set(
        shown.run("refused")
    )


def column(shown: Browser, place: int) -> list[str]:
    cells = (
        f"[...document.querySelectorAll('.submissions tbody tr')].map((row) => row.cells[{place}].textContent.trim())"
    )
    return shown.run(cells)


def test_the_table_is_sorted_by_keyboard_and_says_so(shown: Browser, pages: dict[str, Path]) -> None:
    shown.open(pages["index"])
    as_written = column(shown, 0)
    shown.run("document.querySelectorAll('.submissions button')[4].focus()")
    shown.press("Enter", 13, "\r")
    sizes = [int(one.replace(",", "")) for one in column(shown, 4) if one]
    assert sizes == sorted(sizes)
    assert column(shown, 4)[len(sizes) :] == ["", ""]  # of which nothing is known come last
    order = "[...document.querySelectorAll('.submissions thead th')].map((one) => one.getAttribute('aria-sort'))"
    assert shown.run(order) == ["none"] * 4 + ["ascending"] + ["none"] * 4
    assert shown.run("document.getElementById('sorted').textContent") == "Sorted by Parameters, ascending"
    shown.press("Enter", 13, "\r")
    assert column(shown, 4) == [*(f"{one:,}" for one in reversed(sizes)), "", ""]
    assert shown.run(order)[4] == "descending"
    shown.run("document.querySelectorAll('.submissions button')[0].click()")
    assert column(shown, 0) == as_written


def test_the_first_key_leads_past_what_is_on_top_and_shows_where_it_is(shown: Browser, pages: dict[str, Path]) -> None:
    shown.open(pages["index"])
    shown.press("Tab", 9)
    focused = "document.activeElement.textContent"
    assert shown.run(focused) == "Skip to the content"
    assert shown.run("document.activeElement.getBoundingClientRect().left") >= 0
    assert shown.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    shown.press("Enter", 13, "\r")
    assert shown.run("document.activeElement.id") == "main"


@pytest.mark.parametrize("name", PAGES)
def test_without_script_everything_is_there(shown: Browser, pages: dict[str, Path], name: str) -> None:
    text = "document.body.innerText.replace(/[↕\\s]+/g, ' ')"
    shown.open(pages[name])
    with_script = shown.run(text)
    shown.open(pages[name], script=False)
    assert shown.run("document.querySelectorAll('button').length") == 0
    assert shown.run(text) == with_script


def test_paper_is_white_and_holds_what_is_folded_away(shown: Browser, pages: dict[str, Path]) -> None:
    shown.open(pages["cy"], dark=True)
    assert shown.printed().startswith(b"%PDF-")
    dark = {"name": "prefers-color-scheme", "value": "dark"}
    shown.call("Emulation.setEmulatedMedia", media="print", features=[dark])
    assert shown.run("getComputedStyle(document.body).color") == "rgb(29, 31, 35)"
    assert shown.run("document.querySelector('details:not(.silent) table').checkVisibility()")
    shown.call("Emulation.setEmulatedMedia", media="", features=[])


def test_a_thousand_submissions_are_usable(shown: Browser, tmp_path: Path) -> None:
    base = grade("s", "measured")
    given = [grade(f"s{k:04}", sized(base.report, 9_000 + k * 7919 % 20_000)) for k in range(1000)]
    write_index(tmp_path, COURSE, given)
    shown.open(tmp_path / "index.html", width=800)
    taken = shown.run("""(() => {
        const start = performance.now();
        document.querySelectorAll(".submissions button")[3].click();
        return [document.body.offsetHeight, performance.now() - start][1];
    })()""")
    assert taken < 2_000  # ms, laid out anew
    sizes = [int(one.replace(",", "")) for one in column(shown, 3)]
    assert sizes == sorted(sizes)
    assert len(sizes) == 1000
