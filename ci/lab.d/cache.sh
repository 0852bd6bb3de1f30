# shellcheck shell=bash disable=SC2154
# The lab's folder of things fetched and unpacked, and a package manager of its own in it. Sourced by ci/lab.
#
#   apt/       lists and packages, apart from the host's
#   qemu/      QEMU and the libraries that the host lacks
#   tools-N/   the guests' tools, for one state of the host's packages
#   kernels/   a folder for each kernel
#
# Each folder appears whole or not at all: it is made under another name and moved.

cache=${TICKCERT_LAB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/tickcert-lab}

# Ends the script if there can be no lab on this host.
cache_open() {
    [ "$(uname -m)" = x86_64 ] || fail "the lab's guests are x86-64, and this host is $(uname -m)"
    local program
    for program in apt-get dpkg-deb flock timeout xz; do
        command -v "$program" >/dev/null ||
            fail "the lab is made of Debian packages and this host lacks '$program': run it on Debian 12"
    done
    mkdir -p "$cache" || fail "can't write to $cache; name another folder in TICKCERT_LAB_CACHE"
    cache=$(cd "$cache" && pwd)
    case $cache in /tmp/* | /run/* | /dev/*) fail "guests have a $cache of their own; name another folder in TICKCERT_LAB_CACHE" ;; esac
}

# Runs a function while no other lab changes the folder. The lock goes with the process.
locked() {
    exec 9>"$cache/lock"
    if ! flock -n 9; then
        printf 'Waiting for another lab that fetches into %s\n' "$cache"
        flock 9
    fi
    "$@"
    exec 9>&-
}

# apt-get or apt-cache, with lists and packages in the lab's folder. It reads the host's list of what is installed, and its
# settings for proxies and keys, and writes to neither.
lab_apt() {
    local program=$1
    shift
    "$program" -q -o Dir::State="$cache/apt" -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$cache/apt/cache" \
        -o Dir::Etc::sourcelist="$cache/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root -o Debug::NoLocking=1 "$@"
}

# The archives that the lab takes packages from: those of Debian that the host is set up for, and where they are the
# backports to the host's release (QEMU) and to the next (the newest kernel).
write_sources() {
    local codename next uri suite component signed='' keys=/usr/share/keyrings/debian-archive-keyring.gpg
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    case $codename in
        bookworm) next=trixie ;;
        *) fail "the lab knows where QEMU and kernels are for Debian 12 (bookworm), and this is '${codename:-unknown}'" ;;
    esac
    [ ! -e "$keys" ] || signed="[signed-by=$keys] "
    mkdir -p "$cache/apt/lists/partial" "$cache/apt/cache/archives/partial"
    # shellcheck disable=SC2016 # apt fills them in
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        while read -r uri suite component; do
            [ "$component" = main ] || continue
            case $suite in
                "$codename") printf "deb $signed$uri %s main\n" "$codename" "$codename-backports" "$next-backports" ;;
                "$codename"-*) printf 'deb %s main\n' "$signed$uri $suite" ;;
            esac
        done | sort -u >"$cache/apt/sources.list"
    grep -q -- "$codename-backports" "$cache/apt/sources.list" ||
        fail "apt on this host has no source for the main archive of $codename, where QEMU and kernels come from"
}

lists_are_new=''
# Brings the lists of packages up to date, once in a run.
update_lists() {
    [ -z "$lists_are_new" ] || return 0
    write_sources
    lab_apt apt-get update -o APT::Update::Error-Mode=any >"$cache/apt/log" 2>&1 ||
        fail "can't read the archives' lists of packages: $(grep -m 1 '^E:' "$cache/apt/log" || tail -n 1 "$cache/apt/log")"
    lists_are_new=yes
}

# Fetches packages, resuming what a broken download left, and unpacks them into a new folder: unpack FOLDER FILE...
unpack() {
    local folder=$1 new=$1.unpacked deb dir
    shift
    rm -rf "$new"
    # The merged /usr of the host, or /lib of the guest would be hidden by that of the packages.
    for dir in bin sbin lib lib64; do
        mkdir -p "$new/usr/$dir"
        ln -s "usr/$dir" "$new/$dir"
    done
    for deb in "$@"; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$new" --keep-directory-symlink --no-same-owner
    done
    rm -rf "$folder"
    mv "$new" "$folder"
}

# Downloads named packages just as they are, without what they depend on, and prints their files.
download() {
    local folder=$cache/apt/cache/archives package file
    for package in "$@"; do
        (cd "$folder/partial" && lab_apt apt-get download "$package" >"$cache/apt/log" 2>&1) ||
            fail "can't fetch $package: $(grep -m 1 '^E:' "$cache/apt/log" || tail -n 1 "$cache/apt/log")"
        file=$(find "$folder/partial" -name "${package}_*.deb" -printf '%f\n' | head -n 1)
        mv "$folder/partial/$file" "$folder/$file"
        printf '%s\n' "$folder/$file"
    done
}

# Downloads packages and what of their dependencies the host lacks, and prints the files: download_closure SUITE PACKAGE...
download_closure() {
    local suite=$1 plan=$cache/apt/plan
    shift
    # Against an empty folder: what has been fetched before is part of the plan too.
    mkdir -p "$cache/apt/none/partial"
    lab_apt apt-get install --yes --no-install-recommends --reinstall --target-release "$suite" \
        -o Dir::Cache::archives="$cache/apt/none" --print-uris "$@" >"$plan" 2>"$cache/apt/log" ||
        fail "can't resolve $*: $(grep -m 1 '^E:' "$cache/apt/log")"
    lab_apt apt-get install --yes --no-install-recommends --reinstall --target-release "$suite" --download-only "$@" >"$cache/apt/log" 2>&1 ||
        fail "can't fetch $*: $(grep -m 1 '^E:' "$cache/apt/log" || tail -n 1 "$cache/apt/log")"
    sed -n "s|^'[^']*' \([^ ]*\.deb\) .*|$cache/apt/cache/archives/\1|p" "$plan"
}
