"""Door: the ledger process, which writes the record from the public stream, and keeps an eye on the dispatcher. Wiring
only."""

import signal
import threading

from callcenter import db, stream
from callcenter.callbacks import owed
from callcenter.calls import ledger
from callcenter.recordings import segments
from callcenter.routing import watch
from callcenter.settings import Settings
from callcenter.voicemail import desk as voicemail

FOLLOWERS = (segments.follow, voicemail.follow, owed.rang_in)
"""Slices that write rows of their own from the same events."""


def main(settings: Settings) -> int:
    """Until SIGTERM or SIGINT. Several may run at once: one of them is first with each batch."""
    leaving = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: leaving.set())
    engine, store = db.connect(settings.sql), stream.connect(settings.redis_url)
    watching = threading.Thread(
        target=watch.run, args=(stream.connect(settings.redis_url), leaving), name="watch"
    )
    watching.start()
    ledger.run(engine, store, leaving, FOLLOWERS)
    watching.join()
    store.close()
    engine.dispose()
    return 0
