"""What all verbs say things with: talk to standard error, and the example under a verb's help."""

from __future__ import annotations

from typing import Any

from rich.console import Console

talk = Console(stderr=True, soft_wrap=True)        # a log is searched by its lines: none is broken at 80 columns


def example(text: str) -> dict[str, Any]:
    """Settings of a typer command whose help ends with an example.

    text  the example
    """
    return {"epilog": f"Example: {text}"}
