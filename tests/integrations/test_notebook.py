"""What a notebook shows below a cell."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

import modelcheck
from modelcheck.notebook import cell
from modelcheck.report import Report
from tests.formats.conftest import ERRORS, FAILING, in_file, stopped
from tests.formats.making import HOSTILE, measured, poisoned

CELLS = [
    "import modelcheck\nfrom reference_model import Net",
    "modelcheck.inspect(Net(), policy='mnist-20k')",
    FAILING,
    "modelcheck.inspect(Net(), policy='mnist-20k')",
    "modelcheck.inspect(Net)",
    "print(modelcheck.inspect(Net(), policy='mnist-20k').parameters.total)",
    "modelcheck.inspect(Net(), input=(3, 28, 28))",
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook's cells, after a real kernel has run them."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    folder = tmp_path_factory.mktemp("notebook")
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return book.cells


def html(one: Any) -> str:
    (output,) = one.outputs
    return str(output.data["text/html"])


class Seen(HTMLParser):
    """The words of a page and the names of its elements and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words += data.split()


def shown(text: str) -> str:
    return " ".join(Seen(text).words)


def test_a_cell_shows_the_table(executed: Any) -> None:
    text = shown(html(executed[1]))
    assert "✓ pass reference_model.net:Net passes mnist-20k" in text
    assert "MC101 parameter-budget ✓ pass 18,592 parameters, at most 19,999 allowed" in text
    assert "convblock1.0 Conv2d 32×26×26 288 194,688" in text


def test_a_class_of_the_notebook_s_own_is_inspected(executed: Any) -> None:
    for one in executed[3:5]:
        assert "fc1 Linear 30 23,550 23,520" in shown(html(one))
    assert "✗ fail __main__:Net fails mnist-20k: MC101, MC201, MC203" in shown(html(executed[3]))
    assert executed[5].outputs[0].text == "24170\n"


def test_the_lines_of_its_cells_are_named_as_its_errors_name_them(executed: Any) -> None:
    assert "or delete it In[3] , line 10" in shown(html(executed[3]))
    assert "RuntimeError: addmm: mat1 and mat2" in shown(html(executed[6]))
    assert "In[3] , line 13" in shown(html(executed[6]))


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return in_file(FAILING, tmp_path_factory.mktemp("failing"))


def test_findings_have_the_author_s_line(failing: Report) -> None:
    assert "310 parameters: call it in forward, or delete it net.py , line 11" in shown(cell(failing))


def test_what_was_measured_is_shown(failing: Report) -> None:
    assert "test accuracy 99.07 % of 10,000 mnist test images" in shown(cell(measured(failing)))
    assert "85.5 of 100 points" in shown(cell(measured(failing)))


@pytest.mark.parametrize("error", ERRORS, ids=lambda one: one.code)
def test_an_error_is_told(error: modelcheck.AuthorError) -> None:
    assert " ".join(error.message.split()[:4]) in shown(cell(stopped(error)))


@pytest.mark.parametrize(
    "text", [*HOSTILE.values(), "<script>alert(1)</script><img src=x onerror=y>"], ids=[*HOSTILE, "html"]
)
def test_what_an_author_named_is_text(failing: Report, text: str) -> None:
    plain, made = Seen(cell(failing)), cell(poisoned(failing, text))
    seen = Seen(made)
    assert (seen.elements - {"p"}, seen.attributes) <= (plain.elements, plain.attributes)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", made)
    assert len(made) < 100_000


def test_it_is_self_contained_and_leaves_the_rest_of_the_notebook_alone(failing: Report) -> None:
    made = cell(failing)
    assert not re.search(r"https?:|src=|href=|@import|url\(| id=", made)
    (style,) = re.findall(r"<style>(.*?)</style>", made, re.DOTALL)
    rules = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    for selectors in re.findall(r"([^{}]+)\{", rules):
        assert all(one.strip().startswith(".modelcheck") for one in selectors.split(","))
