"""Queries in users' files: where they are in them, and what `dstill check` repairs."""
