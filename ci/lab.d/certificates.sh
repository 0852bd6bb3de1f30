# shellcheck shell=bash disable=SC2016
# What jobs do with certificates, in the guest. Sourced by guest.sh for them.
#
#   small_profile FILE LANES [REST]  writes a profile that an emulated guest gets through: few packets, no limit to latency.
#                                  LANES as in `kernel-udp shm`; the rest is more of the profile's text. The variables `orders`
#                                  and `rate` (packets a second) may say how much. What stamping costs is not measured, unless
#                                  the rest has a section [stamps]
#   certify NAME PROFILE [ARG]...  runs it and leaves the certificate in /lab/NAME, what was said in
#                                  /lab/NAME.log; claims that there is one
#   claim_lane NAME LANE           every repetition of the lane valid, every order as expected, the evidence `emulated`

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
retries = 4
staged_repetitions = 0
floor = false
attribution = "${attribution:-off}"
orders_late_after = "30 s"
stall = "2 s"

[window]
orders = ${orders:-60}
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

# Whether a condition in jq holds of the lane's cells: cells NAME LANE CONDITION.
cells() {
    local of_lane='[.cells[] | select(.lane + (if .variant == "" then "" else "/" + .variant end) == $lane)]'
    # One call while all is well: each takes an emulated processor long.
    jq -e --arg lane "$2" "$of_lane | length > 0 and ($3)" "/lab/$1/certificate.json" >/dev/null && return
    jq -r --arg lane "$2" "$of_lane"' | .[] | "evidence: \(.evidence)", (.repetitions[] |
        "valid \(.valid): \(.invalid_reasons), orders \(.matched)/\(.expected_orders), lost \(.lost)")' "/lab/$1/certificate.json"
    jq -r --arg lane "$2" '.not_run[] | select(.name == $lane) | "not run: \(.needs)\n\(.how)"' "/lab/$1/certificate.json"
    return 1
}

claim_lane() {
    claim "$1: $2 has valid repetitions" cells "$1" "$2" 'all(.[]; [.repetitions[] | select(.valid)] | length >= 2)'
    claim "$1: $2 has every order as the tape wants it" \
        cells "$1" "$2" 'all(.[].repetitions[] | select(.valid); .matched > 0 and .orders_sha256 != "" and .orders_sha256 == .expected_sha256)'
    claim "$1: $2 is emulated evidence" cells "$1" "$2" 'all(.[]; .evidence == "emulated")'
}

export -f small_profile certify issue cells claim_lane
