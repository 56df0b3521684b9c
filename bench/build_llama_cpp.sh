#!/usr/bin/env bash
# Builds llama.cpp's own benchmarks, from the source that the llama-cpp-python package carries, in
# build/peers/llama.cpp: for this very machine, as its users are told to. See bench/compare.py.
#   bench/build_llama_cpp.sh [CMAKE_OPTION...]    e.g. -DGGML_NATIVE=OFF -DGGML_AVX2=ON
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.3.36
root=build/peers/llama.cpp
mkdir -p "$root"
if [[ ! -d $root/source ]]; then
  .venv/bin/python -m pip download -q --no-deps --no-binary :all: --no-build-isolation \
    "llama-cpp-python==$version" -d "$root"
  mkdir "$root/source.part"
  tar -xzf "$root"/llama_cpp_python-*.tar.gz -C "$root/source.part" --strip-components=1
  mv "$root/source.part" "$root/source"
fi
cmake -S "$root/source/vendor/llama.cpp" -B "$root/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DBUILD_SHARED_LIBS=OFF -DLLAMA_CURL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_SERVER=OFF \
  -DLLAMA_BUILD_UI=OFF "$@" >/dev/null
cmake --build "$root/build" --target llama-bench llama-batched-bench
echo "$version" >"$root/build/version"
