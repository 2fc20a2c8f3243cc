"""What was said with a person, and what comes next."""
