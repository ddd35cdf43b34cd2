"""Findings about answers and data: audit, review, linter, signs of contradictions and of changes."""
