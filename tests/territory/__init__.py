"""Tests of the territory room."""
