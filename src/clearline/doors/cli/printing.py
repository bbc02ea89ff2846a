"""How the commands print JSON: as the node told it, escaped so that no terminal obeys it."""

from __future__ import annotations

import json
from typing import Any

import click
import msgspec

__all__ = ["plain", "print_json"]


def plain(value: object) -> Any:
    """Return bytes of JSON, or our own types, as plain lists and dicts."""
    return msgspec.json.decode(value) if isinstance(value, bytes) else msgspec.to_builtins(value)


def print_json(value: object) -> None:
    """Print one JSON document. What is not ASCII is escaped, control and direction characters with it."""
    click.echo(json.dumps(plain(value), indent=1, ensure_ascii=True, allow_nan=False))
