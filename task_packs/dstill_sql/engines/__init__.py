"""Executors of SQL: ``duckdb`` and ``sqlite`` in processes that dstill starts, ``postgresql`` on a server."""
