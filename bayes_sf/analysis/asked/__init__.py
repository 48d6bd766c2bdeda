"""What one asks of a fit: predictions, comparisons, slopes, hypotheses."""
