#!/usr/bin/env bash
# Runs the tests of everything that computes once for each ISA of this machine. (All other tests
# use the best one.)
set -euo pipefail
cd "$(dirname "$0")/.."
build=${WEIR_BUILD:-build/release}

for isa in scalar avx2 avxvnni avx512; do
  case $isa in
    avx2) grep -qw avx2 /proc/cpuinfo || continue ;;
    avxvnni) grep -qw avx_vnni /proc/cpuinfo || continue ;;
    avx512) grep -qw avx512_vnni /proc/cpuinfo || continue ;;
  esac
  for program in kernels kv model engine; do
    if [[ ! -x $build/${program}_test ]]; then continue; fi
    echo "WEIR_ISA=$isa ${program}_test"
    WEIR_ISA=$isa "$build/${program}_test" --gtest_brief=1
  done
done
