"""The faults, by area: each module lists its own in FAULTS."""
