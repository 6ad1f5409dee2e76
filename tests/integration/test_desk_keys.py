"""No two things on the desk share a letter, whatever the agent is doing."""

import re
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from callcenter.settings import Settings
from tests.pages import Pages, serve


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings) as running:
        running.add_user("mei", display_name="Mei", phone="2001", remote_answer=True)
        yield running


def party(role: str, state: str) -> dict[str, Any]:
    whole = {"role": role, "name": "li", "state": state, "mode": "", "since": time.time(), "inside": True}
    return {"leg": f"{role}-{state}", **whole}


CALLS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "offered": {"state": "offered"},
    "bridged": {"state": "bridged", "may_release": True},
    "recorded": {"state": "bridged", "recording_mode": "demand", "recording_state": "on"},
    "not recorded": {"state": "bridged", "recording_mode": "demand"},
    "held": {"state": "held", "recording_mode": "demand", "recording_state": "paused"},
    "asking": {"state": "consulting", "recording_mode": "demand", "recording_state": "on", "asks": "up"},
    "ringing": {"state": "consulting", "asks": "ringing"},
    "with guests": {"state": "bridged", "recording_mode": "demand", "recording_state": "on", "guest": True},
    "wrap-up": {"state": "ended"},
}


@pytest.mark.parametrize("doing", CALLS)
def test_each_letter_does_one_thing(pages: Pages, doing: str) -> None:
    now, given = time.time(), dict(CALLS[doing])
    there = [party("consult", given.pop("asks"))] if "asks" in given else []
    there += [party("guest", "up")] if given.pop("guest", False) else []
    activity = {"offered": "offered", "ended": "wrap_up"}.get(
        given.get("state", ""), "talking" if given else "idle"
    )
    own = (
        {"wrap_call": "c1", "wrap_until": now + 60} if doing == "wrap-up" else {"call": "c1" if given else ""}
    )
    pages.board(
        "agents", "mei", name="mei", status="available", activity=activity, reachable=True, since=now,
        offer="o1" if doing == "offered" else "", remote_answer=True, **own,
    )  # fmt: skip
    if given:
        parties = {one["leg"]: one for one in there}
        pages.board(
            "calls", "c1", id="c1", agent="mei", caller="+8613912345678", since=now, parties=parties, **given
        )
    with pages.browser("mei") as client:
        page = client.get("/desk").text
    if doing != "wrap-up":
        # The bar for the notes is hidden.
        page, _, rest = page.partition('<footer class="wrap"')
        assert " hidden>" in rest.partition("\n")[0]
    keys = Counter(key.lower() for key in re.findall(r'data-key="([^"]+)"', page))
    assert keys
    assert [key for key, count in keys.items() if count > 1] == []
