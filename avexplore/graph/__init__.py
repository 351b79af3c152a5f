"""Class-dependency graphs: search, certainty, comparison, weights and file formats. Never imports torch."""
