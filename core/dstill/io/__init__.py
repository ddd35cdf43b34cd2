"""Files, JSON, addresses and text: what knows nothing of rows or tasks."""
