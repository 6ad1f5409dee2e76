"""The catalogues' check finds what a reader of another language would miss."""

from pathlib import Path

import pytest

from callcenter import catalogues

HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n\n'


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    (tmp_path / "pages.py").write_text('_ = str\nGREETING = _("Good day, %(name)s")\n')
    path = tmp_path / "translations" / "zh_Hans" / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    path.write_text(HEADER)
    monkeypatch.setattr(catalogues, "PACKAGE", tmp_path)
    monkeypatch.setattr(catalogues, "FOLDER", tmp_path / "translations")
    return path


def entry(translation: str, flags: str = "python-format") -> str:
    return f'{HEADER}#, {flags}\nmsgid "Good day, %(name)s"\nmsgstr "{translation}"\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (HEADER, "no translation of"),
        (entry(""), "no translation of"),
        (entry("%(name)s，您好", "fuzzy, python-format"), "is marked fuzzy"),
        (entry("%(nmae)s，您好"), "nmae"),
    ],
)
def test_what_is_missing_is_named(catalogue: Path, text: str, problem: str) -> None:
    catalogue.write_text(text)
    assert [problem in found for found in catalogues.problems()] == [True]


def test_a_complete_catalogue_has_no_problem_and_is_compiled_once(catalogue: Path) -> None:
    catalogue.write_text(entry("%(name)s，您好"))
    assert catalogues.problems() == []
    assert catalogues.compile_all() == 1
    assert catalogues.compile_all() == 0


def test_new_texts_come_in_empty_and_old_ones_go(catalogue: Path) -> None:
    catalogue.write_text(f'{HEADER}msgid "gone"\nmsgstr "没有了"\n')
    catalogues.update()
    text = catalogue.read_text()
    assert "Good day" in text
    assert "gone" not in text
    catalogues.update()
    assert catalogue.read_text() == text
