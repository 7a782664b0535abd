"""Gives the application a role of its own, and protects what is append-only.

The application connects as whoever the address names and acts as `concord_app`, which may not
change or delete the journal, the logs and what arrived; a trigger refuses it to the owner, too.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("journal", "case_log", "receipt_outcomes", "customer_events")

# What may change about a receipt is what became of it, never what arrived.
RECEIPT_COLUMNS = (
    "outcome, outcome_at, revision, rejected_for, rejected_field, advice, repeats, published"
)

CREATE_ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'concord_app') THEN
        CREATE ROLE concord_app NOLOGIN;
    END IF;
EXCEPTION
    -- Another database of the same server makes the role at the same moment.
    WHEN duplicate_object OR unique_violation THEN NULL;
END $$
"""

GRANT_ROLE = """
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'concord_app', 'SET') THEN
        EXECUTE format('GRANT concord_app TO %I WITH INHERIT FALSE, SET TRUE', current_user);
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
END $$
"""

REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$
"""


def upgrade() -> None:
    """Apply it."""
    op.execute(CREATE_ROLE)
    op.execute(GRANT_ROLE)
    op.execute("GRANT USAGE ON SCHEMA public TO concord_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO concord_app")
    op.execute("REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM concord_app")
    op.execute("REVOKE UPDATE, DELETE ON receipts FROM concord_app")
    op.execute(f"GRANT UPDATE ({RECEIPT_COLUMNS}) ON receipts TO concord_app")
    op.execute(REFUSE)
    for table in APPEND_ONLY:
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM concord_app")
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
