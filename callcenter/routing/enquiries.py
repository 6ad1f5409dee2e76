"""What the record says of a complaint whose number a caller enters. A read session will do."""

from sqlmodel import Session

from callcenter.errors import NotFound
from callcenter.people.models import User
from callcenter.routing.walk import Complaint
from callcenter.tickets import queries
from callcenter.tickets.rules import OPEN


def complaint(session: Session, digits: str) -> Complaint | None:
    """The complaint `C-` and these digits, None when there is none. The owner is named only while it is open."""
    try:
        found = queries.find(session, f"C-{digits}")
    except NotFound:
        return None
    owner = session.get(User, found.owner_id) if found.state in OPEN else None
    name = (owner.display_name or owner.name) if owner else ""
    return Complaint(digits, found.state, name, found.contact_number, found.customer_id or 0)
