"""`./run demo`: an installation with people in it. Everything is real but the people: SIP, audio, complaints, callbacks."""

import sys
import threading
from typing import Any

from callcenter import db, defaults, installation, migrations
from callcenter.customers import regions
from callcenter.demo import keys
from callcenter.demo.cast import ADMIN, SUPERVISOR, YOU
from callcenter.demo.seed import seed
from callcenter.installation import Part
from callcenter.settings import Settings, TrunkSettings

SHORT: dict[str, Any] = {
    "clock_scale": 1 / 600,
    "callback_delay": 12.0,
    "survey_delay": 8.0,
    "outbound_gap": 20.0,
    "outbound_hours": "00:00-24:00",
}
"""What takes days elsewhere takes minutes here, unless a setting says otherwise."""


def main(settings: Settings) -> int:
    """Seed what is missing, run until Ctrl-C; the exit code."""
    kept = keys.keep(settings.data_dir)
    chosen = demo_settings(settings, kept.trunk)
    engine = db.connect(chosen.sql, pool=1)
    migrations.upgrade(engine)
    defaults.ensure(engine, chosen)
    with db.write(engine) as session:
        seed(session, chosen, kept, db.now())
    engine.dispose()
    # The first time takes seconds, and nobody should wait for the name of a town.
    threading.Thread(target=regions.prepare, daemon=True).start()
    callers = Part("callers", (sys.executable, "-m", "callcenter.demo"))
    return installation.run(chosen, extra=[callers], greeting=lambda: greeting(chosen, kept))


def demo_settings(settings: Settings, trunk: int) -> Settings:
    """The settings of the demo: what was chosen stays, clocks are short, the only way out is a phone on loopback."""
    short = {name: value for name, value in SHORT.items() if name not in settings.model_fields_set}
    town = TrunkSettings(name="town", address=f"127.0.0.1:{trunk}", country="CN")
    numbers = settings.numbers or ("hotline",)
    return settings.model_copy(update={**short, "numbers": numbers, "trunks": (town,), "demo": True})


def greeting(settings: Settings, kept: keys.Keys) -> list[str]:
    """What a newcomer needs to know."""
    signs = [
        f"sign in as {worker.name:<10}  password {kept.passwords[worker.name]}"
        for worker in (YOU, SUPERVISOR, ADMIN)
    ]
    hotline = f"sip:{settings.numbers[0]}@{settings.sip}"
    return [
        "",
        f"The demo is open: {settings.pages}",
        *(f"  {line}" for line in signs),
        "",
        "Sign in as agent, choose Available, and take the next call on the page.",
        f"Ring it yourself: any SIP phone without an account, {hotline}",
        "The agent has a phone already, which the page answers. To use your own instead, register it:",
        f"user {YOU.phone}, password {kept.phones[YOU.name]}, registrar {settings.sip}",
        "",
        f"Data       {settings.data_dir}",
        "Stop with Ctrl-C.",
    ]
