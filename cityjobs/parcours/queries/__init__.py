"""Reads about a parcours."""
