"""Freeze what was issued: the database itself refuses to change it (FIN-1, FIN-2).

The statement triggers look at whole sets, so that a hundred lines cost one look.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# A draft's lines and taxes come and go with it; those of an issued invoice stay. A row that has no
# invoice any more was taken with its draft.
FREEZE_PARTS = """
create function keep_issued_parts() returns trigger language plpgsql as $body$
begin
    if exists (
        select 1 from touched x join invoice i on i.id = x.invoice_id where i.state <> 'draft'
    ) then
        raise exception 'an issued invoice is not changed'
            using errcode = 'check_violation', constraint = 'invoice_frozen';
    end if;
    return null;
end $body$;
"""
FREEZE_INVOICE = """
create function keep_issued_invoice() returns trigger language plpgsql as $body$
begin
    if old.state = 'draft' then
        return coalesce(new, old);
    end if;
    if tg_op = 'DELETE' or row(
        new.number, new.unit_id, new.customer_id, new.currency, new.rounding, new.document_date,
        new.due_on, new.payment_term_id, new.discount_until, new.discount_percent, new.reference,
        new.language, new.notes, new.salesperson_id, new.total_net, new.total_tax, new.total, new.billed_to,
        new.billed_by, new.issued_at, new.external_id
    ) is distinct from row(
        old.number, old.unit_id, old.customer_id, old.currency, old.rounding, old.document_date,
        old.due_on, old.payment_term_id, old.discount_until, old.discount_percent, old.reference,
        old.language, old.notes, old.salesperson_id, old.total_net, old.total_tax, old.total, old.billed_to,
        old.billed_by, old.issued_at, old.external_id
    ) then
        raise exception 'an issued invoice is not changed'
            using errcode = 'check_violation', constraint = 'invoice_frozen';
    end if;
    return new;
end $body$;
create trigger keep_issued before update or delete on invoice
    for each row execute function keep_issued_invoice();
"""
ON_PARTS = """
create trigger keep_issued_insert after insert on {table}
    referencing new table as touched for each statement execute function keep_issued_parts();
create trigger keep_issued_update after update on {table}
    referencing old table as touched for each statement execute function keep_issued_parts();
create trigger keep_issued_delete after delete on {table}
    referencing old table as touched for each statement execute function keep_issued_parts();
"""


def upgrade() -> None:
    """Apply the revision."""
    op.execute(FREEZE_PARTS)
    op.execute(FREEZE_INVOICE)
    for table in ("invoice_line", "invoice_tax"):
        op.execute(ON_PARTS.format(table=table))


def downgrade() -> None:
    """Take the revision back."""
    for table in ("invoice_line", "invoice_tax"):
        for verb in ("insert", "update", "delete"):
            op.execute(f"drop trigger keep_issued_{verb} on {table}")
    op.execute("drop trigger keep_issued on invoice")
    op.execute("drop function keep_issued_parts; drop function keep_issued_invoice")
