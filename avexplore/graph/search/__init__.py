"""The search for the DAG with the best BIC, and the way through its files.

**What is searched.** A DAG is an order of the variables, and for each variable its parents among those before it.
Orders are what the search moves through; parents follow from them by greedy steps. Nobody can try all orders, so every
search here ends in a local optimum, and the best ones start from many places.

**From outside in.**

- `engines` is the seam: one record per engine (GRaSP, BOSS, both in turn, causal-learn's, FLOP), and what callers ask
  of whichever a config names. A new engine is a module here, a record there, and its name in `GraphConfig.engine`.
- `search` is our own: it checks what it is given, sorts the columns so that their sequence does not matter, runs the
  strategy that was asked for, and keeps the near-optimal graphs beside the best one. `search_many` does it for many
  resamples at once. Everything below is compiled.

**Two ways to find parents, and the searches on top of them.**

- `grow_shrink` grows the parents of a vertex anew from nothing for whatever precedes it, and shrinks them again. Trees
  remember every run, and a certificate tells in two bit operations whether an earlier answer still holds. On it stand
  `permutation` (an order with its parents), `boss` (each variable in turn to its best place), `grasp` (a search in
  depth over reversals of single edges), and `order_search`, which runs these from random starts and from perturbations
  of the best order: strategies `single`, `restarts` and `iterated`.
- `parent_sets` updates the parents of a vertex from what they are. Its nodes are parent sets, whatever led to them,
  with pointers to the best addition and the best removal; again a bit tells whether anything changes. On it stands
  `perturbation`, a descent and then perturbations whose vertices keep their parents: strategies `polished` and
  `perturbed`, the default, which begin where `single` ends.

**Which is when better.** Growing anew is quick, and on sparse graphs it is as good as it gets. On dense graphs a good
set of parents often cannot be reached from nothing by steps that each improve; from a set that was good a moment ago
it can. That is why `perturbed` finds better graphs on soft labels, and why its score is no function of the order: two
ways to one order may end with other parents. Results therefore hold parents, not orders.

**What all of it keeps to.** `required` edges are there from the start and are never removed, and no variable moves
past one; `forbidden` ones are never candidates. Tables have a fixed size; when they are full, all but what is in use
is forgotten, and the result does not change. Compiled code runs in portions of some milliseconds, between which
progress is told and the search may be stopped. Random numbers have one state per search, so that threads do not
matter. Steps are taken only if the sum of scores rises by more than rounding can make it.

**From elsewhere.** `causal_learn` and `flop` run other people's searches, for comparison and as a second opinion.
`warm_up` compiles ours ahead of its first use; `graph/compiled/` says how.
"""
