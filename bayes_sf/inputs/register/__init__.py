"""Quarterly extracts of a register."""
