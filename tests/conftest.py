"""Settings that every test shares."""

from hypothesis import settings

# Timing is never asserted: the machine that runs the tests may be busy.
settings.register_profile("callcenter", deadline=None)
settings.load_profile("callcenter")
