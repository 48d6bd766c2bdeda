"""Completed data sets: posteriors mixed over them, or estimates pooled."""
