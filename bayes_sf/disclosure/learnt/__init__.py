"""What readers learn of single workplaces from all that leaves together."""
