# Sourced by the scripts beside it: what Estuary needs on a Debian 12 machine that has Swift, installed once.
# Each build flavour has a scratch path of its own, so that none invalidates another.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\033[1m== %s\033[0m\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# need_debian PACKAGE…: installs those that are missing.
need_debian() {
  local missing=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  say "installing Debian packages: ${missing[*]}"
  local root=""
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "need root or sudo to install: ${missing[*]}"
    root=sudo
  fi
  $root apt-get update -q
  DEBIAN_FRONTEND=noninteractive $root apt-get install -y -q --no-install-recommends "${missing[@]}"
}

need_swift() {
  command -v swift >/dev/null || fail "Swift 6.1 or later is needed: https://www.swift.org/install/linux/"
  # Swift brings a clang of its own age; an older one elsewhere on the path lacks options for eBPF.
  local tools
  tools="$(dirname "$(readlink -f "$(command -v swift)")")"
  if [ -x "$tools/clang" ]; then PATH="$tools:$PATH"; fi
}

need_libraries() {
  need_swift
  need_debian librocksdb-dev libsodium-dev libsecp256k1-dev libssl-dev libgmp-dev libelf-dev libzstd-dev
}

# build_estuary: the optimised command line; its path in $ESTUARY.
build_estuary() {
  say "building estuary (optimised)"
  # A target imports what Package.swift declares for it: that is what keeps the floors apart.
  swift build -c release --product estuary --explicit-target-dependency-import-check error
  ESTUARY="$PWD/.build/release/estuary"
  export ESTUARY
}

# need_python_environment NAME REQUIREMENTS: a virtual environment under .venv-NAME with pinned packages.
need_python_environment() {
  local directory=".venv-$1" requirements="$2"
  if ! cmp -s "$requirements" "$directory/installed.txt"; then
    command -v python3 >/dev/null || need_debian python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || need_debian python3-venv
    say "Python environment $directory: $(tr '\n' ' ' <"$requirements")"
    rm -rf "$directory"
    python3 -m venv "$directory"
    "$directory/bin/pip" install -q --disable-pip-version-check -r "$requirements"
    cp "$requirements" "$directory/installed.txt"
  fi
}
