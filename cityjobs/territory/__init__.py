"""Cités, programmes, communes, QPV and the organisations of each collective."""
