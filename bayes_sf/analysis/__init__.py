"""What follows from results: comparison, consistency, sensitivity."""
