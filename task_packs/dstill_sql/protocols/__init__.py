"""The protocols of the SQL pack: a file for each, loaded on first use."""
