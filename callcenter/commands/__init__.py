"""What is asked for: imperative messages.

`Line` commands go from the conductor to one line (stream `line:commands:<line>`). Desk commands go from
pages, workers and timers to the conductor (stream `commands`).

Times are seconds since 1970 (UTC); durations are seconds. A leg is one SIP dialog; a call is the whole conversation
and carries the id of its first leg. Every line command is idempotent: it may be read twice.
"""

from callcenter.commands.desks import *
from callcenter.commands.lines import *
from callcenter.commands.vocabulary import desk as desk
from callcenter.commands.vocabulary import line as line
