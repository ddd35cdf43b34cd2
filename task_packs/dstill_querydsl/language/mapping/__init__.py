"""Mappings: reading, merging and describing them, and checking bodies against them."""
