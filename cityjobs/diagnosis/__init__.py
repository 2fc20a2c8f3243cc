"""The shared diagnosis: freins, strengths and project of a person, in versions whose progress can be seen."""
