"""Databases: their schemas and values, what a name in a query means, and checking queries against a schema."""
