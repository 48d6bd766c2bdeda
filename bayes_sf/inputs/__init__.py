"""Raw files in: published tables, codebook, survey, register, sample, replica."""
