"""The `callcenter` command: every process, and what an administrator does from a shell."""

from importlib import metadata
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def show_version(wanted: bool) -> None:
    if wanted:
        print(metadata.version("callcenter"))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True)] = False,
) -> None:
    """A hotline and its service desk in one."""


def main() -> None:
    """Entry point of the installed command."""
    app()
