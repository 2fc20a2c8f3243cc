"""Reads across rooms, one page each."""
