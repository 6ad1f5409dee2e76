"""Complaints: first-responder ownership, clocks, escalation, settlement."""
