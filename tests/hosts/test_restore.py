"""A backup is what has been restored: the drill in small in each run of the tests; `make restore-drill` in full."""

from cityjobs.embedded.home import temporary_home
from tests.hosts.restore_drill import RPO_BAR, RTO_BAR, TEST, Drill
from tests.proofs.conftest import Proof, proof  # noqa: F401 - a fixture


def test_the_host_of_the_database_is_lost_and_nothing_else(proof: Proof) -> None:  # noqa: F811
    with temporary_home() as home:
        report = Drill(home, size="small", archive_timeout=1).run()
    assert report.differences == []
    assert report.faults == []
    proof.at_most(TEST, "letters and reminders sent again", report.sent_again, 0)
    proof.at_least(TEST, "rows compared", report.rows, 1000)
    proof.at_least(TEST, "tables compared", report.tables, 30)
    proof.at_most(TEST, "RPO: work lost with the host", report.rpo, RPO_BAR, "s")
    proof.at_most(TEST, "RTO: from the loss to a page", report.rto, RTO_BAR, "s")
