"""`callcenter import`: what other systems know."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import typer

from callcenter.cli.start import load_settings, refuse, sentences, upgraded

files = typer.Typer(no_args_is_help=True, help="Take in what other systems know.")


@files.command("customers")
def import_customers(file: Path) -> None:
    """Customers from FILE (CSV). Bad lines go to FILE.rejected.csv, with the reason; exit code 1 when there are any."""
    from callcenter import db
    from callcenter.customers import imports

    take_in(
        file,
        lambda engine, chosen, shown: imports.import_customers(engine, file, chosen.country, db.now(), shown),
    )


@files.command("calls")
def import_calls(file: Path) -> None:
    """Past calls from FILE (CSV: arrived, queue, customer, waited, outcome, agent, talked), for history.
    Bad lines go to FILE.rejected.csv, with the reason; exit code 1 when there are any."""
    from callcenter.whatif import past

    take_in(
        file,
        lambda engine, chosen, shown: past.import_calls(
            engine, file, chosen.country, chosen.home_zone, shown
        ),
    )


def take_in(file: Path, imports: Callable[[Any, Any, Any], Any]) -> NoReturn:
    """`imports(engine, settings, progress) -> Outcome`, its sentences, and the exit code."""
    from callcenter import db, sheets

    chosen = load_settings()
    upgraded(chosen)
    engine = db.connect(chosen.sql, pool=2)
    try:
        with sentences():
            done = imports(engine, chosen, sheets.Shown(sys.stderr))
    except OSError as error:
        refuse(f"{file} cannot be imported: {(error.strerror or str(error)).lower()}.")
    finally:
        engine.dispose()
    print("\n".join(done.sentences()))
    raise typer.Exit(1 if done.rejected else 0)
