"""The paired permutation test of many queries beside SciPy's, in the same run: time, memory, and the same answer.

    python benchmarks/significance.py --queries 480 2000 5621

Each is measured in a process of its own, which says how much memory it took at most.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

RESAMPLES = 20_000


def measure(which: str, queries: int) -> dict[str, float]:
    """CPU seconds, peak memory in MB above what was loaded, and the p-value."""
    from scipy.stats import permutation_test as theirs

    from avexplore.retrieval.significance import permutation_test as ours

    differences = np.random.default_rng(0).normal(0.01, 0.3, queries)
    nothing = np.zeros(queries)
    ours(differences[:20], nothing[:20])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    if which == "ours":
        p = ours(differences, nothing, resamples=RESAMPLES)
    else:
        found = theirs(
            (differences,), np.mean, permutation_type="samples", n_resamples=RESAMPLES, vectorized=True, rng=0
        )
        p = float(found.pvalue)
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"seconds": seconds, "megabytes": peak / 1024, "p": p}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, nargs="*", default=[480, 2000, 5621])
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one[0], int(arguments.one[1]))))
        return
    print("| queries | ours | SciPy | SciPy / ours | memory, ours | SciPy | p, ours | SciPy |")
    print("|---|---|---|---|---|---|---|---|")
    for queries in arguments.queries:
        found = {}
        for which in ("ours", "theirs"):
            command = [sys.executable, __file__, "--one", which, str(queries)]
            found[which] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        one, other = found["ours"], found["theirs"]
        ratio = other["seconds"] / one["seconds"]
        print(
            f"| {queries:,} | {one['seconds']:.3f} s | {other['seconds']:.2f} s | {ratio:.0f} "
            f"| {one['megabytes']:.0f} MB | {other['megabytes']:,.0f} MB | {one['p']:.4f} | {other['p']:.4f} |"
        )


if __name__ == "__main__":
    main()
