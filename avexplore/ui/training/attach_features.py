"""The files with a run's features, where they are not on this machine: taken, and checked to be the run's own."""

from __future__ import annotations

import streamlit as st

from avexplore.apart import apart
from avexplore.config import DataConfig, FeatureFileConfig
from avexplore.ui.parts import uploads
from avexplore.ui.parts.told import Telling
from avexplore.ui.shell import session
from avexplore.workbench.brought_files import config_of


def draw(data: DataConfig) -> None:
    """Say that the features are not here, and take them."""
    from avexplore.data.files.open import FEATURE_SUFFIXES

    if not isinstance(data, FeatureFileConfig):
        return
    st.warning(
        "The features of this run's clips are not on this machine, so it cannot be trained anew here. What acts on a "
        "trained student's outputs (graph, links, share and temperature of the posteriors) works without them. "
        "Attach the run's feature files to train, or start from the synthetic benchmark or from features of yours."
    )
    given = st.file_uploader(
        "Attach features",
        type=[suffix.lstrip(".") for suffix in FEATURE_SUFFIXES],
        accept_multiple_files=True,
        key="training.attach",
        help="The files that the run was made from. Their content is compared with the run's, by SHA-256.",
    )
    if not given:
        return
    with Telling(OSError):
        paths = [uploads.keep(upload.name, upload.getbuffer()) for upload in given]
        found = apart(config_of, paths, data.annotation)
        if found.fingerprint != data.fingerprint:
            st.error("These are other files than the ones this run was made from: their content differs.")
            return
        session.workbench().store.remember_files(data.fingerprint, found.paths)
        st.rerun()
