"""The written languages: GNU gettext catalogues in `web/translations`, English being the text in the source.

`.po` files are kept, `.mo` files are made from them at the start. A catalogue is complete when every text of the
source has a translation that is not marked fuzzy and keeps its placeholders.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.checkers import checkers
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PACKAGE = Path(__file__).parent
FOLDER = PACKAGE / "web" / "translations"
METHODS = [("**/templates/**.html", "jinja2"), ("**/templates/**.txt", "jinja2"), ("**.py", "python")]
KEYWORDS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "lazy": None,
}
"""Calls whose first argument is a text of the source; `lazy` marks one that is translated later."""


def files() -> list[Path]:
    """Every catalogue."""
    return sorted(FOLDER.glob("*/LC_MESSAGES/*.po"))


def compile_all() -> int:
    """Make each `.mo` that is missing or older than its `.po`; how many. Several processes may do so at once."""
    made = 0
    for path in files():
        binary = path.with_suffix(".mo")
        if binary.exists() and binary.stat().st_mtime >= path.stat().st_mtime:
            continue
        part = binary.with_name(f".{binary.name}.{os.getpid()}")
        with part.open("wb") as target:
            write_mo(target, _read(path))
        part.replace(binary)
        made += 1
    return made


def update() -> None:
    """Bring new texts of the source into each catalogue, empty, and drop those that are gone."""
    source = _source()
    for path in files():
        catalogue = _read(path)
        catalogue.update(source, no_fuzzy_matching=True, update_header_comment=False)
        catalogue.obsolete.clear()
        # Who wrote what is in the history; a date here would change with every run.
        catalogue.project, catalogue.version, catalogue.msgid_bugs_address = "callcenter", "-", "-"
        catalogue.last_translator = catalogue.language_team = "-"
        catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
        with path.open("wb") as target:
            write_po(target, catalogue, width=110, omit_header=False, include_lineno=False, sort_output=True)


def problems() -> list[str]:
    """One sentence per text that is missing, empty, fuzzy or has other placeholders; [] when all are complete."""
    source = _source()
    return [problem for path in files() for problem in _problems(path, source)]


def _problems(path: Path, source: Catalog) -> Iterator[str]:
    catalogue = _read(path)
    language = path.parent.parent.name
    for message in source:
        if not message.id:
            continue
        found = catalogue.get(message.id, message.context)
        if found is None or not found.string or (isinstance(found.string, tuple) and not all(found.string)):
            yield f"{language}: no translation of {_shown(message)}"
        elif found.fuzzy:
            yield f"{language}: {_shown(message)} is marked fuzzy"
        else:
            yield from (f"{language}: {_shown(message)}: {error}" for error in _errors(catalogue, found))


def _errors(catalogue: Catalog, message: Message) -> Iterator[str]:
    for check in checkers:
        try:
            check(catalogue, message)
        except (
            Exception
        ) as error:  # Babel's checkers raise TranslationError, and ValueError for a stray per cent sign
            yield str(error)


def _source() -> Catalog:
    catalogue = Catalog(project="callcenter")
    found = extract_from_dir(
        PACKAGE, METHODS, keywords=KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True
    )
    for name, _line, message, comments, context in found:
        catalogue.add(message, locations=[(name, 0)], auto_comments=comments, context=context)
    return catalogue


def _read(path: Path) -> Catalog:
    with path.open("rb") as source:
        return read_po(source, locale=path.parent.parent.name, abort_invalid=True)


def _shown(message: Message) -> str:
    return repr(message.id if isinstance(message.id, str) else message.id[0])
