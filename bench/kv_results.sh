#!/usr/bin/env bash
# Judges every keep method on both models and writes bench/KV_RESULTS.md's tables and the pages with
# plots beside it. SAMPLES, CONTEXTS and BUDGETS make it longer; WEIR names another program.
set -euo pipefail
cd "$(dirname "$0")/.."

weir=${WEIR:-build/release/weir}
out=build/kv_results
mkdir -p "$out"

# Prose that no model has learnt by heart: this project's own.
cat tests/reference/texts/*.txt ARCHITECTURE.md CONTRIBUTING.md docs/server.md docs/accuracy.md \
  docs/bench.md > "$out/texts-and-pages"

for model in ${MODELS:-smollm2 gemma3-270m}; do
  start=$SECONDS
  "$weir" eval "$model" --text "$out/texts-and-pages" --samples "${SAMPLES:-6}" \
    --context "${CONTEXTS:-512}" --budgets "${BUDGETS:-0.5,0.25,0.1}" --max-model-len 8192 \
    --json "$out/$model.json" --html "bench/kv_$model.html" > "$out/$model.txt"
  echo "$model: $((SECONDS - start)) s"
done

python3 bench/kv_results.py "$out" bench/KV_RESULTS.md
