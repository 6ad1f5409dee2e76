"""Calendars with zones: when is working time."""
