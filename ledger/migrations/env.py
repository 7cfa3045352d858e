"""How alembic reaches the ledger: by the connection of who opens it, in that one's transaction."""

from alembic import context

from ledger.database import VERSION_TABLE
from ledger.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite alters a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
