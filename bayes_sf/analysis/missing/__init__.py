"""What gaps do to a result."""
