"""The stages as functions: typed inputs in, typed results out. Nothing here writes a file."""
