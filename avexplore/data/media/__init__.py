"""The clips behind the features: manifests of video, sound and thumbnails."""
