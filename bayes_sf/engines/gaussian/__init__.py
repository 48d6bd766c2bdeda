"""Gaussian models in closed form and by quadrature."""
