"""What may leave a run on microdata."""
