"""The lists of the trade: stable codes with French labels, national or of one Cité, and the names of occupations."""
