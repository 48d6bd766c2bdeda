"""What the prior does to a result."""
