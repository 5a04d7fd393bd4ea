"""docs/json.md is what the types say, and a report has the keys that it names."""

from __future__ import annotations

import pytest

from tests.docs.json_page import page
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "json.md"


def test_the_page_is_what_the_types_say(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--rewrite-golden"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "pytest tests/docs/test_json_page.py --rewrite-golden writes it"


def test_the_page_knows_every_key_of_the_contract() -> None:
    written = page()
    for key in ("schema_version", "verdict", "total", "receptive_field", "max_points", "best_epoch", "official"):
        assert f"\n| `{key}` | " in written
