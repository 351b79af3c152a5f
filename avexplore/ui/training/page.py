"""The training page: data and parameters in, a run (teacher, graph, student, twin) out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, get_args

import streamlit as st

from avexplore.apart import apart
from avexplore.config import Config, FeatureFileConfig, StudentConfig, SyntheticConfig, TeacherConfig, upstream
from avexplore.config.presets import PresetName
from avexplore.ui.parts import job_progress, uploads
from avexplore.ui.parts.plain_text import as_markdown, as_text
from avexplore.ui.parts.told import Telling
from avexplore.ui.settings import field_widget, trainings, working
from avexplore.ui.shell import links, session
from avexplore.ui.training import attach_features, from_clips, job_cards
from avexplore.workbench.brought_files import Annotation, look_at

if TYPE_CHECKING:
    from avexplore.workbench.runs import Run

C = TypeVar("C", bound=Config)

SEED_HELP = "Same seed and parameters, same result."
THIS_RUN, SYNTHETIC, FEATURES, CLIPS = "This run", "Synthetic benchmark", "My features", "My clips"
GROUPS = {
    "Teacher (AV-SAL)": ("teacher",),
    "Class graph (GRaSP)": ("graph", "stability"),
    "LIR": ("regularizer", "affinity"),
    "Student": ("student",),
}
"""Stages whose parameters stand together."""
_BY_LOSS = ("metric_space", "proxies")
"""Fields of a student that say how its metric loss compares clips, if it does."""
PRESETS: dict[PresetName, str] = {
    "quick": "40 epochs, LIR from epoch 15: for a first look.",
    "long": "1000 epochs, LIR from epoch 400.",
    "paper": "As long, with the loss and the LIR that the papers report.",
    "tiny": "6 epochs: to see that everything runs. Nothing is learned well.",
}
# The jobs stay in sight while the form is scrolled; on a phone they come first while there are any.
STYLE = """<style>
[data-testid="stColumn"]:has(> * .st-key-training-jobs) { position: sticky; top: 4rem; align-self: flex-start; }
@media (max-width: 640px) {
  [data-testid="stColumn"]:has(> * .st-key-training-jobs) { position: static; }
  [data-testid="stColumn"]:has(.st-key-training-jobs [data-testid="stProgress"]) { order: -1; }
}
</style>"""


def draw() -> None:
    """Draw the page."""
    if session.workbench().read_only:
        st.info("This avexplore shows stored runs only. Start your own with `make app` to train.")
        return
    st.html(STYLE)
    form, progress = st.columns([3, 2], gap="large")
    with form, Telling(OSError):
        given = _given()
        if given is not None:
            _from_student(given)
        else:
            _from_start()
    with progress, st.container(key="training-jobs"):
        job_cards.draw()


def _from_start() -> None:
    runs = session.runs()
    run = session.current_run() if runs else None
    sources = [THIS_RUN] * bool(run and run.student) + [SYNTHETIC, FEATURES, CLIPS]
    source = st.segmented_control(
        "Where to start",
        sources,
        default=sources[0],
        required=True,
        key="training.source",
        bind="query-params",
        help="From the run that is looked at, with its data and parameters; from the synthetic benchmark, whose "
        "planted class graph the learned one can be checked against; or from features of yours.",
    )
    if source == THIS_RUN and run is not None:
        _this_run(run)
        return
    data = _synthetic() if source == SYNTHETIC else _clips() if source == CLIPS else _features()
    if data is not None:
        _from_preset(data)


def _synthetic() -> SyntheticConfig:
    with st.expander("Parameters of the benchmark"):
        return field_widget.form(SyntheticConfig(), key="training.synthetic", bind=True)


def _clips() -> FeatureFileConfig | None:
    made = from_clips.features()
    return None if made is None else _annotated([made])


def _features() -> FeatureFileConfig | None:
    from avexplore.data.files.open import FEATURE_SUFFIXES, known_formats

    given = st.file_uploader(
        "Feature files",
        type=[suffix.lstrip(".") for suffix in FEATURE_SUFFIXES],
        accept_multiple_files=True,
        help=f"{known_formats()}; beside them class names (csv or txt) or media files (csv).",
        key="training.files",
    )
    earlier = uploads.known(FEATURE_SUFFIXES)
    paths = [uploads.keep(upload.name, upload.getbuffer()) for upload in given]
    if not paths and earlier:
        chosen = st.selectbox(
            "Or a file from earlier", earlier, index=None, format_func=lambda path: as_text(path.name)
        )
        paths = [chosen] if chosen else []
    if not paths:
        st.caption("Features are averaged over the clip: audio (n, 128) and visual (n, 1024) in the papers' setting.")
        return None
    return _annotated(paths)


def _annotated(paths: list[Path]) -> FeatureFileConfig:
    annotation: Annotation = st.selectbox(
        "Label kept as the annotation",
        get_args(Annotation),
        help="Where a clip has several true labels: one at random, the rarest, or the file's own choice; "
        "auto takes the file's own choice if it names one.",
        key="training.annotation",
    )
    named = _class_names()
    return _read([*paths, *([named] if named else [])], annotation)


def _class_names() -> Path | None:
    """A file of the class names that were typed; None if none were."""
    with st.expander("Class names"):
        typed = st.text_area(
            "One a line, that of class 0 first",
            key="training.names",
            help="For files that number their classes. A file of them (csv with label_id,label_name, or txt) can be "
            "given among the feature files instead.",
        )
    return uploads.keep("class_names.txt", typed.encode()) if typed.strip() else None


def _read(paths: list[Path], annotation: Annotation) -> FeatureFileConfig:
    stamps = tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in paths)
    config, found, notes = _looked_at(stamps, annotation)
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
    return apart(look_at, [path for path, _, _ in stamps], annotation, session.own_folder())


def _from_preset(data: SyntheticConfig | FeatureFileConfig) -> None:
    from avexplore.config.presets import preset

    left, right = st.columns([3, 1], vertical_alignment="bottom")
    name = left.segmented_control(
        "Preset", list(PRESETS), format_func=str.capitalize, default="quick", required=True, key="training.preset",
        bind="query-params",
    )  # fmt: skip
    seed = int(right.number_input("Seed", 0, 2**31 - 1, 0, key="training.seed", bind="query-params", help=SEED_HELP))
    st.caption(PRESETS[name])
    _parameters(preset(name, data, seed), f"training.{name}")


def _given() -> StudentConfig | None:
    """The stored student that the address names, as a link from a sweep does: its parameters fill the form."""
    key = st.query_params.get("student", "")
    if not key:
        return None
    known = session.workbench().store.entries(StudentConfig.stage)
    found = [one.config for one in known if one.address.startswith(key) and isinstance(one.config, StudentConfig)]
    if len(found) == 1 and found[0].regularizer is not None and session.workbench().may_see(found[0]):
        return found[0]
    st.warning("The student in this address is not on this machine, or has no LIR. The form starts from a preset.")
    return None


def _from_student(student: StudentConfig) -> None:
    from avexplore.experiments.arms import reseeded

    key = student.address[:12]
    what, back = st.columns([2, 1], vertical_alignment="center")
    name = as_markdown(session.workbench().run_name(student))
    what.info(f"Filled in from student {name}, which is on this machine, with its data.", icon=":material/tune:")
    if back.button("Start from a preset", width="stretch", key="training.back"):
        del st.query_params["student"]
        st.rerun()
    seed = int(
        st.number_input(
            "Seed", 0, 2**31 - 1, student.seed, key=f"training.{key}.seed", bind="query-params", help=SEED_HELP
        )
    )
    _parameters(student if seed == student.seed else reseeded(student, seed, True), f"training.{key}")


def _parameters(student: StudentConfig, key: str) -> None:
    from avexplore.workbench import Ready

    student = _edited(student, key)
    bench = session.workbench()
    current = bench.ask(student, start=False)
    reason = trainings.why_not(student)
    if said := job_progress.effort(trainings.work(student)):
        st.caption(said)
    if st.button(
        "Train", type="primary", width="stretch", key="training.start", disabled=bool(reason), help=reason or None
    ) and trainings.begin(student):
        st.rerun()
    if isinstance(current, Ready):
        st.success("This student is on this machine already.")
        if student.address[:12] in session.runs():
            links.to("overview", "Open it", {"run": student.address[:12]})
        elif st.button("List it among the runs", key="training.keep") and trainings.begin(student):
            st.rerun()


def _edited(student: StudentConfig, key: str) -> StudentConfig:
    regularizer = student.regularizer
    assert regularizer is not None
    affinity = regularizer.affinity
    stability = affinity.stability
    graph = stability.graph
    teacher = graph.soft_labels
    assert isinstance(teacher, TeacherConfig)

    def form(config: C) -> C:
        names = field_widget.editable(type(config), "seed")  # one seed for all stands above
        return field_widget.form(config, names, key=f"{key}.{config.stage}", bind=True)

    of_teacher, of_graph, of_lir, of_student = map(st.expander, GROUPS)
    with of_teacher:
        teacher = form(teacher)
    with of_graph:
        graph, stability = form(graph), form(stability)
    with of_lir:
        regularizer, affinity = form(regularizer), form(affinity)
    with of_student:
        # LIR is put back below: on its way there the student may be shorter than LIR's start
        student = _student(student.twin, regularizer.form, key)
    graph = graph.replace(soft_labels=teacher)
    stability = stability.replace(graph=graph)
    affinity = affinity.replace(stability=stability)
    return student.replace(regularizer=regularizer.replace(affinity=affinity))


def _student(student: StudentConfig, lir: str, key: str) -> StudentConfig:
    """The student's fields; of those that some metric loss reads, the ones that the chosen loss does."""
    student = field_widget.form(student, ["loss"], key=f"{key}.student", bind=True)
    student = student.replace(proxies=_proxies(student)[0]) if student.proxies not in _proxies(student) else student
    if len(_proxies(student)) > 1:
        takes = {"proxies": _proxies(student)}
        student = field_widget.form(student, _BY_LOSS, key=f"{key}.student", bind=True, options=takes)
    rest = field_widget.editable(StudentConfig, "seed", "loss", *_BY_LOSS)
    names = [name for name in rest if _is_read(name, student, lir)]
    return field_widget.form(student, names, key=f"{key}.student", bind=True)


def _proxies(student: StudentConfig) -> tuple[str, ...]:
    from avexplore.losses.registry import LOSSES

    return LOSSES[student.loss].proxies


def _is_read(name: str, student: StudentConfig, lir: str) -> bool:
    """Whether a student's field means something with its metric loss and a form of LIR."""
    from avexplore.losses.registry import AA_FIELDS, LOSSES

    of_losses = {parameter.field for record in LOSSES.values() for parameter in record.parameters} | {*AA_FIELDS}
    if name in _BY_LOSS:
        return len(_proxies(student)) > 1
    return name not in of_losses or name in LOSSES[student.loss].reads(student, lir)


# --- the run that is looked at ------------------------------------------------------------------------------------


def _this_run(run: Run) -> None:
    """The run's own parameters: what is changed here are the working settings of every page."""
    assert run.student is not None
    st.caption(as_markdown(f"What {run.name} was made with. Changes count on every page."))
    bench = session.workbench()
    if not bench.can_read(run.student.data):
        attach_features.draw(run.student.data)
    stages = {part.stage: type(part) for part in upstream(run.student)}
    for label, together in GROUPS.items():
        with st.expander(label):
            for stage in together:
                if stage in stages:
                    field_widget.grid(_parameters_of(stages[stage], run), columns=3)
    student = working.config(run)
    reason = trainings.why_not(student)
    help_text = reason or "Makes the run that these settings describe, and shows what differs."
    changed = bool(working.current())
    if changed and not reason and (said := job_progress.effort(trainings.work(student))):
        st.caption(said)
    if st.button(
        "Train with these changes" if changed else "Nothing is changed yet",
        type="primary", width="stretch", key="training.run", disabled=bool(reason) or not changed, help=help_text,
    ):  # fmt: skip
        trainings.begin_and_compare(run.key, student)


def _parameters_of(stage: type[Config], run: Run) -> list[str]:
    """The parameters of a stage that mean something with the metric loss and the form of LIR as they are set."""
    names = field_widget.parameters(stage)
    if stage is not StudentConfig:
        return names
    student: StudentConfig = working.config(run)
    assert student.regularizer is not None
    lir = student.regularizer.form
    return [name for name in names if _is_read(name.partition(".")[2], student, lir)]
