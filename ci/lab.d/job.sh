# shellcheck shell=bash disable=SC2154
# What a job says of itself: the lines `# key: value` at its head. Sourced by ci/lab.
#
#   does       one line: what the job shows (required)
#   kernel     base (6.12) or newest (default base)
#   memory     MiB of each guest (default 1024)
#   cpus       of each guest (default 2)
#   limit      seconds after which the job is ended (default 120)
#   guests     names of the guests, which boot together (default: one)
#   nodes      memory nodes, among which memory and cores are shared out evenly (default 1)
#   nic        [GUEST:]MODEL WIRE [node=N] [OPTION=VALUE]...; may stand more than once;
#              the Nth is called nicN. Two on one wire are connected
#   iommu      intel: with an IOMMU
#   modules    the kernel's modules to load before the script runs
#   fixture    modules of the lab's own, under ci/lab.d/modules, to be built and loaded
#   append     for the kernel's command line
#   qemu       for QEMU's command line

job_names() { (cd "$lab_d/jobs" && printf '%s\n' *); }

# The values of a key in the head of a job, a line each.
job_key() { sed -n '/^#/!q;s/^# '"$2"': *//p' "$lab_d/jobs/$1"; }

# The value of a key, or the default.
job_value() {
    local value
    value=$(job_key "$1" "$2" | head -n 1)
    echo "${value:-$3}"
}

# Ends the script because of a fault of this tree: not for want of anything, which would be 4.
broken() {
    printf 'lab: %s\n' "$*" >&2
    exit 1
}

# Ends the script over a head that can't be meant so.
check_job() {
    local key unknown
    [ -n "$(job_key "$1" does)" ] || broken "the job $1 doesn't say what it does"
    unknown=$(sed -n '/^#/!q;s/^# \([a-z]*\): .*/\1/p' "$lab_d/jobs/$1" |
        grep -vxE 'does|kernel|memory|cpus|limit|guests|nodes|nic|iommu|modules|fixture|append|qemu' | tr '\n' ' ' || true)
    [ -z "$unknown" ] || broken "the head of the job $1 has keys that the lab doesn't know: $unknown"
    for key in memory cpus limit nodes; do
        [[ $(job_value "$1" "$key" 1) =~ ^[0-9]+$ ]] || broken "the job $1 gives no number for '$key'"
    done
}
