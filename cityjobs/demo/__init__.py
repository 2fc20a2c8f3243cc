"""Fictional people to try the product with: a year in the life of three Cités, invented from a seed."""
