"""The machine room every other room stands on; it knows of no feature."""
