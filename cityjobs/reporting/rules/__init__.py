"""What each figure means, over which days, and which figures may leave the Cité."""
