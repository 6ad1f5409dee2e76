"""Recordings: which calls are recorded, where the segments lie, who may hear them, when they go."""
