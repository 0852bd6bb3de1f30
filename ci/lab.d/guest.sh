#!/usr/bin/env bash
# Runs a job's script within its guest, as the guest's first process, and leaves what came of it in /lab, which is the job's
# folder on the host. The script is bash; beside its own commands it has those below. A claim that fails doesn't end it;
# a status other than 0 at its end fails the job.
#
#   claim TEXT COMMAND...          counts the claim as kept if the command succeeds, and shows what it printed otherwise
#   claim_equal TEXT A B           kept if the words are equal
#   within SECONDS COMMAND...      tries until the command succeeds, for that long at most
#   skip TEXT                      ends the job, which then counts as skipped: what is missing, and what it needs
#   name_nics                      again, after the script has loaded a driver: the Nth line `nic` of the head is nicN
#   $guest                         the name of this guest, where a job has several
#
# and those of certificates.sh and hosts.sh.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C TERM=dumb
guest=$(sed -n 's/.*lab\.guest=\([^ ]*\).*/\1/p' /proc/cmdline)
program=$(sed -n 's/.*lab\.program=\([^ ]*\).*/\1/p' /proc/cmdline)

kept() {
    local at
    read -r at _ </proc/uptime
    printf 'ok %7s s  %s\n' "$at" "$1"
    echo "$1" >>/lab/kept
}

claim() {
    local text=$1
    shift
    if "$@" >/tmp/claim 2>&1; then
        kept "$text"
    else
        printf 'FAILED  %s\n        %s\n' "$text" "$*"
        tail -n 40 /tmp/claim | sed 's/^/        | /'
        echo "$text" >>/lab/failed
    fi
}

claim_equal() {
    [ "$2" = "$3" ] || printf 'these differ: %s | %s\n' "$2" "$3"
    claim "$1" [ "$2" = "$3" ]
}

within() {
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.1
    done
}

skip() {
    echo "$*" >/lab/skipped
    exit 0
}

set_up() {
    hostname "$guest"
    # Not by a link: the processes of a run would have the file's name, and jobs look for them by this one.
    touch /usr/local/bin/tickcert
    mount --bind "/opt/tickcert/$program" /usr/local/bin/tickcert
    echo /usr/sbin/modprobe >/proc/sys/kernel/modprobe
    # What a shell opens for <(…).
    ln -s /proc/self/fd /dev/fd
    # Of the host's own lists, none is of this kernel.
    mkdir -p /sys/fs/bpf /dev/hugepages
    mount -t bpf bpf /sys/fs/bpf 2>/dev/null
    mount -t hugetlbfs hugetlbfs /dev/hugepages
    ip link set lo up
    for module in $(sed -n 's/.*lab\.modules=\([^ ]*\).*/\1/p' /proc/cmdline | tr , ' '); do
        case $module in
            *.ko) insmod "/lab/$module" ;;
            *) modprobe "$module" ;;
        esac || echo "The kernel module $module can't be loaded"
    done
    name_nics
}

# A device of the head's Nth line `nic` is nicN, whatever order they were found in: their addresses end so.
name_nics() {
    local device address
    for device in /sys/class/net/*; do
        address=$(cat "$device/address")
        case $address in 52:54:00:1a:b0:*) ip link set "${device##*/}" name "nic$((16#${address##*:}))" ;; esac
    done
}

# shellcheck source=certificates.sh
. /lab/certificates.sh
# shellcheck source=hosts.sh
. /lab/hosts.sh
export guest
export -f kept claim claim_equal within skip name_nics
printf 'LAB-BOOTED after %s s\n' "$(cut -d ' ' -f 1 /proc/uptime)"
set_up
printf "LAB-READY after %s s\n" "$(cut -d " " -f 1 /proc/uptime)"
cd /lab || exit
if grep -q lab.shell /proc/cmdline; then
    # A terminal of its own, so that Ctrl-C is for what runs in it.
    TERM=linux busybox setsid -c bash --norc -i </dev/ttyS0 >/dev/ttyS0 2>&1
else
    bash /lab/job 2> >(tee /tmp/errors >&2)
    echo $? >/lab/ended
    # A loop whose input is not there makes no claims, and misses none.
    has_no_errors() { ! grep -E '^(/lab/job|environment|/lab/[a-z]+\.sh|bash): line [0-9]+: .*(No such file or directory|command not found|syntax error|ambiguous redirect|bad array subscript|here-document)' /tmp/errors; }
    has_no_errors >/dev/null || claim 'the script has no errors of its own' has_no_errors
fi
sync
busybox poweroff -f
