"""Outcomes other than Gaussian: by quadrature (ml), and sampled through bambi (nuts)."""
