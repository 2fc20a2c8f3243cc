"""What one person reads across rooms: my day, the list of people, the whole file."""
