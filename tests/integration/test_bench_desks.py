"""Pops at many desks are measured; no figure is asserted."""

import pytest

from callcenter.bench import desks
from callcenter.settings import Settings


def test_pops_at_many_desks_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "FIRST", 1)
    monkeypatch.setattr(desks, "BAD", 1)
    monkeypatch.setattr(desks, "TALK", 0.5)
    monkeypatch.setattr(desks, "BOARDS", 1)
    told = desks.main(Settings(), desks=4, rate=1, seconds=3)
    for phase in ("one", "many", "bad_readers"):
        assert (told[phase]["missing"], told[phase]["failed"]) == (0, 0)
    assert told["one"]["invite_to_here_ms"]["samples"] == 3
    assert told["many"]["invite_to_here_ms"]["samples"] == 3
