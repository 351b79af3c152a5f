"""Features of a folder of clips: asked for here by who sits at the machine, on the command line by everybody else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from avexplore.artifacts import ExtractedClips
from avexplore.config import Config, ExtractionConfig, from_json
from avexplore.errors import DataError
from avexplore.folders import name_folder
from avexplore.ui.parts import job_progress
from avexplore.ui.shell import session

COMMAND = "avexplore features FOLDER labels.csv -o clips.npz"
TABLE_HELP = (
    "CSV with the columns file and label; or sound, picture and labels (several, parted by semicolons). Columns "
    "clip_id, start, end and split may follow."
)


def features() -> Path | None:
    """The file of features that was made of the visitor's clips; None until there is one."""
    if not session.sits_here():
        st.info(
            "Clips are read by who sits at the machine that holds them. There, this makes features of a folder, with "
            "thumbnails and an account of every clip; give `clips.npz` under My features afterwards."
        )
        st.code(COMMAND, language="sh")
        return None
    config = _asked()
    if config is None:
        return None
    made: ExtractedClips | None = job_progress.artifact(config, "Features of clips", start=False, stop_page=False)
    if made is None:
        return None
    if not Path(made.features).is_file():
        st.warning("The features were made before, and are gone since. Make them again with other settings.")
        return None
    _account(made)
    return Path(made.features)


def _asked() -> ExtractionConfig | None:
    """What the form asks for, from the moment when its button is pressed."""
    with st.form("training.clips", border=True):
        folder = st.text_input(
            "Folder of clips", key="training.folder", placeholder="/data/clips", help="Videos, or sounds and pictures."
        )
        table = st.text_input("Labels", key="training.table", placeholder="labels.csv in this folder", help=TABLE_HELP)
        left, right = st.columns(2)
        audio = left.text_input(
            "Describes sounds", "log-mel", key="training.audio",
            help="log-mel is built in. With weights on this machine: vggish:FILE, clap:FOLDER, onnx:FILE.",
        )  # fmt: skip
        visual = right.text_input(
            "Describes frames", "color-texture", key="training.visual",
            help="color-texture is built in. With weights on this machine: inception:FILE, clip:FOLDER, "
            "torchvision/NAME:FILE, onnx:FILE.",
        )  # fmt: skip
        pressed = st.form_submit_button("Make features", type="primary", width="stretch")
    if pressed:
        st.session_state.pop("training.extraction", None)
        st.session_state["training.extraction"] = _begin(folder, table, audio, visual).to_json()
    content = st.session_state.get("training.extraction")
    config: Config | None = from_json(content) if content else None
    return config if isinstance(config, ExtractionConfig) else None


def _begin(folder: str, table: str, audio: str, visual: str) -> ExtractionConfig:
    from avexplore.data.media.decoding import require
    from avexplore.data.media.extraction import extraction_of
    from avexplore.data.media.extractors import parse
    from avexplore.workbench import Failed

    require()
    if not folder.strip():
        raise DataError("No folder is named", where="clips", fix="Type the path of the folder that holds the clips")
    place = Path(folder.strip()).expanduser().absolute()
    labels = place / (table.strip() or "labels.csv")
    with st.spinner("Looking at the clips"):
        config = extraction_of(place, labels, parse("audio", audio.strip()), parse("visual", visual.strip()))
    # As if named at start: the job reads there, and pages play the clips.
    name_folder(place)
    name_folder(labels.parent)
    bench = session.workbench()
    begin = bench.retry if isinstance(bench.ask(config, start=False), Failed) else bench.ask
    begin(config, slot=session.job_slot(config))
    return config


def _account(made: ExtractedClips) -> None:
    used = int(made.used.sum())
    audio, visual = made.widths
    st.success(
        f"Features of {used:,} of {len(made.clip_ids):,} clips: {audio} numbers of sound and {visual} of pictures each."
    )
    rows = np.flatnonzero([bool(note) for note in made.notes])
    if not len(rows):
        return
    left_out = int((~made.used).sum())
    words = f"Of {len(made.clip_ids):,} clips, {left_out:,} left out, {len(rows) - left_out:,} used with a remark"
    with st.expander(words, expanded=left_out > 0):
        st.dataframe(
            {
                "Clip": [made.clip_ids[row] for row in rows],
                "Used": ["yes" if made.used[row] else "no" for row in rows],
                "Claims": made.seconds[rows, 0],
                "Sound": made.seconds[rows, 1],
                "Picture": made.seconds[rows, 2],
                "Why": [made.notes[row] for row in rows],
            },
            column_config={
                name: st.column_config.NumberColumn(format="%.1f s") for name in ("Claims", "Sound", "Picture")
            },
            hide_index=True,
        )
