"""Re-reading: the posteriors behind printed multilevel results, at the level that is printed."""
