# shellcheck shell=bash disable=SC2016
# What jobs do with certificates, in the guest. Sourced by guest.sh for them.
#
#   small_profile FILE LANES [REST]  writes a profile that an emulated guest gets through: few packets, no limit to latency.
#                                  LANES as in `kernel-udp shm`; the rest is more of the profile's text. The variables `orders`
#                                  and `rate` (packets a second) may say how much. What stamping costs is not measured, unless
#                                  the rest has a section [stamps]
#   certify NAME PROFILE [ARG]...  runs it and leaves the certificate in /lab/NAME, what was said in
#                                  /lab/NAME.log; claims that there is one
#   matrix NAME [ARG]...           measures the placements of /tmp/matrix.toml, and leaves the certificate in /lab/NAME; fails if
#                                  there is none
#   claims NAME|FILE               claims of that certificate, or file, from standard input: the words of each, and indented
#                                  below them what must be true of it, in jq (and in the words of `jq_words`)
#   claim_lanes NAME LANE...       every repetition of each lane valid, every order as expected, the evidence `emulated`

small_profile() {
    local lanes=${2// /\", \"} stamps=''
    [[ ${3:-} == *'[stamps]'* ]] || stamps=$'[stamps]\ncost_repetitions = 0'
    cat >"$1" <<END
profile = 1
name = "lab"
description = "Orders are right on a virtual machine's devices"

[run]
lanes = ["$lanes"]
repetitions = 2
retries = 8
staged_repetitions = 0
floor = false
machine = false
attribution = "${attribution:-off}"
orders_late_after = "8 s"
stall = "2 s"

[window]
orders = ${orders:-30}
max_duration = "20 s"

[tape]
messages = 20000

[strategy]
kind = "threshold"
symbol = "all"

[noise]
duration = "100 ms"

[[load]]
mode = "constant"
rate = "${rate:-1000} packets/s"

[[requirement]]
id = "lost"
metric = "orders.lost"
limit = "== 0"

${3:-}
$stamps
END
}

certify() {
    local name=$1 profile=$2
    shift 2
    claim "$name: a certificate is issued" issue "$name" "$profile" "$@"
    jq -r '"  verdict: \(.verdict)", (.requirements[] | "  \(.id): \(.verdict) \(.why // "")"), (.not_run[] | "  not run: \(.name): \(.needs)")' \
        "/lab/$name/certificate.json"
}

# Verdicts other than pass are for the job to judge.
issue() {
    local name=$1 profile=$2 status=0
    shift 2
    tickcert certify -v --profile "$profile" --out "/lab/$name" --store /tmp/store.sqlite --key "/tmp/key" "$@" >"/lab/$name.log" 2>&1 || status=$?
    case $status in 0 | 1 | 3 | 4) [ ! -s "/lab/$name/certificate.json" ] || return 0 ;; esac
    cat "/lab/$name.log"
    return 1
}

# Verdicts are not what this is about: an emulated clock is none to certify by.
matrix() {
    local name=$1 status=0
    shift
    tickcert matrix --profile /tmp/matrix.toml --out "/lab/$name" --no-wait "$@" >"/lab/$name.log" 2>&1 || status=$?
    case $status in 0 | 1 | 3) [ ! -s "/lab/$name/certificate.json" ] || return 0 ;; esac
    cat "/lab/$name.log"
    return 1
}

# What the conditions of claims may use: cells(LANE; F) is whether F holds of the cells of a lane, as `kernel-udp-busypoll` or
# `rdma-rc-send/cm`, of which there are some; each(LANE; F) whether F holds of each of their valid repetitions.
jq_words() {
    echo 'def of_lane($lane): [.cells[] | select(.lane + (if .variant == "" then "" else "/" + .variant end) == $lane)];
        def cells($lane; f): of_lane($lane) | length > 0 and f;
        def each($lane; f): cells($lane; all(.[].repetitions[] | select(.valid); f));'
}

# One jq for all claims, since each takes an emulated processor half a second.
claims() {
    local file=$1 line number texts conditions program='' outcomes=()
    [[ $file == /* ]] || file=/lab/$file/certificate.json
    texts=("there is something to claim of $file") conditions=(true)
    while IFS= read -r line; do
        if [[ $line == ' '* ]]; then conditions[-1]+=" ${line#"${line%%[! ]*}"}"; else texts+=("$line") conditions+=(''); fi
    done
    if [ ${#texts[@]} -lt 2 ] || [ "${conditions[0]}" != true ]; then claim "claims of $file with their conditions" false; fi
    texts=("${texts[@]:1}") conditions=("${conditions[@]:1}")
    for line in ${conditions[@]+"${conditions[@]}"}; do
        program+="${program:+, }([try ($line) catch false] | length > 0 and (.[-1] | . != null and . != false))"
    done
    mapfile -t outcomes < <(jq "$(jq_words) $program" "$file" 2>/dev/null)
    for number in "${!texts[@]}"; do
        if [ "${outcomes[number]:-}" = true ]; then
            kept "${texts[number]}"
        else
            claim "${texts[number]}" explain "$file" "${conditions[number]}"
        fi
    done
}

# Whether the condition holds, with what there is to say of one that does not.
explain() {
    jq -r '.cells[]? | "\(.lane) \(.variant), evidence \(.evidence)", (.repetitions[] |
        "  valid \(.valid): \(.invalid_reasons), orders \(.matched)/\(.expected_orders), lost \(.lost)")' "$1"
    jq -r '.not_run[]? | "not run: \(.name): \(.needs)\n\(.how)"' "$1"
    jq -r '.findings[]? | select(.ok | not) | "\(.name): \(.value)"' "$1"
    jq -e "$(jq_words) $2" "$1"
}

claim_lanes() {
    local name=$1 lane
    shift
    claims "$name" < <(for lane in "$@"; do
        cat <<END
$name: $lane has valid repetitions
    cells("$lane"; all(.[]; [.repetitions[] | select(.valid)] | length >= 2))
$name: $lane has every order as the tape wants it
    each("$lane"; .matched > 0 and .orders_sha256 != "" and .orders_sha256 == .expected_sha256)
$name: $lane is emulated evidence
    cells("$lane"; all(.[]; .evidence == "emulated"))
END
    done)
}

export -f small_profile certify issue matrix jq_words claims explain claim_lanes
