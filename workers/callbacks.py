"""Jobs of the queue `callbacks`."""

from callcenter import commands, db, stream, timers
from callcenter.callbacks import desk, owed
from callcenter.outbound import attempts
from callcenter.outbound.models import Attempt
from callcenter.surveys import desk as surveys
from workers.place import here

SEEN = "board:attempts"
"""Hash of the board: attempts whose command the conductor has read."""


def dial(callback_id: str, epoch: int) -> None:
    """A callback is due: claim an attempt, then ask the conductor to place it. `epoch` of an older target: nothing.

    Killed between the two, the attempt's own timer finds it.
    """
    place = here()
    with db.write(place.engine) as session:
        command = desk.start(session, place.settings, int(callback_id), db.now())
    if command is None:
        return
    stream.append(place.store, stream.DESK_COMMANDS, commands.desk.encode(command))
    with db.write(place.engine) as session:
        attempts.dialled(session, command.attempt)


def settle(attempt_id: str) -> None:
    """An attempt has ended."""
    place = here()
    with db.write(place.engine) as session:
        desk.ended(session, place.desk, attempt_id, db.now())


def owe(call_id: str) -> None:
    """A caller was lost by us."""
    place = here()
    with db.write(place.engine) as session:
        owed.owe(session, place.settings, call_id, db.now())


def sweep_attempt(attempt_id: str, epoch: int) -> None:
    """No end was told in time: settle what the record knows, look again while it lives, else it is unknown."""
    place, now = here(), db.now()
    with db.read(place.engine) as session:
        attempt = session.get(Attempt, attempt_id)
    if attempt is None or attempt.state not in ("claimed", "dialled"):
        return
    seen = bool(place.store.hexists(SEEN, attempt_id))
    with db.write(place.engine) as session:
        if attempt.kind == surveys.KIND:
            if surveys.ended(session, place.settings, attempt_id, now):
                return
        elif desk.ended(session, place.desk, attempt_id, now):
            return
        if attempts.lives(session, attempt, seen, now):
            timers.arm(session, attempts.TIMER, attempt_id, now + attempts.LOOK_AGAIN)
        elif attempt.kind == surveys.KIND:
            surveys.lost(session, place.settings, attempt_id, now)
        else:
            desk.lost(session, place.desk, attempt_id, now)
