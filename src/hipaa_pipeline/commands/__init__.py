"""One module per command: options in, results printed, exit code out. The work is done elsewhere."""
