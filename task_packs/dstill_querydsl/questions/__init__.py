"""Questions with gold and rationale: from templates, phrased freely, and about invented schemas."""
