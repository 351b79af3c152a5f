"""Whether a probability means what it says: fit on held-out clips, reliability, expected calibration error."""
