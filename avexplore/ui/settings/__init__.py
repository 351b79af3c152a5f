"""Working settings on every page: kept, shown in a bar, changed by widgets, trained."""
