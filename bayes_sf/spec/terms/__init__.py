"""A formula, its terms, and the columns that they become."""
