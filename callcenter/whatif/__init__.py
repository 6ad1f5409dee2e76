"""What if: staffing by formula, a past day run again, a described centre simulated, all with the live board's rules."""
