"""The offers of the Query DSL pack beyond its task: a file for each protocol, loaded on first use."""
