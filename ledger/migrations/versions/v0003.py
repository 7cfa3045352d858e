"""Places of calls, what calls cost, and their carrier's name for them."""

import sqlalchemy as sa
from alembic import op

revision = "v0003"
down_revision = "v0002"


def upgrade() -> None:
    op.add_column("calls", sa.Column("line_seconds", sa.Double))
    op.add_column("calls", sa.Column("cost", sa.Double))
    op.add_column("calls", sa.Column("place", sa.String(16)))
    op.add_column("calls", sa.Column("carrier_call_id", sa.String(64)))
    op.create_index("ix_calls_carrier_call_id", "calls", ["carrier_call_id"])
    spent = ["answered_at", "ended_at", "line_seconds", "cost"]
    op.create_index("calls_spent", "calls", spent)
