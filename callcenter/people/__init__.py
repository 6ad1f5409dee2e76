"""Users, departments, rights, tokens."""
