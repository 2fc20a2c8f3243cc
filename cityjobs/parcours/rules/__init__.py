"""Decisions about a parcours on plain values."""
