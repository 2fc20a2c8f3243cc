"""Whole journeys in a real browser, on the product as `make run` starts it."""
