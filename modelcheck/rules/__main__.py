"""What a developer of rules runs: ``python -m modelcheck.rules new MC418 wide-stem``, ``… page --write``."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path

from modelcheck.errors import UsageError
from modelcheck.files import write_beside
from modelcheck.report import Severity
from modelcheck.rules import all_rules
from modelcheck.rules.documentation import page
from modelcheck.rules.scaffold import TO_WRITE, new_rule

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "rules.md"
_NEXT = """\
wrote {rule}
wrote {test}
wrote {page}

What is left:
  1. The docstring, where it says {marker}, and a Bad and a Good model that differ in what the rule is about.
  2. check: a Decision with the evidence in one line and a Problem for each finding, or NotRun with the cause.
  3. The cases in the test.  `pytest tests/rules -k {code}` names what is missing of 1 to 3.
  4. `python -m modelcheck.rules page --write`, a line in CHANGELOG.md, and `pytest --rewrite-golden` where the rule is
     on by itself: it is a row of every report then."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        if given.command == "new":
            _new(given.code, given.name, given.kind)
        elif given.write:
            _write_page()
        else:
            print(page(), end="")
    except UsageError as error:
        parser.exit(error.exit_status, f"error: {error}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m modelcheck.rules", description="Commands for developers of rules.")
    commands = parser.add_subparsers(dest="command", required=True)
    shown = commands.add_parser("page", help="print docs/rules.md, made from the rules' docstrings")
    shown.add_argument("--write", action="store_true", help="write it instead")
    new = commands.add_parser("new", help="write the files of a new rule")
    new.add_argument("code", metavar="CODE", help="such as MC418; permanent")
    new.add_argument("name", metavar="NAME", help="such as wide-stem; permanent")
    new.add_argument("--kind", choices=("advice", "error"), default="advice", help="error: a constraint")
    return parser


def _new(code: str, name: str, kind: Severity) -> None:
    files = new_rule(code, name, kind, ROOT)
    importlib.invalidate_caches()
    all_rules.cache_clear()
    _write_page()
    rule, test, written = (file.relative_to(ROOT) for file in (*files, PAGE))
    print(_NEXT.format(rule=rule, test=test, page=written, marker=TO_WRITE.rstrip(":"), code=code))


def _write_page() -> None:
    if not PAGE.parent.is_dir():
        raise UsageError(f"there is no folder {PAGE.parent}: the page is written in a clone of the repository")
    write_beside(PAGE, page().encode())


if __name__ == "__main__":
    raise SystemExit(main())
