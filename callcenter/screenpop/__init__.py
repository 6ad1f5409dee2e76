"""A number becomes what the agent sees."""
