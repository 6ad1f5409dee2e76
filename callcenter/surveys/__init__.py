"""Satisfaction surveys by a later call."""
