#!/bin/sh
# The tests of deploy/ run Helm, kubeconform and the loader of the Compose Specification. Where they are missing, builds them by Go (a minute and a half) into a cache
# outside of this folder, or says what to install.
set -eu
HELM=v3.22.0
KUBECONFORM=v0.8.0
COMPOSE=v2.16.2
tools="${XDG_CACHE_HOME:-$HOME/.cache}/lensfeed/tools"

# need NAME MODULE VERSION: builds a program unless it is there
need() {
    [ ! -x "$tools/$1" ] || return 0
    ! command -v "$1" >/dev/null || return 0
    command -v go >/dev/null || { echo "The tests of deploy/ need $1: install it, or Go 1.21 or newer" >&2; exit 1; }
    echo "building $1 in $tools"
    mkdir -p "$tools"
    # Not in this folder, whose Go module is another one.
    (cd "$tools" && GOBIN="$tools/new" GOFLAGS=-mod=mod go install -trimpath -ldflags='-s -w' "$2@$3")
    mv "$tools/new/${2##*/}" "$tools/$1"
    rmdir "$tools/new"
}

need helm "helm.sh/helm/v3/cmd/helm" "$HELM"
need kubeconform "github.com/yannh/kubeconform/cmd/kubeconform" "$KUBECONFORM"
need compose-spec github.com/compose-spec/compose-go/v2/cmd "$COMPOSE"
