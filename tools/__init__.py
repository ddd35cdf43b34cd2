"""Scripts of the developers, which no wheel holds."""
