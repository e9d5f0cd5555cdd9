#!/bin/sh
# The tests of the chart run Helm and kubeconform. Where they are missing, builds them by Go (a minute and a half) into a cache
# outside of this folder, or says what to install.
set -eu
HELM=v3.22.0
KUBECONFORM=v0.8.0
tools="${XDG_CACHE_HOME:-$HOME/.cache}/lensfeed/tools"

# need NAME MODULE: builds a program unless it is there
need() {
    [ ! -x "$tools/$1" ] || return 0
    ! command -v "$1" >/dev/null || return 0
    command -v go >/dev/null || { echo "The chart's tests need $1: install it, or Go 1.21 or newer" >&2; exit 1; }
    echo "building $1 in $tools"
    mkdir -p "$tools"
    # Not in this folder, whose Go module is another one.
    (cd "$tools" && GOBIN="$tools" GOFLAGS=-mod=mod go install -trimpath -ldflags='-s -w' "$2")
}

need helm "helm.sh/helm/v3/cmd/helm@$HELM"
need kubeconform "github.com/yannh/kubeconform/cmd/kubeconform@$KUBECONFORM"
