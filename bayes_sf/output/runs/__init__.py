"""One module per command: what it prints and writes."""
