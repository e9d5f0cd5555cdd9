#!/bin/sh
# The tests run real Cassandra, which needs Java 17 and Maven (for its artifacts). Where they are missing: installs them by apt as
# root, else says what to install.
set -eu
command -v java >/dev/null && command -v mvn >/dev/null && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    apt-get update --quiet
    exec apt-get install --yes --quiet openjdk-17-jre-headless maven
fi
echo "The tests need Java 17 and Maven: sudo apt-get install openjdk-17-jre-headless maven" >&2
exit 1
