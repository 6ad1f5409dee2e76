"""Jobs of the queue `recordings`: from the spool into the file store, and the rounds that keep rows and files in step."""

import time
from datetime import datetime

import structlog
from sqlmodel import Session, col, select

from callcenter import alarms, db, timers
from callcenter.calls.models import Call
from callcenter.errors import DomainError
from callcenter.people import desk as people
from callcenter.recordings import keeping, segments, sound, vault
from callcenter.recordings.models import Recording
from callcenter.tickets.models import Ticket
from workers.place import Place, here

log = structlog.get_logger()

ENOUGH = 8
"""Tries after which a segment that cannot be read is given up; one that cannot be written is never."""
TENDS_FOR = 60.0
"""Seconds of a round that go into storing what was left."""
MB = 1024 * 1024


def store(recording: str) -> None:
    """Take one segment in. What fails is tried again behind growing pauses (`jobs.AGAIN_AFTER`), and by the round."""
    place, now = here(), db.now()
    try:
        vault.take_in(place.engine, place.vault, recording, now)
    except (OSError, DomainError) as error:
        _not_stored(place, recording, error, now)
        raise
    alarms.set_alarm(place.store, "storing", "", time.time())


def round(name: str, epoch: int) -> None:  # noqa: A001
    """One of `keeping.ROUNDS`; arms itself again, whatever happens."""
    place = here()
    try:
        {"tend": _tend, "retention": _retention, "reconcile": _reconcile}[name](place, db.now())
    finally:
        with db.write(place.engine) as session:
            timers.arm(session, "recordings", name, db.now() + keeping.ROUNDS[name])


def _not_stored(place: Place, recording: str, error: Exception, now: datetime) -> None:
    unreadable = isinstance(error, FileNotFoundError | sound.NotSound)
    with db.write(place.engine) as session:
        row = session.get(Recording, recording)
        if row is None:
            return
        segments.tried(session, row, f"{type(error).__name__}: {error}")
        if unreadable and row.tries + 1 >= ENOUGH:
            if isinstance(error, FileNotFoundError):
                segments.missing(session, row, "its WAV is not in the spool", now)
            else:
                segments.failed(session, row, str(error), now)
    alarms.set_alarm(place.store, "storing", f"{recording}: {error}"[:200], now.timestamp())
    log.warning("a recording is not stored", recording=recording, error=repr(error))


def _tend(place: Place, now: datetime) -> None:
    """What jobs that were lost or given up left in the spool; room on the disk."""
    _room(place, now)
    with db.read(place.engine) as session:
        late = keeping.waiting(session, now)
    enough = time.monotonic() + TENDS_FOR
    for recording in late:
        if time.monotonic() > enough:
            break
        try:
            store(recording)
        except (OSError, DomainError) as error:
            if not isinstance(error, FileNotFoundError | DomainError):
                break  # no room, or no file store: the others wait for it, too


def _room(place: Place, now: datetime) -> None:
    try:
        free = place.vault.files.free()
    except OSError as error:
        alarms.set_alarm(place.store, "disk", str(error), now.timestamp())
        return
    low = free is not None and free < place.settings.recording_disk_mb * MB
    # In steps: a figure that changes by the minute is no news.
    detail = f"less than {_step(free or 0)} MB free for recordings" if low else ""
    alarms.set_alarm(place.store, "disk", detail, now.timestamp())


def _step(free: int) -> int:
    """The next power of two of megabytes."""
    return 1 << max(0, free // MB).bit_length()


def _retention(place: Place, now: datetime) -> None:
    with db.read(place.engine) as session:
        past = keeping.due(session, now)
        kept = _of_held_tickets(session, {row.call_id for row in past})
    for row in past:
        if row.call_id not in kept:
            keeping.delete(place.engine, place.vault, row, now)
            with db.write(place.engine) as session:
                people.audit(session, "", "recording.deleted", row.id, f"kept until {row.keep_until}", now)


def _of_held_tickets(session: Session, calls: set[str]) -> set[str]:
    """Those of the calls that belong to a complaint under hold."""
    tickets = [int(ref) for ref in keeping.held(session, "ticket") if ref.isdecimal()]
    if not tickets or not calls:
        return set()
    about = session.exec(
        select(Call.id).where(col(Call.id).in_(calls), col(Call.ticket_id).in_(tickets))
    ).all()
    logged = session.exec(
        select(Ticket.call_id).where(col(Ticket.call_id).in_(calls), col(Ticket.id).in_(tickets))
    ).all()
    return {*about, *(call for call in logged if call)}


def _reconcile(place: Place, now: datetime) -> None:
    spools = sorted(place.settings.data_dir.glob("line/*/recordings"))
    report = keeping.reconcile(place.engine, place.vault, spools, now)
    with db.read(place.engine) as session:
        lost = session.exec(select(Recording.id).where(Recording.state == "missing").limit(100)).all()
    detail = f"{len(lost)} recordings have no file, the first is {lost[0]}" if lost else ""
    alarms.set_alarm(place.store, "missing", detail, now.timestamp())
    if report.requeued:
        _tend(place, now)
