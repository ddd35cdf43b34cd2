"""Arithmetic in reverse Polish notation, for dstill: the plugins `pack`, `modality`, `hooks`; `form` is the pack's."""
