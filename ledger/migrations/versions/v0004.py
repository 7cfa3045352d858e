"""Calls of one persona or outcome are listed by when they began, without sorting all of them."""

from alembic import op

revision = "v0004"
down_revision = "v0003"


def upgrade() -> None:
    for column in ("persona", "outcome"):
        op.create_index(f"calls_by_{column}", "calls", [column, "started_at"])
        op.drop_index(f"ix_calls_{column}", "calls")
