"""What the caller must be allowed to do: one table, from which the policy, the document and the simulation are made."""
