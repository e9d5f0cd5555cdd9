#!/bin/sh
# Checks that the contracts in the working tree do not break callers built with earlier ones.
#
#   sh protos/breaking.sh BIN          BIN is the folder of buf and Python, such as .venv/bin
#   BREAKING_AGAINST=v1.2.0 sh …       compares with that commit instead
#
# "Earlier" is the merge base of HEAD with origin/main (or main, without a remote), so that contracts that landed on main since
# then do not count as removed here. On main itself, as in CI after a push, the merge base is HEAD, so the commit before HEAD is
# used instead, unless uncommitted changes to contracts can be compared with HEAD.
# The contracts are also compared with every release in protos/released/, which needs no git.
# If there is nothing else to compare with (no git, a shallow clone, the first commit, no contracts yet), it says so and passes.
set -eu

bin=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

for released in protos/released/*.binpb; do
    release=$(basename "$released" .binpb)
    "$bin/buf" breaking build/public.binpb --against "$released" --config buf.yaml || {
        echo "contracts: changes break apps built with release $release" >&2
        exit 1
    }
    echo "contracts: no breaking change since release $release"
done

pass() {
    echo "contracts: $1; nothing to compare with"
    exit 0
}

is_commit() {
    git rev-parse --quiet --verify "$1^{commit}" >/dev/null
}

git rev-parse --git-dir >/dev/null 2>&1 || pass "this is not a git repository"
is_commit HEAD || pass "there is no commit"

if [ -n "${BREAKING_AGAINST:-}" ]; then
    is_commit "$BREAKING_AGAINST" || { echo "contracts: BREAKING_AGAINST=$BREAKING_AGAINST is not a commit here" >&2; exit 2; }
    base=$BREAKING_AGAINST
else
    line=
    for name in origin/main main; do
        if is_commit "$name"; then line=$name; break; fi
    done
    base=
    [ -z "$line" ] || base=$(git merge-base "$line" HEAD) || base=
    if [ -z "$base" ] || { [ "$base" = "$(git rev-parse HEAD)" ] && git diff --quiet HEAD -- 'protos/lensfeed/*.proto'; }; then
        is_commit HEAD~1 || pass "HEAD has no parent here"
        base=HEAD~1
    fi
fi

said="contracts: compared with $(git rev-parse --short "$base")"
git cat-file -e "$base:protos/generate.py" 2>/dev/null || pass "there were no contracts in $(git rev-parse --short "$base")"

before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
git archive "$base" protos | tar -x -C "$before"
"$bin/python" "$before/protos/generate.py"
"$bin/buf" breaking build/lensfeed.binpb --against "$before/build/lensfeed.binpb" --config buf.yaml || {
    echo "$said: there are breaking changes" >&2
    exit 1
}
echo "$said: no breaking change"
