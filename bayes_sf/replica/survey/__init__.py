"""Who answers what, so that the printed tables come back."""
