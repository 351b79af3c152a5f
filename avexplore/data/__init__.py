"""Where clips come from: the synthetic benchmark, files of features, files of soft labels.

config = feature_file("clips.npz")            # or SyntheticConfig(...)
features = load_features(config)              # FeatureSet, checked
soft_labels = load_soft_labels(soft_label_file("predictions.npz"))
"""

from avexplore.data.export import export_features, export_soft_labels, whole_file
from avexplore.data.loading import feature_file, load_features, media_manifest
from avexplore.data.scaling import Standardizer
from avexplore.data.soft_labels import load_soft_labels, soft_label_file

__all__ = [
    "Standardizer",
    "export_features",
    "export_soft_labels",
    "feature_file",
    "load_features",
    "load_soft_labels",
    "media_manifest",
    "soft_label_file",
    "whole_file",
]
