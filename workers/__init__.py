"""RQ workers: one queue a process; jobs take ids and survive running twice."""
