"""What the SQL pack offers beyond its task: a file for each protocol, loaded on first use."""
