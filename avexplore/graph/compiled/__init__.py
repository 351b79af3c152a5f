"""What the compiled engine is built on: bit sets, random numbers, the cache of machine code."""
