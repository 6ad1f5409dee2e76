"""Figures of the past: what was offered, what became of it, who did it."""
