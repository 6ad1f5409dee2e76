"""What callers hear, as administrators keep it: a name, and for each language a text or an uploaded sound."""
