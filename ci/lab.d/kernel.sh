# shellcheck shell=bash disable=SC2154
# Debian's kernels, unpacked in the lab's folder, and made so that QEMU boots them. Sourced by ci/lab.
#
#   kernels/RELEASE/vmlinux            boots by PVH, with neither firmware's nor compression's time
#   kernels/RELEASE/initrd-N           busybox, and the modules that reach the host's files
#   kernels/RELEASE/lib/modules/       for modprobe
#   kernels/RELEASE/usr/src/           headers, once a job has a module to build

# The releases that a job may ask for: a pattern for package names, since versions come and go.
kernel_pattern() {
    case $1 in
        base) echo '^linux-image-6\.12\.[0-9]+\+deb12(\.[0-9]+)?-amd64$' ;;
        newest) echo '^linux-image-[0-9.]+\+deb13(\.[0-9]+)?-amd64$' ;;
        *) broken "a job asks for the kernel '$1'; there are base and newest" ;;
    esac
}

# The newest release of that kind that is unpacked, or nothing.
unpacked_kernel() {
    local pattern
    pattern=$(kernel_pattern "$1")
    [ ! -d "$cache/kernels" ] || (cd "$cache/kernels" && ls) | grep -v '\.part$' | sed 's/^/linux-image-/' | grep -E "$pattern" |
        sort -V | tail -n 1 | sed 's/^linux-image-//' || true
}

# Fetches a kernel of that kind if there is none.
have_kernel() {
    local release
    [ -n "$(unpacked_kernel "$1")" ] || fetch_kernel "$1"
    release=$(unpacked_kernel "$1")
    [ -e "$(initrd_of "$release")" ] || make_initrd "$release"
}

# The initial RAM disk of a release, as this tree's `init` makes it.
initrd_of() { echo "$cache/kernels/$1/initrd-$(sha256sum <"$lab_d/init" | cut -c 1-12)"; }

# The newest package of that kind which can be had; names can stand in the lists without a package.
newest_package() {
    local pattern package
    pattern=$(kernel_pattern "$1")
    for package in $(lab_apt apt-cache pkgnames linux-image- | grep -E "$pattern" | sort -rV); do
        if lab_apt apt-cache policy "$package" | grep 'Candidate: [0-9]' >/dev/null; then
            echo "$package"
            return
        fi
    done
    fail "the archives have no kernel of the kind '$1'"
}

fetch_kernel() {
    local package release folder part debs
    update_lists
    package=$(newest_package "$1")
    release=${package#linux-image-} folder=$cache/kernels/${package#linux-image-}
    [ ! -d "$folder" ] || return 0
    printf 'Fetching the kernel %s\n' "$release"
    debs=$(download "$package")
    # From 7.x on image, modules and lists of them are packages of their own.
    for part in linux-binary linux-modules linux-base; do
        if lab_apt apt-cache policy "$part-$release" | grep 'Candidate: [0-9]' >/dev/null; then
            debs+=$'\n'$(download "$part-$release")
        fi
    done
    mapfile -t debs <<<"$debs"
    mkdir -p "$cache/kernels"
    unpack "$folder.part" "${debs[@]}"
    make_bootable "$folder.part" "$release"
    rm -f "${debs[@]}"
    mv "$folder.part" "$folder"
}

make_bootable() {
    local folder=$1 release=$2 image
    image=$(find "$folder" -name 'vmlinuz*' -type f -print -quit)
    [ -n "$image" ] || fail "the packages of $release hold no vmlinuz"
    extract_vmlinux "$image" >"$folder/vmlinux"
    (exec -a depmod "$tools_dir/bin/kmod" -b "$folder" "$release")
}

# The ELF image within a bzImage. Place and length of what is compressed stand in the boot header (Documentation/arch/x86/boot.rst:
# setup_sects at 0x1f1, payload_offset at 0x248, payload_length at 0x24c), and how, in its first bytes.
extract_vmlinux() {
    local image=$1 sectors offset length magic
    sectors=$(od -An -tu1 -j $((0x1f1)) -N 1 "$image")
    read -r offset length < <(od -An -tu4 -j $((0x248)) -N 8 "$image")
    offset=$(((sectors + 1) * 512 + offset))
    magic=$(od -An -tx1 -j "$offset" -N 4 "$image" | tr -d ' \n')
    payload() { tail -c "+$((offset + 1))" "$image" | head -c "$length"; }
    # After the stream comes its length, of which the programs complain.
    case $magic in
        fd377a58) payload | xz -dc --single-stream 2>/dev/null || true ;;
        28b52ffd) payload | zstd -dcq 2>/dev/null || true ;;
        1f8b*) payload | gzip -dcq 2>/dev/null || true ;;
        *) fail "the kernel $image is compressed in a way that the lab doesn't know ($magic)" ;;
    esac
}

# Files of the modules that one needs, itself last, by modules.dep.
module_files() {
    awk -v name="$2" -F ': *' '
        { path = $1; sub(/.*\//, "", path); sub(/\.ko.*/, "", path); gsub(/-/, "_", path) }
        path == name { n = split($2, need, " "); for (i = n; i > 0; i--) print need[i]; print $1; exit }' "$1/modules.dep"
}

make_initrd() {
    local initrd modules=$cache/kernels/$1/usr/lib/modules/$1 root name file
    initrd=$(initrd_of "$1")
    root=$initrd.d
    rm -rf "$root"
    mkdir -p "$root"/{bin,dev,proc,sys,modules,host,tools,upper,new}
    cp "$tools_dir/bin/busybox" "$root/bin/"
    cp "$lab_d/init" "$root/init"
    chmod +x "$root/init"
    for name in virtio_pci 9pnet_virtio 9p overlay; do
        for file in $(module_files "$modules" "$name"); do
            name=$(basename "${file%%.ko*}")
            [ ! -e "$root/modules/$name.ko" ] || continue
            case $file in
                *.xz) xz -dc "$modules/$file" >"$root/modules/$name.ko" ;;
                *.zst) zstd -dcq "$modules/$file" >"$root/modules/$name.ko" ;;
                *) cp "$modules/$file" "$root/modules/$name.ko" ;;
            esac
            echo "$name" >>"$root/modules/order"
        done
    done
    (cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) | gzip -1 >"$initrd.part"
    rm -rf "$root"
    mv "$initrd.part" "$initrd"
}

# Builds a kernel module of the lab's for a release, out of ci/lab.d/modules/NAME, and prints the path of the .ko.
build_module() {
    local name=$1 release=$2 kernel=$cache/kernels/$2 built=$cache/kernels/$2/built/$1 source
    source=$lab_d/modules/$name
    [ -d "$source" ] || broken "there is no module $name under ci/lab.d/modules"
    if [ ! -e "$built/$name.ko" ] || [ -n "$(find "$source" -newer "$built/$name.ko")" ]; then
        [ -d "$kernel/usr/src" ] || fetch_headers "$release" >&2
        rm -rf "$built"
        mkdir -p "$built"
        cp "$source"/* "$built/"
        # Without type information for BPF, which would take pahole and all of vmlinux.
        make -C "$kernel/usr/src/linux-headers-$release" M="$built" CC=gcc CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$built/log" 2>&1 ||
            fail "the module $name doesn't build for $release: $(grep -m 1 -E 'error|not found|\*\*\*' "$built/log")"
    fi
    echo "$built/$name.ko"
}

# The headers of a release, made to be used from where they lie: their makefiles and links name places under /usr.
fetch_headers() {
    local release=$1 kernel=$cache/kernels/$1 flavourless=${1%-amd64} folder=$cache/kernels/$1/headers debs link target
    need_packages gcc make
    update_lists
    printf 'Fetching the headers of %s\n' "$release"
    debs=$(download "linux-headers-$release" "linux-headers-$flavourless-common" "linux-kbuild-$flavourless")
    mapfile -t debs <<<"$debs"
    unpack "$folder" "${debs[@]}"
    rm -f "${debs[@]}"
    find "$folder/usr/src" -name Makefile -maxdepth 2 -exec sed -i "s|/usr/src/|$kernel/usr/src/|g" {} +
    find "$folder/usr" -type l -lname '/usr/*' | while read -r link; do
        target=$(readlink "$link")
        ln -sfn "$kernel$target" "$link"
    done
    mkdir -p "$kernel/usr/lib"
    cp -a "$folder/usr/lib/"linux-kbuild-* "$kernel/usr/lib/"
    mv "$folder/usr/src" "$kernel/usr/src"
    rm -rf "$folder"
}
