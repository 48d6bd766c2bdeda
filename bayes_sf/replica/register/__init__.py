"""What the register says of workplaces that nobody has seen."""
