"""The task pack jq: a question about a JSON document → a jq program, run by libjq in a process of its own."""
