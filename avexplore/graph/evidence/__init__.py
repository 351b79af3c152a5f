"""What the soft labels say about pairs of classes without any search: probabilities, links, and their benchmarks."""
