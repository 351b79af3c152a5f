"""From soft labels to a covariance: checks and transforms."""
