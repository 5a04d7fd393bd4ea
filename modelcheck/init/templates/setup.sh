#!/usr/bin/env bash
# Written by `modelcheck init --gradescope`. Gradescope runs this once, as root, when the autograder is uploaded.
set -euo pipefail
root="${AUTOGRADER_ROOT:-/autograder}"
requirement=<< requirement | shell >>

recent() { command -v "$1" > /dev/null && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; }

apt-get update -qq
apt-get install -y -qq bubblewrap python3 python3-venv || true  # without bubblewrap the sandbox is Landlock and seccomp
python=""
for name in python3 python3.13 python3.12 python3.11; do
  if [ -z "$python" ] && recent "$name"; then python="$name"; fi
done
if [ -z "$python" ]; then
  apt-get install -y -qq python3.11 python3.11-venv
  python=python3.11
fi
"$python" -m venv "$root/venv"
"$root/venv/bin/python" -m pip install --quiet "$requirement"
"$root/venv/bin/modelcheck" --version
