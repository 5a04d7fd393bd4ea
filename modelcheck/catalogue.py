"""What `modelcheck rule` and `modelcheck policy` print."""

from __future__ import annotations

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from modelcheck.errors import UsageError
from modelcheck.names import unknown_name
from modelcheck.policy import load_policy, policy_names
from modelcheck.policy_file import LEVELS, PolicyFile
from modelcheck.rules import all_rules, find_rule
from modelcheck.rules.base import Rule
from modelcheck.rules.documentation import documentation, standing, summary


def print_rule(key: str) -> None:
    """Print one rule's documentation.

    Raises:
        UsageError: there is no such rule.
    """
    rule = find_rule(key)
    if rule is None:
        known = [text for one in all_rules() for text in (one.code, one.name)]
        raise UsageError(unknown_name("rule", key, known))
    console = Console(highlight=False)
    text = documentation(rule)
    console.print(Markdown(text)) if console.is_terminal else print(text, end="")


def print_catalogue() -> None:
    """Print all rules, a row each."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for name in ("Code", "Name", "Kind", "What it finds"):
        table.add_column(name, no_wrap=name in ("Code", "Name"))
    for rule in all_rules():
        table.add_row(rule.code, rule.name, standing(rule), Text(summary(rule)))
    Console(highlight=False).print(table)


def print_policies() -> None:
    """Print the presets, a line each."""
    table = Table.grid(padding=(0, 2))
    for name in policy_names():
        table.add_row(Text(name, "bold"), Text(load_policy(name).title or ""))
    Console(highlight=False).print(table)


def print_policy_schema() -> None:
    """Print the JSON Schema of a policy file, each rule's options included."""
    print(msgspec.json.format(msgspec.json.encode(policy_schema()), indent=2).decode())


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
    schema["$defs"]["TrainingSection"]["properties"]["accuracy"] = {"$ref": "#/$defs/AccuracyOptions"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "modelcheck policy", **schema}


def _rule_schema(rule: Rule) -> dict[str, object]:
    words = [*LEVELS, *rule.words]
    return {
        "description": summary(rule),
        "anyOf": [{"enum": words}, {"$ref": f"#/$defs/{rule.options.__name__}"}],
    }
