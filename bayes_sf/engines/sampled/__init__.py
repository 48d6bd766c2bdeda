"""Models that are sampled."""
