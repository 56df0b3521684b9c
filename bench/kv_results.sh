#!/usr/bin/env bash
# Judges every method on both models, at equal bytes, alone and composed, and writes
# bench/KV_RESULTS.md's tables, its plots and bench/kv_results.json. Within two hours on two cores
# (bench/kv_plan.py). TEXT is a text to take samples of; WEIR another program; words are
# bench/kv_measure.py's, say --samples 1 --models smollm2 --contexts 512. OUT keeps the pages with
# all plots, PAGE is another page than bench/KV_RESULTS.md.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${OUT:-build/kv_results}
mkdir -p "$out"

# Prose that no model has learnt by heart: this project's own, but for pages that are made, and what
# its headers promise. It has three stretches of 8,129 tokens and more (of 8,064, and what follows).
prose=$out/texts-and-pages
cat tests/reference/texts/*.txt README.md ARCHITECTURE.md CONTRIBUTING.md \
  docs/{accuracy,bench,eval,kv-methods,server}.md bench/{CERTIFIED,RESULTS}.md include/weir/*.h \
  > "$prose"

python3 bench/kv_measure.py --weir "${WEIR:-build/release/weir}" --text "${TEXT:-$prose}" \
  --out "$out" "$@"
python3 bench/kv_results.py "$out" "${PAGE:-bench/KV_RESULTS.md}"
