#!/bin/sh
# Makes a MariaDB server available to the tests: tests/install-mariadb.sh [folder]
# Does nothing if there is one. As root it installs the system's packages, and leaves no daemon running. Without root
# it extracts them into the folder (default: .mariadb in the checkout) and prints that folder, for MARIADB_HOME.
set -eu

folder=${1:-$(dirname "$0")/../.mariadb}

for server in "$(command -v mariadbd || true)" /usr/sbin/mariadbd; do
    if [ -x "$server" ]; then exit 0; fi
done
if [ -x "$folder/usr/sbin/mariadbd" ]; then
    (cd "$folder" && pwd)
    exit 0
fi

if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
    echo "No MariaDB, and no apt-get: install MariaDB's server and client with this system's package manager" \
        "(brew install mariadb; dnf install mariadb-server)" >&2
    exit 1
fi

work=$(mktemp -d)
policy=
clean_up() {
    rm -rf "$work"
    if [ -n "$policy" ]; then rm -f "$policy"; fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

export DEBIAN_FRONTEND=noninteractive LC_ALL=C

known() {
    apt-cache "$@" policy mariadb-server | grep -q 'Candidate: [^(]'
}

if [ "$(id -u)" = 0 ]; then
    install_packages() {
        apt-get install -y --no-install-recommends mariadb-server mariadb-client >&2
    }
    # A package's script asks this program whether it may start its daemon; 101 is no.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        policy=/usr/sbin/policy-rc.d
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    known || apt-get update >&2
    # The lists may be so old that they name versions which are gone.
    install_packages || { apt-get update >&2 && install_packages; }
    exit 0
fi

mkdir -p "$folder"

# Without root, package lists and downloads of our own where the system's do not do.
own_lists="-o Dir::State::Lists=$work/lists -o Dir::Cache=$work/cache"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/packages" "$work/tree"

# The server's core packages (their names carry a version on some systems), and what they need that is not installed.
# The system's own libc stays: its dynamic loader works with no other.
download() {
    core=$(apt-cache "$@" depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
        --no-enhances mariadb-server mariadb-client | grep -E '^mariadb-(server|client)-core') || return 1
    # shellcheck disable=SC2086
    needed=$(apt-get "$@" --simulate --no-install-recommends install $core | awk '$1 == "Inst" { print $2 }') || return 1
    # shellcheck disable=SC2086
    packages=$(printf '%s\n' $core $needed | sort -u | grep -vE '^libc(6|-bin)$')
    # shellcheck disable=SC2086
    (cd "$work/packages" && apt-get "$@" download $packages >&2)
}

# shellcheck disable=SC2086
{ known && download; } || { apt-get $own_lists update >&2 && download $own_lists; }

for package in "$work"/packages/*.deb; do
    dpkg -x "$package" "$work/tree"
done
if [ ! -x "$work/tree/usr/sbin/mariadbd" ]; then
    echo "The packages hold no usr/sbin/mariadbd" >&2
    exit 1
fi
# Into place as a whole: an interrupted run leaves no half of a server.
cp -a "$work/tree/." "$folder.part"
rmdir "$folder"
mv "$folder.part" "$folder"
(cd "$folder" && pwd)
