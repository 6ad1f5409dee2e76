"""What decides: number to plan, plan to queue, queue to agent; and the live board."""
