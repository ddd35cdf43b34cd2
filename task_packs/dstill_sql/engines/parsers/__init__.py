"""The second reader of each text that runs: the engine's own parser."""
