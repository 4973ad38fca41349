"""Freeze what was issued, and keep the books in agreement: in the database itself (FIN-1, FIN-2).

The statement triggers look at whole sets, so that a hundred lines cost one look. The deferred ones
look once everything is written: what an invoice owes is its total less its ledger, what is left of
a payment is its amount less what it settles.
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

AGREE = """
create function settlements_agree() returns trigger language plpgsql as $body$
declare
    invoice_wanted uuid := case when tg_table_name = 'invoice' then new.id end;
    payment_wanted uuid := case when tg_table_name = 'payment' then new.id end;
begin
    if tg_table_name = 'settlement' then
        invoice_wanted := new.invoice_id;
        payment_wanted := new.payment_id;
    end if;
    if exists (
        select 1 from invoice i where i.id = invoice_wanted and i.state <> 'draft'
            and i.amount_open <> i.total - coalesce(
                (select sum(s.amount) from settlement s where s.invoice_id = i.id), 0)
    ) or exists (
        select 1 from payment p where p.id = payment_wanted and p.state = 'received'
            and p.amount_unapplied <> p.amount - coalesce(
                (select sum(s.amount) from settlement s
                 where s.payment_id = p.id and s.entry = 'payment'), 0)
    ) then
        raise exception 'amounts and ledger do not agree'
            using errcode = 'check_violation', constraint = 'settlements_agree';
    end if;
    return null;
end $body$;
create constraint trigger agree after insert on settlement deferrable initially deferred
    for each row execute function settlements_agree();
create constraint trigger agree_on_change after update on invoice deferrable initially deferred
    for each row when (new.amount_open is distinct from old.amount_open)
    execute function settlements_agree();
create constraint trigger agree after insert on payment deferrable initially deferred
    for each row execute function settlements_agree();
create constraint trigger agree_on_change after update on payment deferrable initially deferred
    for each row when (new.amount_unapplied is distinct from old.amount_unapplied)
    execute function settlements_agree();
"""


def upgrade() -> None:
    """Apply the revision."""
    op.execute(FREEZE_PARTS)
    op.execute(FREEZE_INVOICE)
    for table in ("invoice_line", "invoice_tax"):
        op.execute(ON_PARTS.format(table=table))
    op.execute(AGREE)


def downgrade() -> None:
    """Take the revision back."""
    for trigger in ("agree on settlement", "agree on payment", "agree_on_change on payment",
                    "agree_on_change on invoice"):  # fmt: skip
        op.execute(f"drop trigger {trigger}")
    op.execute("drop function settlements_agree")
    for table in ("invoice_line", "invoice_tax"):
        for verb in ("insert", "update", "delete"):
            op.execute(f"drop trigger keep_issued_{verb} on {table}")
    op.execute("drop trigger keep_issued on invoice")
    op.execute("drop function keep_issued_parts; drop function keep_issued_invoice")
