"""Where jobs run: settings, record, store and the desk, wired once by `run.main`.

RQ calls plain functions by their name and hands them nothing but ids, so this is the one thing a worker process keeps.
"""

from dataclasses import dataclass

import redis
from sqlalchemy import Engine

from callcenter import db, stream
from callcenter.callbacks import desk as callbacks
from callcenter.recordings.vault import Vault, unlock
from callcenter.settings import Settings
from callcenter.surveys import desk as surveys
from callcenter.tickets.desk import Desk


@dataclass(frozen=True)
class Place:
    """What a job works with."""

    settings: Settings
    engine: Engine
    store: redis.Redis
    desk: Desk
    vault: Vault


_places: list[Place] = []


def enter(settings: Settings) -> Place:
    """Wire this process. A later call (a test's) replaces the earlier."""
    place = Place(
        settings,
        db.connect(settings.sql, pool=2),
        stream.connect(settings.redis_url),
        Desk(settings, (callbacks.follow, surveys.follow)),
        unlock(settings),
    )
    leave()
    _places.append(place)
    return place


def here() -> Place:
    """This process's wiring."""
    if not _places:
        raise RuntimeError("workers.run.main has not been called")
    return _places[-1]


def leave() -> None:
    """Close what `enter` opened."""
    while _places:
        place = _places.pop()
        place.engine.dispose()
        place.store.close()
