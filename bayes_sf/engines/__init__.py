"""How it is estimated: ols, reml, exact, nuts; every engine returns a Result."""
