"""Employees, departments and attendance: who works where, since when, and at what hours."""
