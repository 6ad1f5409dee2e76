"""The phone side: one small `Line` Protocol and the drivers behind it."""
