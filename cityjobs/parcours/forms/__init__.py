"""What the pages of a parcours ask."""
