"""The queue is tried on both databases, as the ledger is."""

from tests.ledger.conftest import server, url

__all__ = ["server", "url"]
