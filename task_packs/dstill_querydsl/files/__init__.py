"""Search bodies in users' files: which files hold them, where they are in them, and what `dstill check` repairs."""
