"""Asks teachers: requests, the reply store, budgets and costs."""
