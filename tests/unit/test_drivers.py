"""Which driver the settings give, and the sentence when it cannot run here."""

import importlib.util
from pathlib import Path

import pytest

from callcenter.settings import Settings
from callcenter.telephony.drivers import Unavailable, driver
from callcenter.telephony.line import CAPABILITIES


def settings(tmp_path: Path, **more: object) -> Settings:
    return Settings(data_dir=tmp_path, sip="127.0.0.1:0", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["sipua", "fake"])
def test_what_needs_no_extra_is_made(tmp_path: Path, name: str) -> None:
    line = driver(settings(tmp_path, driver=name))
    assert line.name == name
    assert line.lacks <= CAPABILITIES


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [("pjsua2", "pjsua2", "pjsua2-python"), ("pyvoip", "pyVoIP", "pyVoIP"), ("pyvoip", "audioop", "3.12")],
)
def test_a_missing_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str, package: str
) -> None:
    found = importlib.util.find_spec
    # every module but that one, and pyVoIP's own whether or not it is there
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda wanted: None if wanted == module else found("sys")
    )
    with pytest.raises(Unavailable) as raised:
        driver(settings(tmp_path, driver=name))
    assert "CALLCENTER_DRIVER" in str(raised.value)
    assert package in str(raised.value)


@pytest.mark.parametrize(
    ("more", "setting"),
    [
        ({}, "CALLCENTER_PBX"),
        ({"pbx": "127.0.0.1:5060"}, "CALLCENTER_EXTENSIONS"),
        (
            {"pbx": "127.0.0.1:5060", "extensions": [{"user": "a", "password": "b"}], "sip": "0.0.0.0:5060"},
            "CALLCENTER_SIP",
        ),
    ],
)
def test_pyvoip_names_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, object], setting: str
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda wanted: found("sys"))
    with pytest.raises(Unavailable, match=setting):
        driver(Settings(**{"data_dir": tmp_path, "sip": "127.0.0.1:0", "driver": "pyvoip", **more}))  # type: ignore[arg-type]
