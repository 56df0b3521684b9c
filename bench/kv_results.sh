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

# Prose that no model has learnt by heart: this project's own.
prose=$out/texts-and-pages
cat tests/reference/texts/*.txt ARCHITECTURE.md CONTRIBUTING.md docs/{accuracy,bench,eval}.md \
  docs/{kv-methods,server}.md > "$prose"

python3 bench/kv_measure.py --weir "${WEIR:-build/release/weir}" --text "${TEXT:-$prose}" \
  --out "$out" "$@"
python3 bench/kv_results.py "$out" "${PAGE:-bench/KV_RESULTS.md}"
