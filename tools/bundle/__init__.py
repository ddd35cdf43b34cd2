"""Makes the bundled data of the Query DSL pack again, from what packages publish."""
