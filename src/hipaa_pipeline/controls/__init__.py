"""What must hold: one small check each, and the table that maps HIPAA citations to checks."""
