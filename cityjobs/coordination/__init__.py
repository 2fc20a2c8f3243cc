"""The coordinator's board: who waits, who is overloaded, who gets whom."""
