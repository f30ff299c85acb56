"""The embedded local account: MiniStack in its own process, with what it lacks added."""
