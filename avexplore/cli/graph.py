"""`avexplore graph`: the class-dependency graph of soft labels, alone or beside somebody else's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from avexplore.cli import configure, options
from avexplore.cli.chosen import Chosen, describes_student, workbench
from avexplore.cli.output import emit, progress, say, table
from avexplore.config import (
    ClipsConfig,
    Engine,
    GraphConfig,
    Score,
    SoftLabelWord,
    StabilityConfig,
    TeacherConfig,
    Transform,
)
from avexplore.errors import AvexploreError, ConfigError

if TYPE_CHECKING:
    from avexplore.analysis.pair_evidence import PairEvidence
    from avexplore.artifacts import ClassGraph, Clips, GraphStability, SoftLabels


@describes_student
def graph(
    chosen: Chosen,
    penalty_discount: Annotated[
        float | None, typer.Option(help="c in BIC = 2L - c k ln n; 1 is plain BIC, useful 1..16.")
    ] = None,
    engine: Annotated[Engine | None, typer.Option(help="Which searcher.")] = None,
    score: Annotated[
        Score | None,
        typer.Option(
            help="bic: Gaussian, the default. bdeu: discretized, no assumption on distributions. kernel: any kind of "
            "dependency, for some hundred clips and a few classes."
        ),
    ] = None,
    transform: Annotated[Transform | None, typer.Option(help="What is done to the soft labels first.")] = None,
    training_rows: Annotated[
        int | None, typer.Option(help="The first so many rows of a soft-label file are training clips.", min=0)
    ] = None,
    kind: Annotated[
        SoftLabelWord | None,
        typer.Option(help="What the values of a soft-label file are, where neither it nor they themselves tell."),
    ] = None,
    rows: Annotated[Literal["train", "all"] | None, typer.Option(help="Clips that the graph is learned from.")] = None,
    compare: Annotated[
        Path | None, typer.Option(help="Compare with a graph file (CSV, GraphML, DOT, JSON ...).")
    ] = None,
    stability: Annotated[int, typer.Option(help="Bootstraps behind each edge's frequency; 0 for none.", min=0)] = 0,
    verdict: Annotated[
        bool,
        typer.Option(
            "--verdict",
            help="Is it right? How probable it is that linked classes come together, in how many clips they do, and "
            "what else is known. Takes no search; add --stability for what repeats.",
        ),
    ] = False,
    workers: options.Workers = 1,
    scheduler: options.Scheduler = None,
    out: Annotated[Path | None, typer.Option(help="Write the graph; the ending says in which format.")] = None,
    device: options.Device = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Learn the class-dependency graph of soft labels (FILE holds arrays audio and visual, one column per class).

    Of feature files, or without any FILE, the graph is that of a teacher's soft labels.
    """
    from avexplore.analysis.pair_evidence import pair_evidence
    from avexplore.pipeline import soft_labels
    from avexplore.workbench import fanout

    files = configure.existing(chosen.files or [])
    alone = files[0] if len(files) == 1 else None
    config = None if alone is None else configure.graph_of_soft_labels(alone, training_rows, chosen.seed, kind)
    if config is None:
        student = chosen.unchanged()
        if student.stability is None:
            raise ConfigError("This student has no LIR and so no class graph", where="regularizer")
        config = student.stability.graph
    given = {
        "penalty_discount": penalty_discount,
        "engine": engine,
        "score": score,
        "transform": transform,
        "rows": rows,
    }
    config = config.replace(**{name: value for name, value in given.items() if value is not None})
    config = chosen.changed(config)
    bench = workbench(device)
    with progress(quiet or json) as report:
        found: ClassGraph = bench.get(config, report)
        frequency: GraphStability | None = None
        if stability:
            wanted = StabilityConfig(config, bootstraps=max(2, stability), null="none", seed=config.seed)
            frequency = fanout.make(wanted, bench, workers=workers, scheduler=scheduler, report=report)
        source = config.soft_labels
        labels = soft_labels(source, bench.get)
        clips: Clips | None = bench.get(ClipsConfig(source.data)) if isinstance(source, TeacherConfig) else None
        known = pair_evidence(labels, clips) if verdict else None
    content = _graph_content(found, config, frequency)
    # How the files behind the graph were read.
    content |= {} if clips is None else clips.reading
    content |= {"kind": labels.kind, "independent": not labels.normalized, **labels.reading}
    content["notes"] = notes = (*(() if clips is None else clips.notes), *labels.warnings)
    if known is not None:
        content |= _verdict(found, frequency, config, content["edges"], known, clips)
    if compare is not None:
        content["comparison"] = _comparison(found, compare, config, labels)
    if out is not None:
        from avexplore.cli.export import write_graph_file

        write_graph_file(found, out, frequency, None if known is None else known.probability)
    if json:
        emit(content)
        return
    figures = {"effect": "Effect", "gain": "Gain"} | ({} if frequency is None else {"frequency": "Frequency"})
    edges = [
        (e["source"], "->" if e["directed"] else "--", e["target"], *(float(e[name]) for name in figures))
        for e in content["edges"]
    ]
    table(f"{len(edges)} dependencies, score {found.score:,.1f}", ("From", "", "To", *figures.values()), edges)
    if known is not None:
        _print_verdict(content)
    for warning in dict.fromkeys((*notes, *(() if known is not None else found.warnings))):
        say(f"Note: {warning.rstrip('.')}.")
    if compare is not None:
        table("Comparison", ("", ""), [row for row in content["comparison"].items() if row[1] is not None])


def _graph_content(found: ClassGraph, config: GraphConfig, stability: Any) -> dict[str, Any]:
    place = {name: i for i, name in enumerate(found.nodes)}
    edges = []
    for source, target, directed in found.edges():
        i, j = place[source], place[target]
        edge: dict[str, Any] = {
            "source": source,
            "target": target,
            "directed": directed,
            "effect": float(found.effect[i, j]),
            "gain": float(found.gain[i, j]),
        }
        if stability is not None:
            edge["frequency"] = float(stability.edge_frequency[i, j])
        edges.append(edge)
    return {
        "nodes": list(found.nodes),
        "edges": edges,
        "score": found.score,
        "samples": found.samples,
        "warnings": list(found.warnings),
        "address": config.address,
        "config": config.to_json(),
    }


def _verdict(
    found: ClassGraph,
    stability: GraphStability | None,
    config: GraphConfig,
    edges: list[dict[str, Any]],
    pairs: PairEvidence,
    clips: Clips | None,
) -> dict[str, Any]:
    """The verdict and all pairs of classes that are probably true; every edge is given what is known of its ends."""
    from dataclasses import asdict

    import numpy as np

    from avexplore.analysis.graph_verdict import verdict

    probability, counts = pairs.probability, pairs.true or pairs.expected
    of_nodes, place = probability.of_nodes(counts.nodes), {name: i for i, name in enumerate(counts.nodes)}
    for edge in edges:
        i, j = place[edge["source"]], place[edge["target"]]
        edge |= {"probability": float(of_nodes[i, j]), **asdict(counts.pair(i, j))}
    likely = np.argwhere(np.triu(probability.likely, 1))
    named = [(*(probability.classes[k] for k in pair), float(probability.probability[tuple(pair)])) for pair in likely]
    remarks = verdict(found, stability, clips=clips, config=config, probability=probability)
    return {
        "verdict": [asdict(remark) for remark in remarks],
        "probably_true": sorted(named, key=lambda pair: -pair[2]),
        "threshold": probability.probably_true,
        "counted": "human labels" if counts.exact else "soft labels",
    }


def _print_verdict(content: dict[str, Any]) -> None:
    figures = {"probability": "True", "given": "P(to|from)", "base": "P(to)", "odds_ratio": "Odds"}
    told = sorted((e for e in content["edges"] if e["probability"] >= content["threshold"]), key=lambda e: -e["given"])
    rows = [(e["source"], e["target"], *(f"{e[name]:.2f}" for name in figures)) for e in told]
    counted = content["counted"]
    table(f"Links that are probably true, counted by {counted}", ("From", "To", *figures.values()), rows)
    table("Is it right?", ("", ""), [(one["level"], one["text"]) for one in content["verdict"]])


def _comparison(found: ClassGraph, path: Path, config: GraphConfig, labels: SoftLabels) -> dict[str, Any]:
    from dataclasses import asdict

    from avexplore.graph.algebra.comparison import compare
    from avexplore.graph.formats import read_graph
    from avexplore.graph.learn import score_graph

    (path,) = configure.existing([path])
    other = read_graph(path, nodes=found.nodes)
    for warning in other.warnings:
        say(f"Note: {path.name}: {warning}")
    content: dict[str, Any] = {"with": path.name, "edges": len(other.edges())}
    compared = asdict(compare(found, other))
    content |= {name: value for name, value in compared.items() if isinstance(value, (int, float))}
    scores: list[float | None] = [found.score, None]
    try:
        scores = [score_graph(one, labels, config) for one in (found, other)]
    except AvexploreError as error:
        say(f"Note: the other graph cannot be scored as this one was. {error}")
    return content | {"score": scores[0], "score_of_the_other": scores[1]}
