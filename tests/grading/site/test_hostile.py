from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from modelcheck.grading.records import Grade
from modelcheck.grading.site.index import write_index
from modelcheck.grading.site.submission import write_submission

from .making import COURSE, IMAGES, UNSEEN, WORST, grades, hostile
from .reading import read

LINK = re.compile(r"#[a-z]+|\.\./\.\./index\.html|submissions/[a-z0-9_.~-]+/index\.html")


def written(out: Path, page: str | int, given: list[Grade]) -> Path:
    """The course's page, or that of the submission at that place."""
    if page == "index":
        write_index(out, COURSE, given)
    else:
        write_submission(out, COURSE, given[int(page)], IMAGES)
    return out / "index.html"


@pytest.fixture(params=["index", 0, 1])
def page(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return written(tmp_path, request.param, hostile())


def test_nothing_that_an_author_names_becomes_part_of_the_page(page: Path, tmp_path_factory: Any) -> None:
    out = tmp_path_factory.mktemp("harmless")
    pages = [read(written(out, one, grades())) for one in ("index", *range(len(grades())))]
    harmless = [element for one in pages for element in one.every()]
    found = read(page)
    assert {one.tag for one in found.every()} <= {one.tag for one in harmless}
    names = {name for one in harmless for name in one.attributes}
    assert {name for one in found.every() for name in one.attributes} <= names
    assert len(found.all("script")) == len(found.all("nav"))  # the course's page alone has these
    assert all(LINK.fullmatch(one.attributes["href"]) for one in found.all("a"))
    assert all(one.attributes["src"].startswith("data:image/png;base64,") for one in found.all("img"))
    assert "9359" not in found.text


def test_what_cannot_be_seen_is_made_visible(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert {c for c in text if not c.isprintable()} == {"\n"}
    assert all(c.encode("unicode_escape").decode() in text for c in UNSEEN)
    assert "<script>window.hacked=1</script>" in read(page).text


def test_the_page_stays_small_whatever_is_in_it(page: Path) -> None:
    assert sum(len(one.id) for one in hostile()) < 1000 < len(WORST) * 10
    assert page.stat().st_size < 500_000


def test_many_findings_and_layers_are_cut_short_and_said_to_be(tmp_path: Path) -> None:
    write_submission(tmp_path, COURSE, hostile()[0])
    found = read(tmp_path / "index.html")
    (advice,) = (one for one in found.all("article") if "MC401" in one.all("h3")[0].text)
    assert len(advice.all("ul")[0].children) == 20
    assert "… and 280 more findings of this rule" in advice.text
    assert "… and 4,501 more layers" in found.text
