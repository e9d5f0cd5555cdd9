#!/bin/sh
# Says what is missing to build stubs in these languages (all without an argument): sh tests/need_stub_tools.sh go java typescript
set -eu
missing=0

# miss TOOL WHAT-FOR HOW
miss() {
    echo "The $2 stubs need $1: $3" >&2
    missing=1
}

# newer HAS WANTED: whether one version is at least another
newer() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

need_go() {
    how='install Go 1.21 or newer; it fetches what go.mod wants by itself'
    command -v go >/dev/null || { miss Go Go "$how"; return; }
    has=$(cd / && go env GOVERSION)
    newer "${has#go}" 1.21 || miss "Go 1.21, not ${has#go}" Go "$how"
}

need_java() {
    how='install a JDK of Java 17 and Maven (Debian: apt-get install openjdk-17-jdk-headless maven)'
    command -v javac >/dev/null || miss 'a Java compiler' Java "$how"
    command -v mvn >/dev/null || miss Maven Java "$how"
}

need_typescript() {
    how='install Node.js 20 or newer, with npm'
    command -v node >/dev/null && command -v npm >/dev/null || { miss 'Node.js and npm' TypeScript "$how"; return; }
    has=$(node --version)
    newer "${has#v}" 20 || miss "Node.js 20, not ${has#v}" TypeScript "$how"
}

[ "$#" -gt 0 ] || set -- go java typescript
for language; do "need_$language"; done
exit "$missing"
