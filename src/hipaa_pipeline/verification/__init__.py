"""A running stack against what it should be: the controls, the comparison, and what only a live account tells."""
