#!/bin/sh
# Makes a Chromium available to the tests that look at pages; does nothing if there is one. Without root, or without
# apt-get, those tests are skipped.
set -eu

for browser in chromium chromium-browser google-chrome; do
    if command -v "$browser" >/dev/null; then exit 0; fi
done
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "No Chromium: the tests that look at pages are skipped. Install it with this system's package manager." >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
install_packages() {
    apt-get install -y --no-install-recommends chromium fonts-dejavu-core >&2
}
apt-cache policy chromium | grep -q 'Candidate: [^(]' || apt-get update >&2
# The lists may be so old that they name versions which are gone.
install_packages || { apt-get update >&2 && install_packages; }
