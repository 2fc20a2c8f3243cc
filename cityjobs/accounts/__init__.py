"""Who works here, for whom and as what; how they sign in and out."""
