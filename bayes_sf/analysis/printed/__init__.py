"""Printed results of any report against one another: rules under rounding."""
