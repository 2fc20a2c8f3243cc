"""What must be recalled to whom, and the ledger that proves it was."""
