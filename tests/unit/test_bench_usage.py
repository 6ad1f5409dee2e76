"""What `./run bench` says when it is asked."""

import subprocess
import sys

import pytest


def bench(*asked: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "callcenter.bench", *asked], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("asked", [("calls", "--help"), ("--help",), ("-h",)])
def test_usage_is_told_and_nothing_is_run(asked: tuple[str, ...]) -> None:
    told = bench(*asked)
    assert (told.returncode, told.stderr) == (0, "")
    assert "./run bench calls [RATE [SECONDS]]" in told.stdout
    assert ("./run bench board" in told.stdout) == (len(asked) == 1)


@pytest.mark.parametrize("asked", [(), ("nothing",), ("calls", "many")])
def test_what_cannot_be_run_is_named(asked: tuple[str, ...]) -> None:
    told = bench(*asked)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("bench: one of")
