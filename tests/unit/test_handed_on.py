"""What a parent hands on to its children by the environment is what it was set to itself."""

import pytest

from callcenter.installation import environment
from callcenter.settings import Settings


def test_settings_outlive_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Settings(redis_url="redis://127.0.0.1:1", numbers=("hotline", "+862155550100"), greeting=False)
    for name, value in environment(given).items():
        if name.startswith("CALLCENTER_") or name == "REDIS_URL":
            monkeypatch.setenv(name, value)
    assert Settings() == given
