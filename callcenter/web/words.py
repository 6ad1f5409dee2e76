"""Words for codes: what the record calls `callback_due`, a person reads in the language of the page."""


def lazy(text: str) -> str:
    """Marks a text that is translated when it is shown."""
    return text


WORDS: dict[str, dict[str, str]] = {
    "role": {"agent": lazy("Agent"), "supervisor": lazy("Supervisor"), "admin": lazy("Administrator")},
    "status": {
        "signed_out": lazy("Signed out"),
        "available": lazy("Available"),
        "not_ready": lazy("Not ready"),
        "break": lazy("Break"),
    },
    "break": {
        "short": lazy("Short break"),
        "meal": lazy("Meal"),
        "meeting": lazy("Meeting"),
        "training": lazy("Training"),
        "back_office": lazy("Paperwork"),
    },
    "activity": {
        "idle": lazy("Idle"),
        "offered": lazy("Ringing"),
        "talking": lazy("Talking"),
        "held": lazy("On hold"),
        "wrap_up": lazy("Wrap-up"),
        "dialling": lazy("Dialling"),
    },
    "paused": {
        "missed_calls": lazy("paused: calls were missed"),
        "phone_lost": lazy("phone is not registered"),
        "desk_lost": lazy("browser is not connected"),
    },
    "call": {
        "arriving": lazy("Arriving"),
        "greeting": lazy("Greeting"),
        "queued": lazy("Waiting"),
        "offered": lazy("Ringing"),
        "connecting": lazy("Connecting"),
        "bridged": lazy("Talking"),
        "held": lazy("On hold"),
        "survey": lazy("Survey"),
        "ended": lazy("Ended"),
    },
    "call.kind": {
        "inbound": lazy("Call in"),
        "callback": lazy("Callback"),
        "survey": lazy("Survey"),
        "manual": lazy("Call out"),
    },
    "outcome": {
        "answered": lazy("Answered"),
        "abandoned": lazy("Abandoned"),
        "short_abandon": lazy("Hung up within 5 s"),
        "deflected": lazy("Deflected"),
        "overflowed": lazy("Overflowed"),
        "message_left": lazy("Message left"),
        "callback_taken": lazy("Callback taken"),
        "lost_by_us": lazy("Lost by us"),
        "refused": lazy("Refused"),
        "conversation": lazy("Conversation"),
        "busy": lazy("Busy"),
        "no_answer": lazy("No answer"),
        "unreachable": lazy("Unreachable"),
        "failed": lazy("Failed"),
        "cancelled": lazy("Cancelled"),
        "no_agent": lazy("No agent"),
        "unknown": lazy("Unknown"),
        "settled": lazy("Settled"),
        "not_settled": lazy("Not settled"),
        "": lazy("Live"),
    },
    "ticket": {
        "registered": lazy("Registered"),
        "in_progress": lazy("In progress"),
        "waiting_customer": lazy("Waiting for the customer"),
        "proposed": lazy("Settlement proposed"),
        "callback_due": lazy("Callback due"),
        "closed": lazy("Closed"),
        "closed_unreached": lazy("Closed, customer not reached"),
        "withdrawn": lazy("Withdrawn"),
        "merged": lazy("Merged"),
    },
    "ticket.kind": {
        "complaint": lazy("Complaint"),
        "enquiry": lazy("Enquiry"),
        "suggestion": lazy("Suggestion"),
        "praise": lazy("Praise"),
    },
    "ticket.type": {
        "product": lazy("Product"),
        "delivery": lazy("Delivery"),
        "installation": lazy("Installation"),
        "repair": lazy("Repair"),
        "warranty": lazy("Warranty"),
        "refund": lazy("Refund"),
        "billing": lazy("Billing"),
        "service": lazy("Service"),
        "environment": lazy("Environment"),
        "other": lazy("Other"),
    },
    "severity": {"1": lazy("Emergency"), "2": lazy("Severe"), "3": lazy("Normal"), "4": lazy("Low")},
    "clock": {
        "first_response": lazy("First response"),
        "keep_informed": lazy("Keep informed"),
        "resolution": lazy("Resolution"),
    },
    "clock.state": {
        "running": lazy("running"),
        "paused": lazy("paused"),
        "met": lazy("met"),
        "breached": lazy("breached"),
        "cancelled": lazy("cancelled"),
    },
    "level": {
        "1": lazy("Three quarters of the time are used"),
        "2": lazy("Overdue"),
        "3": lazy("Written reminder"),
        "4": lazy("Supervision"),
    },
    "callback": {
        "due": lazy("Due"),
        "dialling": lazy("Dialling"),
        "talked": lazy("Talked, outcome to be noted"),
        "done": lazy("Done"),
        "given_up": lazy("Given up"),
        "cancelled": lazy("Cancelled"),
        "fulfilled": lazy("Customer rang in"),
        "answered": lazy("Answered"),
    },
    "callback.reason": {
        "settlement": lazy("Report a settlement"),
        "owed": lazy("Caller was lost"),
        "promised": lazy("Promised"),
    },
    "callback.mode": {"customer_first": lazy("Customer first"), "agent_first": lazy("Agent first")},
    "disposition": {
        "resolved": lazy("Settled in the call"),
        "complaint_logged": lazy("Complaint logged"),
        "callback_agreed": lazy("Callback agreed"),
        "transferred": lazy("Transferred"),
        "wrong_number": lazy("Wrong number"),
        "no_need": lazy("Nothing to do"),
        "other": lazy("Other"),
        "": "",
    },
    "entry": {
        "opened": lazy("Registered"),
        "note": lazy("Note"),
        "call": lazy("Call"),
        "assessed": lazy("Assessed"),
        "asked": lazy("Question to the customer"),
        "resumed": lazy("Handling goes on"),
        "proposed": lazy("Settlement proposed"),
        "returned": lazy("Proposal returned"),
        "cosigned": lazy("Co-signed"),
        "reported": lazy("Reported back"),
        "not_settled": lazy("Not settled: second handling"),
        "closed": lazy("Closed"),
        "closed_unreached": lazy("Closed, customer not reached"),
        "withdrawn": lazy("Withdrawn"),
        "reopened": lazy("Reopened"),
        "continued": lazy("Continued in a new complaint"),
        "notice": lazy("Notice"),
        "escalated": lazy("Escalation"),
        "callback": lazy("Callback"),
        "survey": lazy("Survey"),
        "promise": lazy("Promise"),
        "promise_kept": lazy("Promise kept"),
    },
    "promise": {"open": lazy("open"), "kept": lazy("kept"), "broken": lazy("broken")},
    "language": {"en": "English", "zh_Hans": "简体中文", "zh_Hant": "繁體中文"},
    "spoken": {"en": lazy("English"), "cmn": lazy("Mandarin"), "yue": lazy("Cantonese")},
    "part": {
        "store": lazy("Live store"),
        "record": lazy("Database"),
        "conductor": lazy("Conductor"),
        "lines": lazy("Phone lines"),
        "timers": lazy("Timers"),
        "workers": lazy("Workers"),
    },
    "ended_by": {"customer": lazy("customer"), "agent": lazy("agent"), "us": lazy("the system"), "": ""},
}

ERRORS = {
    "not-found": lazy("There is no such thing, or you may not see it."),
    "invalid-input": lazy("Some fields are not right."),
    "not-allowed": lazy("Your role does not allow this."),
    "wrong-state": lazy("This cannot be done in the present state."),
    "stale": lazy("Somebody changed this meanwhile. Look at it again and repeat."),
    "store-away": lazy("The live store does not answer. Calls go on; try again in a moment."),
    "events-gone": lazy("These events are no longer kept. Read the data anew and follow from its `after`."),
    "not-signed-in": lazy("You are not signed in."),
    "wrong-password": lazy("Name or password is not right."),
    "too-many-attempts": lazy("Too many attempts. Wait before the next one."),
    "foreign-request": lazy("This request did not come from our own page. Load the page again and repeat."),
    "not-yours": lazy("Only the owner of the complaint does this."),
    "no-evidence": lazy(
        "There is no conversation with the customer that proves this: ring the customer first."
    ),
    "needs-cosign": lazy("A severe complaint's answer is reported back when a supervisor has co-signed it."),
    "not-assessed": lazy("Type, region and severity are set first."),
    "not-enough-attempts": lazy("Closing unreached takes at least 3 attempts on 2 days at different hours."),
    "no-number": lazy("Nobody can be called back: the complaint has no number."),
    "internal-error": lazy("Something went wrong here. It is written down; what you did may not be saved."),
}
"""Stable code -> what a person reads when an error has no sentence of its own."""

REFUSED = lazy("This did not work: the call has moved on. Look at the desk as it is now.")
REFUSALS = {
    "not-found": lazy("This call or this agent is gone."),
    "not-allowed": lazy("Your phone cannot be answered from here: pick it up."),
    "invalid-input": lazy("The system did not understand this."),
}
"""Why the conductor said no -> what the agent reads."""

ACTIONS = {
    "note": (lazy("Write a note"), lazy("It stays in the timeline; it cannot be changed later.")),
    "assess": (lazy("Assess"), lazy("Type, region and severity are set; the targets follow the severity.")),
    "ask_customer": (
        lazy("Ask the customer"),
        lazy("The clocks stand still until the customer answers, at the latest until the time you set."),
    ),
    "resume": (lazy("Go on handling"), lazy("The customer has answered: the clocks run again.")),
    "propose": (
        lazy("Propose a settlement"),
        lazy("The answer is written down; next it is reported back to the customer."),
    ),
    "return_proposal": (lazy("Return the proposal"), lazy("The complaint goes back to handling.")),
    "cosign": (lazy("Co-sign"), lazy("You agree to the answer; the owner may report it back.")),
    "report_back": (
        lazy("Report back"),
        lazy("A callback becomes due: the customer is called with this answer."),
    ),
    "close": (
        lazy("Close as settled"),
        lazy("The conversation of the callback is the proof. A survey call follows."),
    ),
    "settle_on_the_line": (
        lazy("Settled on the line"),
        lazy(
            "The customer said yes in this call: it is closed at once, the call is the proof. A survey follows."
        ),
    ),
    "not_settled": (lazy("Not settled"), lazy("Second handling begins; the owner stays the same.")),
    "close_unreached": (
        lazy("Close, customer not reached"),
        lazy("At least 3 attempts on 2 days at different hours are needed. Reported apart."),
    ),
    "withdraw": (
        lazy("Withdrawn by the customer"),
        lazy("The customer takes the complaint back in a call on record. Nothing more is done."),
    ),
    "reopen": (
        lazy("Reopen"),
        lazy("A new cycle begins with the same owner; after 14 days a new, linked complaint."),
    ),
}
"""Act -> its label and its consequence in words."""

STATUSES = ("available", "not_ready")
BREAKS = tuple(WORDS["break"])


def word(group: str, code: object) -> str:
    """The English word of a code, the code itself when it is not known."""
    return WORDS.get(group, {}).get(str(code), str(code).replace("_", " "))
