"""Analytics: the company's figures, kept by what the other services announce, live."""
