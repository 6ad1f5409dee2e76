"""Hotline and service desk in one: calls, complaints, callbacks and their rules."""
