"""`callcenter import`: what other systems know."""

import sys
from pathlib import Path

import typer

from callcenter.cli.start import load_settings, refuse, sentences, upgraded

files = typer.Typer(no_args_is_help=True, help="Take in what other systems know.")


@files.command("customers")
def import_customers(file: Path) -> None:
    """Customers from FILE (CSV). Bad lines go to FILE.rejected.csv, with the reason; exit code 1 when there are any."""
    from callcenter import db, sheets
    from callcenter.customers import imports

    chosen = load_settings()
    upgraded(chosen)
    engine = db.connect(chosen.sql, pool=2)
    try:
        with sentences():
            done = imports.import_customers(engine, file, chosen.country, db.now(), sheets.Shown(sys.stderr))
    except OSError as error:
        refuse(f"{file} cannot be imported: {(error.strerror or str(error)).lower()}.")
    finally:
        engine.dispose()
    print("\n".join(done.sentences()))
    raise typer.Exit(1 if done.rejected else 0)
