"""Where clips come from: one file per source, all of them giving a `FeatureSet` or `SoftLabels`."""
