#!/bin/sh
# Runs the black-box tests so many times (20, or the first argument) while busy processes, two for each core, keep the machine from
# them. Ends at the first run that fails.
set -eu
runs=${1:-20}
python=${PYTHON:-.venv/bin/python}
busy=
trap 'kill $busy' EXIT
for _ in $(seq $((2 * $(getconf _NPROCESSORS_ONLN)))); do
    "$python" -c 'while True: pass' &
    busy="$busy $!"
done
for run in $(seq "$runs"); do
    "$python" -m pytest -n 2 -q -m 'mesh and not faults and not stubs' --durations=0 --durations-min=30 \
        tests/blackbox tests/clients tests/mesh_tls tests/test_readme.py
    echo "under load: run $run of $runs passed"
done
