# shellcheck shell=bash
# What the comparisons share: options, the bench, the lane's figure, alternating pairs. Sourced, never run.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

pairs=7 bytes=64 seconds=3 cores=0,1 tickcert=''
# Set in the shell that a comparison starts for itself on the bench.
work='' exchange_core='' trader_core=''
# Options of `tickcert bench exec` that a comparison wants.
bench_options=()

# Reads the options that all comparisons have; `option NAME VALUE`, if the script defines it, takes further ones.
read_options() {
    local usage='--help tells the options'
    while [ $# -gt 0 ]; do
        case $1 in -h | --help) print_help && exit ;; esac
        [ $# -ge 2 ] || misuse "$1 needs a value; $usage"
        case $1 in
            --on-bench) tickcert=$2 ;;
            --pairs) pairs=$2 ;;
            --bytes) bytes=$2 ;;
            --seconds) seconds=$2 ;;
            --cores) cores=$2 ;;
            *) { declare -F option >/dev/null && option "$1" "$2"; } || misuse "there is no option $1; $usage" ;;
        esac
        shift 2
    done
    exchange_core=${cores%,*} trader_core=${cores#*,}
    local number
    for number in "$pairs" "$bytes" "$seconds" "$exchange_core" "$trader_core"; do
        case $number in '' | *[!0-9]*) misuse "'$number' is no number; $usage" ;; esac
    done
    [ "$pairs" -ge 5 ] || misuse 'fewer than 5 pairs say nothing; give --pairs 5 or more'
    [ "$exchange_core" != "$trader_core" ] || misuse "--cores $cores: both ends on one core would measure the scheduler"
}

build_for_peers() {
    need_build_tools
    need_features
    need_rust
    step 'Build (release)'
    build_release
    tickcert="$(target_folder)/release/tickcert"
}

# Calls the script again, with the same options, between two network namespaces with a veth pair, which go when it ends.
# There it returns, with a folder for what is written meanwhile.
on_bench() {
    if [ -z "$tickcert" ]; then
        build_for_peers
        exec "$tickcert" bench exec ${bench_options[@]+"${bench_options[@]}"} -- "$0" --on-bench "$tickcert" "$@"
    fi
    : "${TICKCERT_EXCHANGE_NETNS:?} ${TICKCERT_TRADER_NETNS:?} ${TICKCERT_EXCHANGE_ADDR:?} ${TICKCERT_TRADER_ADDR:?}"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
}

# tickcert's service time over a lane with a payload of so many bytes, as JSON; fails where it can't be had.
service_time() {
    "$tickcert" run service-time --lanes "$1" --frame-bytes "$2" --duration "${3:-$seconds s}" \
        --exchange-core "$exchange_core" --trader-core "$trader_core" --json 2>"$work/service-time.log"
}

# The quantiles named, in ns, of the service time on standard input.
quantiles() {
    tr -d '\n ' | sed -n 's/.*"rtt_ns":{\([^{}]*\).*/\1/p' | tr ',' '\n' |
        awk -F'[":]+' -v names="$*" '
            { value[$2] = $3 }
            END {
                n = split(names, name, " ")
                for (i = 1; i <= n; i++) {
                    if (value[name[i]] + 0 == 0) exit 1
                    printf "%s%s", value[name[i]], i < n ? " " : "\n"
                }
            }'
}

# Writes the quantiles named of a lane, with a payload of so many bytes, to the file `ours`.
run_lane() {
    local lane=$1 payload=$2
    shift 2
    { service_time "$lane" "$payload" >"$work/json" && quantiles "$@" <"$work/json" >"$work/ours"; } ||
        fail "no service time over $lane: $(cat "$work/service-time.log" "$work/json")"
}

# compare THEIRS COLUMN...: calls `theirs` and `ours`, which write their figures in ns, one for each column, to the files of
# those names, alternately; prints every pair, and the ratio of each column. The order within a pair alternates too, so
# that neither always has the host as the other left it. A virtual machine may change its speed from one moment to the
# next, and where its cores are from one process to the next, so the ratio of one pair says little; their median does.
compare() {
    local name=$1 pair column
    shift
    printf '%4s' pair
    for column in "$@"; do
        printf ' %14s %14s %8s' "$name${2:+ $column}" "tickcert $column" "$column x"
    done
    printf '\n'
    : >"$work/pairs"
    for pair in $(seq 1 "$pairs"); do
        if [ $((pair % 2)) -eq 1 ]; then theirs; ours; else ours; theirs; fi
        printf '%s %s %s\n' "$pair" "$(cat "$work/theirs")" "$(cat "$work/ours")" >>"$work/pairs"
        awk -v n=$# 'END {
            printf "%4d", $1
            for (i = 2; i <= n + 1; i++) printf " %11.1f ns %11.1f ns %8.3f", $i, $(i + n), $(i + n) / $i
            printf "\n" }' "$work/pairs"
    done
    step 'Ratios'
    for column in $(seq 1 $#); do
        awk -v i="$column" -v n=$# '{ print $(1 + n + i) / $(1 + i) }' "$work/pairs" |
            interval "${!column} ratio (tickcert / $name)"
    done
}
