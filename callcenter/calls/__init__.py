"""The life of a call, and its record."""
