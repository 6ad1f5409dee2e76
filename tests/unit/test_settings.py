"""Settings that cannot work stop the start with a sentence that names the setting."""

import pytest

from callcenter import settings


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("RTP_PORTS", "30000-29999", "30000-29999"),
        ("RTP_PORTS", "20000-20001", "no room"),
        ("RTP_PORTS", "20001-20004", "no room"),
        ("RTP_PORTS", "5000-6000", "5060"),
        ("PHONE_HOSTS", '["phones.example.org:5060"]', "without a port"),
        ("PHONE_HOSTS", '["203.0.113.300"]', "no host"),
    ],
)
def test_nonsense_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, why: str
) -> None:
    monkeypatch.setenv(f"CALLCENTER_{name}", value)
    with pytest.raises(SystemExit):
        settings.load()
    told = capsys.readouterr().err
    assert f"CALLCENTER_{name}" in told
    assert why in told


def test_hosts_are_compared_in_one_spelling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTER_PHONE_HOSTS", '["Phones.Example.org", "[::1]", "203.0.113.7"]')
    monkeypatch.setenv("CALLCENTER_RTP_PORTS", "20000-20003")
    assert settings.load().phone_hosts == ("phones.example.org", "::1", "203.0.113.7")
