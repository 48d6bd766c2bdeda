"""What an analyst's choices do to a result."""
