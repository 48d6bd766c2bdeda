"""A study of one's own, as a folder: `study.toml` and a file of data."""
