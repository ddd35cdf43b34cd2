"""The folder of a run: everything that is read from it and written to it."""
