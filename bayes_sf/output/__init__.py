"""What leaves: numbers, tables, files."""
