"""Networks: two branches, one per modality, with a class head each."""
