"""Write revision 001 anew from the models: `python -m callcenter.migrations`, until the first release only."""

import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

from callcenter import db
from callcenter.migrations import HERE
from callcenter.migrations.record import tables


def main() -> None:
    """Compare the models with an empty database and keep the difference."""
    for old in (HERE / "versions").glob("[0-9]*.py"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        engine = db.connect(f"sqlite:///{Path(folder) / 'empty.db'}")
        with engine.connect() as connection:
            config = Config(attributes={"connection": connection, "metadata": tables()})
            config.set_main_option("script_location", str(HERE).replace("%", "%%"))
            config.set_main_option("path_separator", "os")
            command.revision(config, message="First record", rev_id="001", autogenerate=True)
        engine.dispose()
    for made in (HERE / "versions").glob("[0-9]*.py"):
        lines = [line for line in made.read_text().splitlines(keepends=True) if "# ###" not in line]
        made.write_text("".join(lines))
        subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(made)], check=True)


if __name__ == "__main__":
    main()
