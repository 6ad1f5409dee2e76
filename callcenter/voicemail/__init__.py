"""Messages that callers left: who takes one is responsible for it, and the callback that is owed goes to the same person."""
