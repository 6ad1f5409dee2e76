"""One gate for every call a machine places, and the ledger of attempts."""
