# shellcheck shell=sh
# Copyright: (c) 2026, Flaskyard maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced: finds the Pythons of this machine and makes virtualenvs with them.

# Print the first of the versions given that runs here: on PATH, or installed by pyenv. A virtualenv's Python does not count, because it may be remade.
python_of() {
  for version; do
    for candidate in "/usr/bin/python$version" "python$version" "$HOME/.pyenv/versions/$version".*/bin/python; do
      if "$candidate" -c "import sys; sys.exit(sys.prefix != sys.base_prefix)" 2>/dev/null; then echo "$candidate" && return; fi
    done
  done
}

# virtualenv PYTHON FOLDER PIP-ARGUMENT...
virtualenv() {
  python=$1 folder=$2
  shift 2
  if ! "$python" -c "import ensurepip" 2>/dev/null; then
    echo "installing python3-venv"
    apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends python3-venv >/dev/null
  fi
  echo "making $folder with $("$python" --version)"
  "$python" -m venv --clear "$folder"
  "$folder/bin/pip" install -qq --upgrade pip
  "$folder/bin/pip" install -qq "$@"
}
