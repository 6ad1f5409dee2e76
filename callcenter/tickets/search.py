"""Words of a complaint, and how they are looked for.

Our own inverted index (`TicketWord`), written in the transaction that changes the text, the same on SQLite and on
PostgreSQL: Latin words whole and folded, Chinese as single characters and pairs, so that 退款 is found inside any
sentence (SQLite's trigram index finds no two-character word, PostgreSQL's parser no Chinese at all).
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from callcenter.tickets.models import Ticket, TicketWord

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\u3040-\u30ff\uac00-\ud7af"
_PIECE = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_IS_HAN = re.compile(rf"[{_HAN}]")
LONGEST = 60


def words(text: str) -> set[str]:
    """What a text is found by: words, single Chinese characters and pairs of neighbours."""
    found: set[str] = set()
    for piece in _pieces(text):
        found |= {piece, *_pairs(piece), *piece} if _IS_HAN.match(piece) else {piece}
    return {word for word in found if len(word) <= LONGEST}


def asked(text: str) -> set[str]:
    """What must all be there: the pairs of a Chinese phrase, or its only character; each Latin word."""
    found: set[str] = set()
    for piece in _pieces(text):
        found |= (_pairs(piece) or {piece}) if _IS_HAN.match(piece) else {piece[:LONGEST]}
    return found


def index(session: Session, ticket_id: int, texts: Iterable[str]) -> None:
    """Add a complaint's words; those that are there stay. What was said once is found for ever."""
    rows = [
        {"word": word, "ticket_id": ticket_id}
        for word in sorted(set().union(*(words(text) for text in texts)))
    ]
    if not rows:
        return
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(dialect.insert(TicketWord).on_conflict_do_nothing(), rows)


def matching(query: Select[Any], text: str) -> Select[Any]:
    """Only complaints that hold everything asked for."""
    for word in sorted(asked(text)):
        query = query.where(col(Ticket.id).in_(select(TicketWord.ticket_id).where(TicketWord.word == word)))
    return query


def _pieces(text: str) -> list[str]:
    return _PIECE.findall(unicodedata.normalize("NFKC", text).casefold())


def _pairs(piece: str) -> set[str]:
    return {piece[at : at + 2] for at in range(len(piece) - 1)}
