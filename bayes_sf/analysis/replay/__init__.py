"""Printed numbers against one another."""
