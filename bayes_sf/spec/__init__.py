"""What is asked: model specifications, priors and sufficient statistics."""
