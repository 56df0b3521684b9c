#!/usr/bin/env bash
# Runs the tests of everything that computes once for each ISA of this machine. (All other tests
# use the best one.)
set -euo pipefail
cd "$(dirname "$0")/.."
build=${WEIR_BUILD:-build/release}

for isa in scalar avx2; do
  if [[ $isa != scalar ]] && ! grep -qw "$isa" /proc/cpuinfo; then continue; fi
  for program in kernels kv model engine; do
    if [[ ! -x $build/${program}_test ]]; then continue; fi
    echo "WEIR_ISA=$isa ${program}_test"
    WEIR_ISA=$isa "$build/${program}_test" --gtest_brief=1
  done
done
