"""Gaussian models with any random terms, from cross products of [Z X y]."""
