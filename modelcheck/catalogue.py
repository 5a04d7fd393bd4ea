"""What `modelcheck rule`, `modelcheck policy` and `modelcheck recipe` print."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from modelcheck.author_trace import printable
from modelcheck.errors import UsageError
from modelcheck.policy import load_policy, policy_names
from modelcheck.policy_file import LEVELS, PolicyFile
from modelcheck.rules import all_rules, find_rule, unknown_rule
from modelcheck.rules.base import Rule
from modelcheck.rules.documentation import documentation, standing, summary
from modelcheck.strict import located
from modelcheck.training.recipe import Recipe, load_recipe, preset_text, recipe_names
from modelcheck.words import listed

_NARROW = 60  # columns
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def print_rule(key: str) -> None:
    """Print one rule's documentation.

    Raises:
        UsageError: there is no such rule.
    """
    rule = find_rule(key)
    if rule is None:
        raise UsageError(unknown_rule(key))
    console = Console(highlight=False)
    text = documentation(rule)
    if not console.is_terminal:
        print(text, end="")
        return
    from rich.markdown import Markdown  # which takes a while

    console.print(Markdown(text))


def print_catalogue() -> None:
    """Print all rules, a row each; in a narrow terminal what each finds stands under it."""
    console = Console(highlight=False)
    if console.width < _NARROW:
        for rule in all_rules():
            console.print(Text.assemble((f"{rule.code} {rule.name}", "bold"), f", {standing(rule)}"))
            console.print(Padding(Text(summary(rule)), (0, 0, 0, 2)))
        return
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for name in ("Code", "Name", "Kind", "What it finds"):
        table.add_column(name, no_wrap=name in ("Code", "Name"))
    for rule in all_rules():
        table.add_row(rule.code, rule.name, standing(rule), Text(summary(rule)))
    console.print(table)


def print_policies() -> None:
    """Print the presets, a line each."""
    _print_presets((name, load_policy(name).title or "") for name in policy_names())


def check_policy(path: Path) -> str:
    """What the policy in that file requires, in a line.

    Raises:
        UsageError: the file is no policy, or the recipe that it names is none.
    """
    policy = load_policy(path)
    if policy.training.recipe:
        try:
            load_recipe(policy.training.recipe)
        except UsageError as error:
            raise located(path, "training.recipe", str(error)) from None
    codes = [one.rule.code for one in policy.active() if one.severity == "error" and not one.rule.always]
    required = f"requires {listed(codes)}" if codes else "requires nothing"
    return f"{printable(str(path))}: a policy that {required}"


def print_recipes() -> None:
    """Print the presets, a line each, with the comment that their file begins with."""
    _print_presets((name, _comment(preset_text(name))) for name in recipe_names())


def print_policy_schema() -> None:
    """Print the JSON Schema of a policy file, each rule's options included."""
    _print_json(policy_schema())


def print_recipe_schema() -> None:
    """Print the JSON Schema of a recipe file."""
    _print_json(recipe_schema())


def recipe_schema() -> dict[str, object]:
    """The JSON Schema of a recipe file."""
    schema = msgspec.json.schema(Recipe)
    recipe = schema["$defs"]["Recipe"]
    del recipe["properties"]["name"]  # which the file's name decides
    recipe["required"].remove("name")
    recipe["description"] = recipe["description"].partition("\n")[0]
    return {"$schema": _DRAFT, "title": "modelcheck recipe", **schema}


def policy_schema() -> dict[str, object]:
    """The JSON Schema of a policy file."""
    schema = msgspec.json.schema(PolicyFile)
    options = {rule.name: rule.options for rule in all_rules()}
    _, components = msgspec.json.schema_components(set(options.values()), ref_template="#/$defs/{name}")
    schema["$defs"] |= components
    schema["$defs"]["PolicyFile"]["properties"]["rules"] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {key: _rule_schema(rule) for rule in all_rules() for key in (rule.name, rule.code)},
        "default": {},
    }
    training = schema["$defs"]["TrainingSection"]["properties"]
    training["accuracy"] = {"$ref": "#/$defs/AccuracyOptions"}
    training["recipe"] = _name_or_file(recipe_names())
    schema["$defs"]["PolicyFile"]["properties"]["extends"] = _name_or_file(policy_names())
    grading = schema["$defs"]["GradingSection"]["properties"]
    points = grading["points"]["anyOf"][0]["additionalProperties"]
    grading["points"] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {key: points for rule in all_rules() for key in (rule.name, rule.code)},
    }
    return {"$schema": _DRAFT, "title": "modelcheck policy", **schema}


def _name_or_file(names: Iterable[str]) -> dict[str, object]:
    """The schema of a preset's name or a path; an editor completes the names."""
    return {"anyOf": [{"enum": list(names)}, {"type": "string", "pattern": r"\.toml$"}]}


def _rule_schema(rule: Rule) -> dict[str, object]:
    words = [*LEVELS, *rule.words]
    return {
        "description": summary(rule),
        "anyOf": [{"enum": words}, {"$ref": f"#/$defs/{rule.options.__name__}"}],
    }


def _print_presets(presets: Iterable[tuple[str, str]]) -> None:
    table = Table.grid(padding=(0, 2))
    for name, said in presets:
        table.add_row(Text(name, "bold"), Text(said))
    Console(highlight=False).print(table)


def _comment(text: str) -> str:
    """The comment at the beginning of a TOML file, as one line."""
    lines = itertools.takewhile(lambda line: line.startswith("#"), text.splitlines())
    return " ".join(line.lstrip("# ") for line in lines)


def _print_json(value: object) -> None:
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
