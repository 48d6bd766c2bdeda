"""How large an association is."""
