#!/usr/bin/env bash
# Runs the tests of everything that computes on each ISA that this machine has besides the best one,
# which all other tests use; two programs at a time.
#
# Kernels give the same bits on every ISA (kernels_test compares them), so that each method need run
# alone on each, and not every pair of them with every chunk: RecipeTest is left out. Whole models
# and each method on every ISA are compared by tests/reference/test_isas.py.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${WEIR_BUILD:-build/release}

if [[ ${1:-} == --one ]]; then
  filter=()
  if [[ $3 == engine ]]; then filter=(--gtest_filter=-All/RecipeTest.*); fi
  echo "WEIR_ISA=$2 ${3}_test"
  WEIR_ISA=$2 exec "$build/${3}_test" --gtest_brief=1 "${filter[@]}"
fi

isas=(scalar)
if grep -qw avx2 /proc/cpuinfo; then isas+=(avx2); fi
if grep -qw avx_vnni /proc/cpuinfo; then isas+=(avxvnni); fi
if grep -qw avx512_vnni /proc/cpuinfo; then isas+=(avx512); fi
unset 'isas[-1]'
for isa in "${isas[@]}"; do
  for program in engine kernels kv; do echo "$isa $program"; done
done | xargs -r -P 2 -L 1 tools/isa_tests.sh --one
