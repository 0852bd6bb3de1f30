# shellcheck shell=bash
# What the scripts of this folder share. Sourced, never run; sets `root` to the repository's top folder.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Prints the comment at the top of the script that was called.
print_help() { awk 'NR > 1 { if (!sub(/^# ?/, "")) exit; print }' "$0"; }

# A heading on the screen.
step() { printf '\n== %s\n' "$*"; }

# Ends the script because the host lacks something.
fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 4
}

# Ends the script because it was called wrongly.
misuse() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 2
}

# Runs a command as root: directly, or through sudo where there is one.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "needs root for: $* (run that as root, then this again)"
    fi
}

# Installs those of the named Debian packages that are missing, after saying which.
need_packages() {
    local missing=() package
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || fail "install these by hand (this is not Debian): ${missing[*]}"
    printf 'Installing from Debian, once: %s\n' "${missing[*]}"
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
}

# A C compiler with headers (SQLite and zstd are compiled in), and the certificates by which cargo trusts its registry.
need_build_tools() {
    local packages=() program
    program=$(mktemp)
    printf '#include <stdlib.h>\nint main(void){return 0;}\n' | cc -x c - -o "$program" 2>/dev/null || packages+=(gcc libc6-dev)
    rm -f "$program"
    [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ] ||
        [ -n "${CARGO_HTTP_CAINFO:-}${SSL_CERT_FILE:-}" ] || packages+=(ca-certificates)
    [ ${#packages[@]} -eq 0 ] || need_packages "${packages[@]}"
}

# Cargo features for foreign libraries, each with the Debian packages that it is built with.
native_features=(
    'bpf: make pkg-config libelf-dev zlib1g-dev clang'
    'dpdk: gcc pkg-config libdpdk-dev'
    'rdma: cmake make clang libclang-dev'
)

# Those of them whose packages are here or can be installed, as cargo's --features wants them. What can't be had costs
# the lanes that need it, which then say so, and nothing else.
features=''
need_features() {
    local line name packages
    for line in "${native_features[@]}"; do
        name=${line%%:*}
        read -ra packages <<<"${line#*:}"
        # In a shell of its own, which may fail.
        if (need_packages "${packages[@]}"); then
            features+="${features:+,}tickcert/$name"
        else
            printf 'Building without the feature %s, for want of: %s\n' "$name" "${packages[*]}"
        fi
    done
}

# Rust's toolchain, new enough; it is never installed behind the user's back.
need_rust() {
    local wanted found rustup="curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
    PATH="$PATH:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin"
    wanted=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' "$root/Cargo.toml")
    command -v cargo >/dev/null || fail "Rust's toolchain is missing; get version $wanted or later with: $rustup"
    found=$(cd "$root" && cargo --version | cut -d ' ' -f 2)
    if [ "$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n 1)" != "$wanted" ]; then
        fail "cargo $found is older than $wanted; get a later one with: rustup update stable (or, without rustup: $rustup)"
    fi
}

# cargo, on this workspace, from whatever folder the script was called in.
workspace_cargo() {
    local command=$1
    shift
    cargo "$command" --manifest-path "$root/Cargo.toml" "$@"
}

# Builds the program as users run it, and prints nothing but cargo's own lines.
build_release() { workspace_cargo build --release --locked --package tickcert --features "$features"; }

# The folder that cargo builds into.
target_folder() {
    workspace_cargo metadata --no-deps --format-version 1 --locked | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# Prints the median of the ratios on standard input and its interval, under the name given. The interval is from order
# statistics: the k-th smallest and k-th largest of n hold the true median with probability
# 1 - 2 * P(at most k - 1 heads in n throws of a coin), whatever the distribution. The largest k that still gives 95 % is
# taken, or else the extremes, with the coverage that they have.
interval() {
    sort -g | awk -v name="$1" '
        { x[NR] = $1 }
        END {
            n = NR; k = 1; tail = 2 ^ -n; term = tail; coverage = 1 - 2 * tail
            while (1) {
                term *= (n - k + 1) / k; tail += term
                if (1 - 2 * tail < 0.95 || k + 1 > n / 2) break
                k++; coverage = 1 - 2 * tail
            }
            median = n % 2 ? x[(n + 1) / 2] : (x[n / 2] + x[n / 2 + 1]) / 2
            printf "%s: median %.3f, %.1f %% interval [%.3f, %.3f], %d pairs\n", \
                name, median, coverage * 100, x[k], x[n + 1 - k], n
        }'
}
