"""What happened: past tense, frozen, primitives.

`line` events go from a line to the conductor (stream `line:events`, all lines). Public events are what everybody
else reads (stream `events`): the conductor appends them in the same store transaction that changes the board, and the
outbox adds those that follow from a SQL commit.

`at` is seconds since 1970 (UTC) when it happened, not when it was read. Durations are seconds.
"""

from callcenter.events.agents import *
from callcenter.events.calls import *
from callcenter.events.lines import *
from callcenter.events.records import *
from callcenter.events.transfers import *
from callcenter.events.vocabulary import line as line
from callcenter.events.vocabulary import public as public
