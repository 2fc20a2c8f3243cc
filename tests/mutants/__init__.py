"""Known faults, each put into a copy of the house: the proof that guards it must turn red."""
