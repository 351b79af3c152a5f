"""What the class graph page remembers, and what its address holds."""
