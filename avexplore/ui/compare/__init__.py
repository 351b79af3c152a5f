"""Any run against any run."""
