"""The printed models, as targets of the replica."""
