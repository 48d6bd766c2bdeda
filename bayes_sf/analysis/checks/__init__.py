"""Whether a model holds."""
