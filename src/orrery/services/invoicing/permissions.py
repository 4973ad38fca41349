"""What a role may allow in invoicing."""

from orrery.kernel.types.permission import Permission

CUSTOMER_READ = Permission("invoicing.customer.read", "See customers and their statements")
CUSTOMER_WRITE = Permission("invoicing.customer.write", "Enter, change and archive customers")
INVOICE_READ = Permission("invoicing.invoice.read", "See invoices and print them")
INVOICE_WRITE = Permission("invoicing.invoice.write", "Draft invoices and change drafts")
INVOICE_ISSUE = Permission("invoicing.invoice.issue", "Issue invoices")
INVOICE_SEND = Permission("invoicing.invoice.send", "Mail invoices to customers")
INVOICE_VOID = Permission("invoicing.invoice.void", "Void issued invoices")
INVOICE_WRITE_OFF = Permission("invoicing.invoice.write_off", "Write off what stays unpaid")
CREDIT_NOTE_READ = Permission("invoicing.credit_note.read", "See credit notes and print them")
CREDIT_NOTE_ISSUE = Permission("invoicing.credit_note.issue", "Issue credit notes")
PAYMENT_READ = Permission("invoicing.payment.read", "See payments")
PAYMENT_RECORD = Permission("invoicing.payment.record", "Record payments and apply them")
PAYMENT_REVERSE = Permission("invoicing.payment.reverse", "Take payments back")
DUNNING_READ = Permission("invoicing.dunning.read", "See reminders and dunning levels")
DUNNING_RUN = Permission("invoicing.dunning.run", "Remind customers of overdue invoices")
TAX_READ = Permission("invoicing.tax.read", "See tax codes and payment terms")
TAX_WRITE = Permission("invoicing.tax.write", "Change tax codes, payment terms, dunning levels")
REPORT_READ = Permission("invoicing.report.read", "See receivables, revenue and tax reports")
SELLER_READ = Permission("invoicing.seller.read", "See how the units bill")
SELLER_CLOSE = Permission("invoicing.seller.close", "Close the books through a day")

ALL = [
    CUSTOMER_READ,
    CUSTOMER_WRITE,
    INVOICE_READ,
    INVOICE_WRITE,
    INVOICE_ISSUE,
    INVOICE_SEND,
    INVOICE_VOID,
    INVOICE_WRITE_OFF,
    CREDIT_NOTE_READ,
    CREDIT_NOTE_ISSUE,
    PAYMENT_READ,
    PAYMENT_RECORD,
    PAYMENT_REVERSE,
    DUNNING_READ,
    DUNNING_RUN,
    TAX_READ,
    TAX_WRITE,
    REPORT_READ,
    SELLER_READ,
    SELLER_CLOSE,
]
