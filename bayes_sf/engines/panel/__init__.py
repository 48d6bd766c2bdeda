"""Quarters within workplaces within industries, with gaps."""
