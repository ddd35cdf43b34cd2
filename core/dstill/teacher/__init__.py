"""How a teacher is asked: requests, the reply store, budgets and costs."""
