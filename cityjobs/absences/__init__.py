"""Who is away, who replaces them, and what was done meanwhile."""
