"""The stage `predict`: a student at work, on a run, a bundle or live data."""
