"""What every file of the tree keeps to: no hosts of a package index, no machine's paths, no foreign code."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from callcenter.cli import app
from callcenter.settings import Settings

ROOT = Path(__file__).parent.parent

# Written in pieces, so that this file does not find itself.
HOSTS = re.compile(
    "|".join(["py" + r"pi\.", r"files\.python" + "hosted", "npm" + r"js\.", r"yarn" + r"pkg\."])
)
MACHINE = re.compile(
    r"(?<![\w.])/(?:" + "|".join(["ro" + "ot", "wo" + "rk", "ho" + "me/\\w", "Us" + "ers/\\w"]) + ")/"
)
FOREIGN = {".min.js", ".whl", ".so", ".tgz", ".map", ".woff", ".woff2", ".ttf", ".jar"}


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.fail("the tree is no git repository: its files cannot be listed")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def texts() -> list[tuple[Path, str]]:
    found = []
    for path in tracked():
        try:
            found.append((path, path.read_text()))
        except UnicodeDecodeError:
            continue
    return found


def lock(name: str) -> dict[str, set[str]]:
    """Package -> its locked versions (more than one where they differ by Python or platform)."""
    versions: dict[str, set[str]] = {}
    for found in re.finditer(r"^([a-z0-9._-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE):
        versions.setdefault(found[1], set()).add(found[2])
    return versions


def wanted(name: str) -> set[str]:
    lines = (ROOT / name).read_text().splitlines()
    return {
        re.split(r"[\[<>=~! ]", line)[0].lower()
        for line in lines
        if line.strip() and not line.startswith("#")
    }


def test_no_file_names_a_package_index_or_a_place_on_somebodys_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        for match in [HOSTS.search(line) or MACHINE.search(line)]
        if match
    ]
    assert found == []


def test_no_foreign_files_are_kept() -> None:
    assert [path.name for path in tracked() if any(path.name.endswith(end) for end in FOREIGN)] == []


def test_nothing_is_left_half_done() -> None:
    marks = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X\\b", "Not" + "ImplementedError"]))
    source = [
        (path, text) for path, text in texts() if path.suffix in {".py", ".js", ".html", ".css", ".md", ".sh"}
    ]
    assert [
        f"{path.relative_to(ROOT)}: {found[0]}" for path, text in source for found in marks.finditer(text)
    ] == []


def test_no_folder_is_named_after_nothing() -> None:
    empty_names = {"utils", "helpers", "managers", "services", "common", "misc"}
    assert [
        path
        for path in tracked()
        if {part.removesuffix(".py") for part in path.relative_to(ROOT).parts} & empty_names
    ] == []


@pytest.mark.parametrize("name", ["requirements", "requirements-test"])
def test_every_locked_package_has_hashes_and_every_wanted_one_is_locked(name: str) -> None:
    text = (ROOT / f"{name}.lock").read_text()
    entries = re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "#" not in text
    assert wanted(f"{name}.in") <= lock(f"{name}.lock").keys()


def test_both_locks_agree() -> None:
    runs, tests = lock("requirements.lock"), lock("requirements-test.lock")
    assert {
        name: (runs[name], tests[name]) for name in runs.keys() & tests.keys() if runs[name] != tests[name]
    } == {}


def test_the_version_is_in_one_place_and_has_its_notes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "## " in (ROOT / "CHANGELOG.md").read_text()
    assert project["license"] == "GPL-3.0-or-later"
    assert "GNU GENERAL PUBLIC LICENSE" in (ROOT / "LICENSE").read_text()


def test_every_setting_is_documented() -> None:
    guide = (ROOT / "docs" / "administrators.md").read_text()
    fields = Settings.model_fields
    names = {f"CALLCENTER_{name.upper()}" for name in fields if name != "redis_url"} | {"REDIS_URL"}
    assert {name for name in names if f"| `{name}` |" not in guide} == set()


def test_every_command_of_the_guides_exists() -> None:
    known = {
        command.name or command.callback.__name__ for command in app.registered_commands if command.callback
    }
    known |= {str(group.name) for group in app.registered_groups} | {"test", "check", "bench", "lock"}
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    said = {found for page in pages for found in re.findall(r"\./run (\w[\w-]*)", page.read_text())}
    assert said <= known
