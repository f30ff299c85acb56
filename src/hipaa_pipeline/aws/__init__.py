"""AWS: the only package that talks to it, through `session.Session`."""
