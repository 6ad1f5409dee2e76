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
        "leak": lazy("Leak"),
        "power": lazy("Power"),
        "lift": lazy("Lift"),
        "noise": lazy("Noise"),
        "billing": lazy("Billing"),
        "delivery": lazy("Delivery"),
        "quality": lazy("Quality"),
        "staff": lazy("Staff conduct"),
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
        "1": lazy("75 % of the time is used"),
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
        "complaint_logged": lazy("Complaint logged"),
        "complaint_continued": lazy("About an open complaint"),
        "enquiry_answered": lazy("Enquiry answered"),
        "follow_up": lazy("Follow-up needed"),
        "wrong_number": lazy("Wrong number"),
        "nobody_spoke": lazy("Nobody spoke"),
        "other": lazy("Other"),
    },
    "entry": {
        "opened": lazy("Registered"),
        "note": lazy("Note"),
        "call": lazy("Call"),
        "state": lazy("State"),
        "notice": lazy("Notice"),
        "callback": lazy("Callback"),
        "survey": lazy("Survey"),
        "promise": lazy("Promise"),
        "reopened": lazy("Reopened"),
        "proposed": lazy("Settlement proposed"),
        "closed": lazy("Closed"),
        "assessed": lazy("Assessed"),
        "question": lazy("Question to the customer"),
        "level": lazy("Escalation"),
    },
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
    "internal-error": lazy("Something went wrong here. It is written down; what you did may not be saved."),
}
"""Stable code -> what a person reads when an error has no sentence of its own."""

STATUSES = ("available", "not_ready")
BREAKS = tuple(WORDS["break"])
DISPOSITIONS = tuple(WORDS["disposition"])


def word(group: str, code: object) -> str:
    """The English word of a code, the code itself when it is not known."""
    return WORDS.get(group, {}).get(str(code), str(code).replace("_", " "))
