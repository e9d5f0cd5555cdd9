#!/bin/sh
# Checks that the contracts as they lie here break nobody who was built with those that landed before.
#
#   sh protos/breaking.sh BIN          BIN is the folder of buf and Python, such as .venv/bin
#   BREAKING_AGAINST=v1.2.0 sh …       compares with that commit instead
#
# "Before" is where this work left the main line: the merge base of HEAD with origin/main (or with main where there is no
# remote), so that what others have landed since does not count as removed here. On the main line itself, as in CI after
# a push, that base is HEAD, and comparing HEAD with itself would prove nothing: then the commit before HEAD is meant,
# unless contracts are changed and not committed, which HEAD is the right thing to compare with.
# They are also compared with every release in protos/released/, needing no git: its apps go on working.
# Where there is nothing else to compare with (no git, a shallow clone, the first commit, no contracts yet) it says so and passes.
set -eu

bin=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

for released in protos/released/*.binpb; do
    release=$(basename "$released" .binpb)
    "$bin/buf" breaking build/public.binpb --against "$released" --config buf.yaml || {
        echo "contracts: they break apps that were built with release $release" >&2
        exit 1
    }
    echo "contracts: they break no app that was built with release $release"
done

pass() {
    echo "contracts: $1; nothing to compare with"
    exit 0
}

is_commit() {
    git rev-parse --quiet --verify "$1^{commit}" >/dev/null
}

git rev-parse --git-dir >/dev/null 2>&1 || pass "this is no git repository"
is_commit HEAD || pass "there is no commit"

if [ -n "${BREAKING_AGAINST:-}" ]; then
    is_commit "$BREAKING_AGAINST" || { echo "contracts: BREAKING_AGAINST=$BREAKING_AGAINST is no commit here" >&2; exit 2; }
    base=$BREAKING_AGAINST
else
    line=
    for name in origin/main main; do
        if is_commit "$name"; then line=$name; break; fi
    done
    base=
    [ -z "$line" ] || base=$(git merge-base "$line" HEAD) || base=
    if [ -z "$base" ] || { [ "$base" = "$(git rev-parse HEAD)" ] && git diff --quiet HEAD -- 'protos/lensfeed/*.proto'; }; then
        is_commit HEAD~1 || pass "HEAD has no commit before it here"
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
    echo "$said: they break callers" >&2
    exit 1
}
echo "$said: they break nobody"
