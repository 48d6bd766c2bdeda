"""Bayesian re-analysis."""
