"""Files, JSON, addresses and text: code that knows nothing about rows or tasks."""
