"""The stages, one folder each: the module of the folder is the stage, the others help it alone. None writes a file."""
