"""Jobs of the queue `surveys`."""

from callcenter import commands, db, stream
from callcenter.outbound import attempts
from callcenter.surveys import desk
from workers.place import here


def dial(survey_id: str, epoch: int) -> None:
    """A survey is due: claim an attempt, then ask the conductor to place it. `epoch` of an older target: nothing."""
    place = here()
    with db.write(place.engine) as session:
        command = desk.start(session, place.settings, int(survey_id), db.now())
    if command is None:
        return
    stream.append(place.store, stream.DESK_COMMANDS, commands.desk.encode(command))
    with db.write(place.engine) as session:
        attempts.dialled(session, command.attempt)


def record(attempt_id: str, score: int) -> None:
    """The customer pressed a key."""
    place = here()
    with db.write(place.engine) as session:
        desk.record(session, place.desk, attempt_id, score, db.now())


def settle(attempt_id: str) -> None:
    """An attempt has ended."""
    place = here()
    with db.write(place.engine) as session:
        desk.ended(session, place.settings, attempt_id, db.now())
