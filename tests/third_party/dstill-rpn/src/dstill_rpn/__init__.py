"""Arithmetic in reverse Polish notation, for dstill. Each module is a plugin: `pack`, `modality`, `hooks`."""
