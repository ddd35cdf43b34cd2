"""How sure an answer is, and what that is for: calibration, promises, and a large model for the rest."""
