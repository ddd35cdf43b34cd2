"""The Query DSL itself: strict JSON, fields and their types, dates, values, and comparison of results."""
