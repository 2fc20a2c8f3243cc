"""Which tests go to one worker: those that share what takes seconds to make."""

from xdist.scheduler.loadscope import LoadScopeScheduling

TOGETHER = {
    "browser": ("tests/browser/",),
    "assets": ("tests/assets/",),
    "hosts": tuple(f"tests/proofs/test_{name}.py" for name in ("broker", "crashes", "database", "hosts")),
    "twins": tuple(
        f"tests/proofs/test_{name}.py"
        for name in (
            "forged_requests",
            "injected_columns",
            "pages",
            "scripts_in_text",
            "small_inputs",
            "traces",
        )
    ),
    "country": ("tests/proofs/test_plans.py",),
    "authorization": ("tests/proofs/test_authorization.py",),
    "bulk demo": ("tests/demo/test_bulk_loaded.py",),
    "opened demo": ("tests/demo/test_opened.py", "tests/demo/test_story.py"),
}
"""By what they share: where they are."""


class SharedScheduling(LoadScopeScheduling):
    """The tests of a line of TOGETHER go to one worker, the largest lines first; each other test to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        return next((shared for shared, places in TOGETHER.items() if nodeid.startswith(places)), nodeid)
