#!/usr/bin/env bash
# Installs what is missing: the Debian packages of packages.txt, and a virtual environment with the
# Python packages of requirements.txt. Does next to nothing when all is there.
#   tools/setup.sh [packages|venv]
set -euo pipefail
cd "$(dirname "$0")/.."

packages() {
  local missing
  missing=$(comm -23 <(sort -u tools/packages.txt) \
    <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' 2>/dev/null |
      sed -n 's/^installed //p' | sort -u))
  if [[ -z $missing ]]; then return; fi
  echo "installing:" $missing
  local root=()
  if ((EUID != 0)); then root=(sudo); fi
  "${root[@]}" apt-get update -qq
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -qq -y \
    --no-install-recommends $missing >/dev/null
}

venv() {
  local stamp=.venv/requirements.sha256 wanted
  wanted=$(sha256sum tools/requirements.txt | cut -d' ' -f1)
  if [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then return; fi
  echo "installing Python packages into .venv"
  [[ -x .venv/bin/python ]] || python3 -m venv .venv
  .venv/bin/python -m pip install -q --disable-pip-version-check -r tools/requirements.txt
  echo "$wanted" >"$stamp"
}

case "${1:-all}" in
  packages) packages ;;
  venv) venv ;;
  all)
    packages
    venv
    ;;
  *)
    echo "usage: tools/setup.sh [packages|venv]" >&2
    exit 2
    ;;
esac
