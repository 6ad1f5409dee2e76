"""Pages, JSON and live updates."""
