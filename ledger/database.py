"""Opens the ledger: SQLite by default, PostgreSQL by URL."""

from sqlalchemy import Engine, create_engine

from ledger.tables import Base


def open_ledger(url: str) -> Engine:
    """A database whose tables are there and of this version. `url` as SQLAlchemy takes it."""
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    return engine
