"""Results of search bodies: compared, shown, and the cause of a difference."""
