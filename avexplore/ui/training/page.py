"""The training page: data and parameters in, a run (teacher, graph, student, twin) out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import streamlit as st

from avexplore.artifacts import Clips
from avexplore.config import DataConfig, FeatureFileConfig, StudentConfig, SyntheticConfig, TeacherConfig
from avexplore.config.presets import PresetName
from avexplore.errors import AvexploreError
from avexplore.ui.parts import config_form, uploads
from avexplore.ui.parts.plain_text import as_markdown
from avexplore.ui.parts.told import told
from avexplore.ui.shell import session
from avexplore.ui.training import from_clips, job_cards

Annotation = Literal["auto", "random", "rarest", "given"]
SEED_HELP = "Same seed and parameters, same result."
PRESETS: dict[PresetName, str] = {
    "quick": "Seconds on a laptop, for a live demo",
    "long": "1000 epochs, LIR from epoch 400",
    "paper": "The same, with the loss and the LIR that the papers report",
    "tiny": "To see that everything runs",
}


def draw() -> None:
    """Draw the page."""
    if session.workbench().read_only:
        st.info("This avexplore shows stored runs only. Start your own with `make app` to train.")
        return
    form, progress = st.columns([3, 2], gap="large")
    with form:
        given = _given()
        if given is not None:
            _from_student(given)
        else:
            st.subheader("Data", anchor=False)
            data = _data()
            if data is not None:
                _from_preset(data)
    with progress:
        job_cards.draw()


def _data() -> DataConfig | None:
    kind = st.segmented_control(
        "Where the clips come from",
        ["Synthetic benchmark", "My features", "My clips"],
        default="Synthetic benchmark",
        required=True,
        key="training.source",
        bind="query-params",
        help="The synthetic benchmark has a planted class graph, so that the learned one can be checked against it.",
    )
    if kind == "Synthetic benchmark":
        with st.expander("Parameters of the benchmark"):
            names = ["clips", "classes", "density", "co_occurrence", "noise", "statistics", "seed"]
            return config_form.edit(SyntheticConfig(), names, key="training.synthetic", bind=True)
    return _clips() if kind == "My clips" else _features()


def _clips() -> FeatureFileConfig | None:
    made = from_clips.features()
    return None if made is None else _annotated([made])


def _features() -> FeatureFileConfig | None:
    from avexplore.data.files.open import FEATURE_SUFFIXES, known_formats

    given = st.file_uploader(
        "Feature files",
        type=[suffix.lstrip(".") for suffix in FEATURE_SUFFIXES],
        accept_multiple_files=True,
        help=f"{known_formats()}; beside them class names or media files (csv).",
        key="training.files",
    )
    earlier = uploads.known(FEATURE_SUFFIXES)
    try:
        paths = [uploads.keep(upload) for upload in given]
    except AvexploreError as error:
        st.error(as_markdown(str(error)))
        return None
    if not paths and earlier:
        chosen = st.selectbox("Or a file from earlier", earlier, index=None, format_func=lambda path: path.name)
        paths = [chosen] if chosen else []
    if not paths:
        st.caption("Features are averaged over the clip: audio (n, 128) and visual (n, 1024) in the papers' setting.")
        return None
    return _annotated(paths)


def _annotated(paths: list[Path]) -> FeatureFileConfig | None:
    annotation: Annotation = st.selectbox(
        "Label kept as the annotation",
        get_args(Annotation),
        help="Where a clip has several true labels: one at random, the rarest, or the file's own choice; "
        "auto takes the file's own choice if it names one.",
        key="training.annotation",
    )
    return _read(paths, annotation)


def _read(paths: list[Path], annotation: Annotation) -> FeatureFileConfig | None:
    try:
        stamps = tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in paths)
        config, found, notes = _looked_at(stamps, annotation)
    except (AvexploreError, OSError) as error:
        st.error(as_markdown(str(error)))
        return None
    # A run with these features that came without them can now be computed further.
    session.workbench().store.remember_files(config.fingerprint, config.paths)
    st.success(found)
    for sentence in notes:
        st.caption(as_markdown(sentence))
    return config


@st.cache_data(show_spinner="Reading the files", max_entries=32)
def _looked_at(
    stamps: tuple[tuple[str, int, int], ...], annotation: Annotation
) -> tuple[FeatureFileConfig, str, tuple[str, ...]]:
    """The config of some files, what is in them, and how they were read; once, not at each change of the form below."""
    from avexplore.data import feature_file, load_features

    paths = [path for path, _, _ in stamps]
    config: FeatureFileConfig = feature_file(*paths, annotation=annotation)
    features = load_features(config)
    counts = ", ".join(f"{len(features.rows(split)):,} {split}" for split in ("train", "validation", "test"))
    widths = " and ".join(f"{features.reading[f'{name}_width']} {name}" for name in ("audio", "visual"))
    found = f"{len(features.classes)} classes; {counts} clips; {widths} features per clip."
    return config, found, (*features.notes, *_media(paths, features.clips()))


def _media(paths: list[str], clips: Clips) -> tuple[str, ...]:
    """Take the manifest that is among the files or beside them; what came of it."""
    from avexplore.data import media_manifest
    from avexplore.workbench.media_files import attach_manifest

    try:
        manifest = media_manifest(paths)
        if manifest is None:
            return ()
        return (attach_manifest(session.workbench().store.root, clips, manifest).sentence(len(clips.clip_ids)),)
    except AvexploreError as error:
        return (f"Their media files are not shown: {error}",)


def _from_preset(data: DataConfig) -> None:
    from avexplore.config.presets import preset

    st.subheader("Method", anchor=False)
    name = st.radio(
        "Preset",
        list(PRESETS),
        format_func=str.capitalize,
        captions=list(PRESETS.values()),
        key="training.preset",
        bind="query-params",
    )
    seed = int(st.number_input("Seed", 0, 2**31 - 1, 0, key="training.seed", bind="query-params", help=SEED_HELP))
    _parameters(preset(name, data, seed), f"training.{name}")


def _given() -> StudentConfig | None:
    """The stored student that the address names, as a link from a sweep does: its parameters fill the form."""
    key = st.query_params.get("student", "")
    if not key:
        return None
    known = session.workbench().store.entries(StudentConfig.stage)
    found = [one.config for one in known if one.address.startswith(key) and isinstance(one.config, StudentConfig)]
    if len(found) == 1 and found[0].regularizer is not None:
        return found[0]
    st.warning("The student in this address is not on this machine, or has no LIR. The form starts from a preset.")
    return None


def _from_student(student: StudentConfig) -> None:
    from avexplore.experiments.arms import reseeded

    key = student.address[:12]
    what, back = st.columns([2, 1], vertical_alignment="center")
    what.info(f"Filled in from student `{key}`, which is on this machine, with its data.", icon=":material/tune:")
    if back.button("Start from a preset", width="stretch", key="training.back"):
        del st.query_params["student"]
        st.rerun()
    st.subheader("Method", anchor=False)
    seed = int(
        st.number_input(
            "Seed", 0, 2**31 - 1, student.seed, key=f"training.{key}.seed", bind="query-params", help=SEED_HELP
        )
    )
    _parameters(student if seed == student.seed else reseeded(student, seed, True), f"training.{key}")


def _parameters(student: StudentConfig, key: str) -> None:
    from avexplore.workbench import Failed, Ready

    try:
        student = _edited(student, key)
    except AvexploreError as error:
        st.error(as_markdown(str(error)))
        return
    bench = session.workbench()
    current = bench.ask(student, start=False)
    if st.button("Train", type="primary", width="stretch", key="training.start"):
        told(bench.keep_run, student)
        for wanted in (student, student.twin):
            begin = bench.retry if isinstance(bench.ask(wanted, start=False), Failed) else bench.ask
            answer = begin(wanted, slot=session.job_slot(wanted))
            if isinstance(answer, Failed):
                st.error(as_markdown(answer.message))
                return
        st.rerun()
    if isinstance(current, Ready):
        st.success("This student is on this machine already.")
        if student.address[:12] in session.runs():
            st.page_link("pages/overview.py", label="Open it", query_params={"run": student.address[:12]})
        elif st.button("List it among the runs", key="training.keep"):
            told(bench.keep_run, student)
            bench.ask(student.twin, slot=session.job_slot(student.twin))
            st.rerun()


def _edited(student: StudentConfig, key: str) -> StudentConfig:
    regularizer = student.regularizer
    assert regularizer is not None
    affinity = regularizer.affinity
    stability = affinity.stability
    graph = stability.graph
    teacher = graph.soft_labels
    assert isinstance(teacher, TeacherConfig)
    with st.expander("Teacher (AV-SAL)"):
        names = ["head", "alignment", "alpha", "temperature", "label_smoothing", "members", "calibration", "epochs"]
        teacher = config_form.edit(teacher, names, key=f"{key}.teacher", bind=True)
    with st.expander("Class graph (GRaSP)"):
        graph = config_form.edit(
            graph, ["engine", "transform", "penalty_discount", "depth"], key=f"{key}.graph", bind=True
        )
        stability = config_form.edit(stability, ["bootstraps", "null"], key=f"{key}.stability", bind=True)
    with st.expander("LIR"):
        names = ["form", "weight", "tau", "posterior_links", "linked", "start_epoch", "ramp_epochs"]
        regularizer = config_form.edit(regularizer, names, key=f"{key}.lir", bind=True)
        names = ["source", "threshold", "top_k", "same_class", "within_audio", "within_visual", "across", "directed"]
        affinity = config_form.edit(affinity, names, key=f"{key}.affinity", bind=True)
    with st.expander("Student"):
        # LIR is put back below: on its way there the student may be shorter than LIR's start
        student = _student(student.twin, regularizer.form, f"{key}.student")
    graph = graph.replace(soft_labels=teacher)
    stability = stability.replace(graph=graph)
    affinity = affinity.replace(stability=stability)
    return student.replace(regularizer=regularizer.replace(affinity=affinity))


def _student(student: StudentConfig, form: str, key: str) -> StudentConfig:
    """The student's fields; of the metric loss's, those that the chosen loss reads."""
    from avexplore.losses.registry import LOSSES

    student = config_form.edit(student, ["loss"], key=key, bind=True)
    record = LOSSES[student.loss]
    if len(record.proxies) > 1:
        takes = {"proxies": record.proxies}
        student = config_form.edit(student, ["metric_space", "proxies"], key=key, bind=True, options=takes)
    else:
        student = student.replace(proxies=record.proxies[0])
    names = [*record.reads(student, form), "semantic_weight", "epochs", "batch_size", "learning_rate", "dim"]
    return config_form.edit(student, names, key=key, bind=True)
