"""How a student, or a large model that is compared, answers a question, and how an answer is judged."""
