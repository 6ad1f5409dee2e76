"""Who calls: customers, their numbers, imports."""
