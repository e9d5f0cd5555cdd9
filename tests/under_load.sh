#!/bin/sh
# Runs the black-box tests so many times (20, or the first argument), three at a time: each is the load of the others, and of two
# cores with some 120 processes. Prints a line for each run; a failed one leaves its output in its log. Needs 16 GiB of memory.
set -eu
runs=${1:-20}
at_once=3
python=${PYTHON:-.venv/bin/python}
logs=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT

run() {
    begin=$(date +%s)
    "$python" -m pytest -q -p no:cacheprovider -m 'mesh and not faults and not stubs' tests/blackbox > "$logs/$1.log" 2>&1 \
        && said=passed || said="FAILED: $logs/$1.log"
    echo "under load: run $1 of $runs $said after $(($(date +%s) - begin)) s, load $(cut -d' ' -f1 /proc/loadavg)" | tee -a "$logs/all"
}

lane() {
    number=$1
    while [ "$number" -le "$runs" ]; do
        run "$number"
        number=$((number + at_once))
    done
}

for first in $(seq "$at_once"); do
    lane "$first" &
done
wait
! grep -q FAILED "$logs/all"
