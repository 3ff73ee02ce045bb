"""What a command prints: words for a person, or one JSON object for a program."""

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def print_json(value: object) -> None:
    """Print a mapping or dataclass as one JSON object on one line."""
    plain: Any = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    click.echo(json.dumps(plain, default=str, ensure_ascii=False))


def print_facts(facts: Mapping[str, object]) -> None:
    """Print facts as aligned lines."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        click.echo(f"{name:<{width}}  {value}")
