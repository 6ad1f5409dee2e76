"""Jobs of the queue `notices`: levels, and complaints that wake up."""

from callcenter import db
from callcenter.errors import WrongState
from callcenter.tickets import escalation, journal
from callcenter.tickets.models import Ticket
from workers.place import here


def fire(clock_id: str, epoch: int) -> None:
    """A clock's next level is due. The clock's own state decides; `epoch` of an older target finds nothing to do."""
    place = here()
    with db.write(place.engine) as session:
        escalation.fire(session, place.settings, int(clock_id), db.now())


def wake(ticket_id: str, epoch: int) -> None:
    """The customer did not answer until the date that was set: the clocks run again, the owner is told."""
    place, now = here(), db.now()
    with db.write(place.engine) as session:
        ticket = session.get(Ticket, int(ticket_id))
        if ticket is None or ticket.wake_at is None or ticket.wake_at > now:
            return
        try:
            ticket = place.desk.resume(session, ticket, None, now, None)
        except WrongState:
            return
        journal.notify(session, ticket, "wake", {ticket.owner_id}, now)
