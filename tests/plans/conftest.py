"""The same Cité and the same visitors as for follow-ups."""

from tests.followups.conftest import refuse_everyone, rows, scene, try_everyone

__all__ = ["refuse_everyone", "rows", "scene", "try_everyone"]
