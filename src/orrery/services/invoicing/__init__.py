"""Invoicing: customers, sales invoices, what they pay, credit and still owe."""
