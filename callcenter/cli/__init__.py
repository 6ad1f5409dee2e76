"""The `callcenter` command: every process, and what an administrator does from a shell. One file a noun.

Modules are imported by the command that needs them: `callcenter --help` answers at once, and a process holds only
what it uses.
"""

import os
from importlib import metadata
from typing import Annotated

import typer

from callcenter.cli import files, people, processes, record, whatif, words

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.registered_commands += [*processes.app.registered_commands, *whatif.app.registered_commands]
app.add_typer(record.record, name="db")
app.add_typer(people.users, name="user")
app.add_typer(people.tokens, name="token")
app.add_typer(files.files, name="import")
app.add_typer(words.words, name="translations")


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
    """Entry point of the installed command. What it writes is its owner's alone: record, store and logs hold secrets."""
    os.umask(0o077)
    app(prog_name="callcenter")
