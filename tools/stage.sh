#!/usr/bin/env bash
# tools/stage.sh NAME COMMAND...: runs a command under a heading, and says how long it took.
set -euo pipefail
name=$1
shift
echo "== $name"
code=0
SECONDS=0
"$@" || code=$?
if ((code)); then
  echo "== $name: failed with $code after $SECONDS s" >&2
  exit "$code"
fi
echo "== $name: $SECONDS s"
