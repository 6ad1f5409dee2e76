"""`callcenter translations`: the written languages."""

import typer

words = typer.Typer(no_args_is_help=True, help="The written languages.")


@words.command("check")
def check_translations() -> None:
    """Fail when a text lacks a translation in any language."""
    from callcenter import catalogues

    problems = catalogues.problems()
    print("\n".join(problems) or "Every text is translated.")
    raise typer.Exit(1 if problems else 0)


@words.command("update")
def update_translations() -> None:
    """Bring new texts of the source into every catalogue."""
    from callcenter import catalogues

    catalogues.update()


@words.command("compile")
def compile_translations() -> None:
    """Make the binary catalogues. Every process that writes texts does so at its start."""
    from callcenter import catalogues

    catalogues.compile_all()
