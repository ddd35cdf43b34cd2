"""Results of queries: compared, shown, and the cause of a difference."""
