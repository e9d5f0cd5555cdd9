#!/bin/sh
# The tests of metrics, alerts and dashboards run Prometheus and its promtool. Where they are missing, unpacks Debian's package into a cache outside of this
# folder, or says what to install. Does not install the package, which would start a server.
set -eu
tools="${XDG_CACHE_HOME:-$HOME/.cache}/lensfeed/tools"
[ ! -x "$tools/promtool" ] || exit 0
! command -v promtool >/dev/null || ! command -v prometheus >/dev/null || exit 0
if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    [ "$(id -u)" -ne 0 ] || apt-get update --quiet
    (cd "$folder" && apt-get download --quiet -o APT::Sandbox::User=root prometheus)
    dpkg-deb --extract "$folder"/prometheus_*.deb "$folder/unpacked"
    mkdir -p "$tools"
    # The last step moves promtool, which is what says that both are here.
    mv "$folder/unpacked/usr/bin/prometheus" "$tools/prometheus"
    mv "$folder/unpacked/usr/bin/promtool" "$tools/promtool"
    exit
fi
echo "The tests need Prometheus with its promtool, from PATH" >&2
exit 1
