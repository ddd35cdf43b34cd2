"""Executors of SQL: ``duckdb`` and ``sqlite`` inside this process, ``postgresql`` on a server."""
