"""What keys of data and models are called, and what is said of them in several places."""
