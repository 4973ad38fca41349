"""Decisions of invoicing: parties, prices and taxes, states, dates, settlement, dunning, ageing."""
