"""What the arrays of a file mean: AVE, VEGAS, YouTube-8M, or named columns."""
