"""What a survey means. Pure."""

SCORES = (1, 2, 3, 4, 5)
LOW = 2
"""Up to here the complaint is reopened to the same owner."""
WAITING = ("due", "dialling")


def is_low(score: int) -> bool:
    """Whether the customer is not content."""
    return 0 < score <= LOW
