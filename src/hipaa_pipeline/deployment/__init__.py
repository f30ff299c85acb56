"""Change sets, data-loss guard, watching, failure, clean-up and destroy: the sequence, and what it decides with."""
