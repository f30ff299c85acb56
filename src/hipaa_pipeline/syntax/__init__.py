"""YAML and JSON texts read into plain values with the line of each: what `source` makes templates of."""
