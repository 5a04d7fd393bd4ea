"""What a shell completes: models in files, rules, policies, recipes and other names. No torch is imported for it."""

from __future__ import annotations

import contextlib
import glob
import io
import os
from collections.abc import Callable
from pathlib import Path

from modelcheck.errors import ModelcheckError

SHELL = "_MODELCHECK_COMPLETE"  # is set where a shell asks
_WORDS, _AT = "COMP_WORDS", "COMP_CWORD"
_SOURCES = (".py", ".ipynb")


def targets(incomplete: str) -> list[str]:
    """The models of the file that was typed, with or without a colon; files are left to the shell, which knows them."""
    from modelcheck.target import candidates

    where = incomplete.partition(":")[0]
    if not (where.endswith(_SOURCES) and Path(where).is_file()):
        return []
    with contextlib.suppress(ModelcheckError, OSError):
        return [one for one in candidates(where) if one.startswith(incomplete)]
    return []


def rules(incomplete: str) -> list[str]:
    """Codes and names of the rules, which their files' names tell."""
    files = sorted(Path(__file__).parent.glob("rules/mc*.py"))
    named = [file.stem.partition("_") for file in files]
    known = [code.upper() for code, _, _ in named] + [name.replace("_", "-") for _, _, name in named]
    return [one for one in known if one.lower().startswith(incomplete.lower())]


def several_rules(incomplete: str) -> list[str]:
    """The same for the last of several, which commas part."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{one}" for one in rules(last)]


def policies(incomplete: str) -> list[str]:
    """The presets of policies."""
    return _presets("policies", incomplete)


def recipes(incomplete: str) -> list[str]:
    """The presets of recipes."""
    return _presets("training/recipes", incomplete)


def datasets(incomplete: str) -> list[str]:
    """The data sets."""
    from modelcheck.training.datasets import dataset_names

    return [one for one in dataset_names() if one.startswith(incomplete)]


def formats(incomplete: str) -> list[str]:
    """The formats of reports."""
    from modelcheck.formats import format_names

    return [one for one in format_names() if one.startswith(incomplete)]


def answer(app: Callable[[], object]) -> None:
    """Let the command answer a shell; bash takes a colon for the end of a word, and is told what comes after it."""
    if os.environ.get(SHELL) != "complete_bash":
        app()
        return
    before = _joined()
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            app()
    finally:
        print("\n".join(line.removeprefix(before) for line in said.getvalue().splitlines()))


def _joined() -> str:
    """What stands before bash's word in the one that is completed; words are joined around colons for that."""
    at = int(os.environ.get(_AT, "0"))
    words = [*os.environ.get(_WORDS, "").split("\n"), ""][: at + 1]
    text = "\n".join(words).replace("\n:\n", ":").replace("\n:", ":")
    os.environ[_WORDS], os.environ[_AT] = text, str(text.count("\n"))
    return text.rpartition("\n")[2].removesuffix(words[-1].lstrip(":"))


def _presets(folder: str, incomplete: str) -> list[str]:
    return sorted(file.stem for file in Path(__file__).parent.glob(f"{folder}/{glob.escape(incomplete)}*.toml"))
