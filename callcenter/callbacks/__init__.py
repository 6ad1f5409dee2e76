"""Calls that we owe."""
