#!/usr/bin/env bash
# tools/fuzz.sh SECONDS [SEED]: runs every fuzz target of build/fuzz for so long, two at a time.
# A finding prints the end of its log and leaves the input in build/fuzz/findings.
set -euo pipefail
cd "$(dirname "$0")/.."

one() {
  local seconds=$1 seed=$2 name=$3 work=build/fuzz/work/$3
  mkdir -p "$work" build/fuzz/findings
  local seeds=("tests/fuzz/$name")
  [[ -d ${seeds[0]} ]] || seeds=()
  if ! "build/fuzz/$name" -max_total_time="$seconds" -seed="$seed" -timeout=20 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="build/fuzz/findings/$name-" "$work" "${seeds[@]}" \
    >"build/fuzz/$name.log" 2>&1; then
    tail -n 60 "build/fuzz/$name.log" >&2
    echo "$name: a finding" >&2
    return 1
  fi
  echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.log") inputs"
}

if [[ ${1:-} == --one ]]; then
  one "$2" "$3" "$4"
  exit
fi
targets=$(find src tests -name '*_fuzz.cc' -exec basename {} .cc \; | sort)
if [[ -z $targets ]]; then
  echo "no fuzz targets" >&2
  exit 1
fi
xargs -P 2 -I {} tools/fuzz.sh --one "${1:?seconds}" "${2:-1}" {} <<<"$targets"
