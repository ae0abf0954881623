"""Everything that a person or a program sees of a run. What is deliberately not in here: deciding, reading, storing."""
