"""`callcenter db`: schema, backup, restore."""

from pathlib import Path

import typer

from callcenter.cli.start import load_settings, refuse, upgraded

record = typer.Typer(no_args_is_help=True, help="The database: schema, backup, restore.")


@record.command()
def upgrade() -> None:
    """Bring the schema to this release's. Every process does so at its start."""
    from callcenter import migrations

    changed = upgraded(load_settings())
    print(f"{'Upgraded to' if changed else 'Already at'} revision {migrations.head()}.")


@record.command()
def backup(file: Path) -> None:
    """Write the whole record to FILE, while everything runs."""
    from callcenter import archive

    try:
        archive.backup(load_settings().sql, file)
    except archive.ArchiveFailed as error:
        refuse(str(error))


@record.command()
def restore(file: Path) -> None:
    """Replace the whole record by FILE. Refused while a process runs."""
    from callcenter import archive

    chosen = load_settings()
    try:
        archive.restore(chosen.sql, chosen.data_dir, file)
    except archive.ArchiveFailed as error:
        refuse(str(error))
    upgraded(chosen)
