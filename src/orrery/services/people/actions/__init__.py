"""Every write of people, one function per verb."""
