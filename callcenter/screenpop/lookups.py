"""Who rings, for the conductor: each thread keeps a connection, as opening one takes longer than both queries."""

import contextlib
import threading

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from callcenter import db
from callcenter.screenpop.pop import Caller, lookup


class Lookups:
    """Called in any thread with a number. Raises DBAPIError; the next call has a new connection then."""

    def __init__(self, engine: Engine, country: str) -> None:
        self._engine, self._country = engine, country
        self._kept: dict[int, Connection] = {}

    def __call__(self, number: str) -> Caller:
        try:
            return lookup(self._connection(), number, self._country)
        except DBAPIError:
            self._drop(threading.get_ident())
            raise

    def close(self) -> None:
        """No call may follow."""
        for thread in list(self._kept):
            self._drop(thread)

    def _connection(self) -> Connection:
        """This thread's own."""
        thread = threading.get_ident()
        if thread not in self._kept:
            self._kept[thread] = db.reader(self._engine)
        return self._kept[thread]

    def _drop(self, thread: int) -> None:
        """Not given back: what broke is of no use, and what is in use elsewhere cannot be rolled back from here."""
        dropped = self._kept.pop(thread, None)
        if dropped is not None:
            with contextlib.suppress(SQLAlchemyError):
                dropped.invalidate()
                dropped.close()
