# shellcheck shell=bash disable=SC2154
# QEMU and the guests' tools in the lab's folder. Sourced by ci/lab.

qemu_dir='' tools_dir='' qemu_command=() qemu_version=''

# Names in the list of packages that guests find.
guest_packages() { sed -n 's/^\([a-z0-9.+-]*\).*/\1/p' "$lab_d/packages" | grep .; }

# The host's packages and the list of those wanted, in a few letters: a layer of tools is for these only.
tools_key() {
    { dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' && guest_packages; } | sha256sum | cut -c 1-12
}

# QEMU 10 or later, for igb; Debian 12's own is 7.2.
fetch_qemu() {
    local debs
    printf 'Fetching QEMU\n'
    update_lists
    debs=$(download_closure bookworm-backports qemu-system-x86 qemu-system-common qemu-system-data seabios ipxe-qemu)
    mapfile -t debs <<<"$debs"
    unpack "$cache/qemu" "${debs[@]}"
}

fetch_tools() {
    local debs wanted
    printf "Fetching the guests' tools\n"
    update_lists
    mapfile -t wanted < <(guest_packages)
    debs=$(download_closure bookworm "${wanted[@]}")
    mapfile -t debs <<<"$debs"
    unpack "$1" "${debs[@]}"
}

# Sees to QEMU and tools, and sets `qemu_dir` and `tools_dir`.
have_programs() {
    local old
    qemu_dir=$cache/qemu tools_dir=$cache/tools-$(tools_key)
    [ -d "$qemu_dir" ] || fetch_qemu
    [ ! -d "$tools_dir" ] || return 0
    old=$(find "$cache" -maxdepth 1 -name 'tools-*' ! -name '*.part' ! -name '*.unpacked' | head -n 1)
    if (fetch_tools "$tools_dir"); then
        [ -z "$old" ] || rm -rf "$old"
    elif [ -n "$old" ]; then
        # Without the network, tools that were resolved for an earlier state of the host will mostly do.
        printf 'Tools for an earlier state of this host are taken\n'
        tools_dir=$old
    else
        exit 4
    fi
}

busybox() { "$tools_dir/bin/busybox" "$@"; }

# The command for QEMU with the libraries that were unpacked with it, in `qemu_command`.
find_qemu() {
    qemu_command=(
        env LD_LIBRARY_PATH="$qemu_dir/usr/lib/x86_64-linux-gnu" QEMU_MODULE_DIR="$qemu_dir/usr/lib/x86_64-linux-gnu/qemu"
        "$qemu_dir/usr/bin/qemu-system-x86_64"
        -L "$qemu_dir/usr/share/qemu" -L "$qemu_dir/usr/share/seabios" -L "$qemu_dir/usr/lib/ipxe/qemu"
    )
    qemu_version=$("${qemu_command[@]}" --version | sed -n 's/^QEMU emulator version \([^ ]*\).*/\1/p')
    [ -n "$qemu_version" ] || fail "the QEMU in $qemu_dir doesn't start; ci/lab fetch gets it anew"
}

# Everything as Debian has it now; older kernels go.
renew_all() {
    local kernel
    rm -f "$cache"/accelerator-*
    qemu_dir=$cache/qemu tools_dir=$cache/tools-$(tools_key)
    fetch_qemu
    fetch_tools "$tools_dir"
    fetch_kernel base
    fetch_kernel newest
    for kernel in "$cache/kernels"/*; do
        case ${kernel##*/} in "$(unpacked_kernel base)" | "$(unpacked_kernel newest)") ;; *) rm -rf "$kernel" ;; esac
    done
}

# For ci/lab fetch.
cache_renew() {
    locked renew_all
    find_qemu
    printf 'QEMU %s, kernels: %s\n' "$qemu_version" "$(find "$cache/kernels" -mindepth 1 -maxdepth 1 -printf '%f ')"
}
