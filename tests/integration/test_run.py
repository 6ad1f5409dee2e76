"""The entry, when everything is set up already: no network, no home, any folder."""

import os
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / "run"), *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


def test_a_second_start_asks_nobody(tmp_path: Path) -> None:
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:1")
    shown = run("--version", cwd=tmp_path, HOME="/nonexistent", TMPDIR="/nonexistent", **nowhere)
    assert (shown.stdout, shown.stderr) == (f"{VERSION}\n", "")


def test_it_is_plain_sh() -> None:
    assert subprocess.run(["sh", "-n", str(ROOT / "run")]).returncode == 0


def test_an_unknown_command_is_refused_with_2(tmp_path: Path) -> None:
    refused = run("dance", cwd=tmp_path)
    assert refused.returncode == 2
    assert "dance" in refused.stderr
