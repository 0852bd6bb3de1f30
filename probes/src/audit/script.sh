set -u
ROOT=${ROOT:-}
# Goes with a reboot, as what is set does.
RECORDS=$ROOT/run/tickcert
STATE=${STATE:-$RECORDS/doctor-$id}
failed=0

fail() {
    echo "not done: $*" >&2
    failed=1
}

# Programs change the running host, so in a copy of a tree they are left out unless RUN says that they may be run.
may_run() {
    [ -z "$ROOT" ] || [ -n "${RUN:-}" ] && return 0
    echo "left out, because ROOT is set: $*"
    return 1
}

# record NUMBER: keeps what comes on standard input, unless an earlier run has kept it.
record() {
    [ ! -e "$STATE/$1" ] || { cat >/dev/null; return 0; }
    cat >"$STATE/$1.new" && mv "$STATE/$1.new" "$STATE/$1"
}

# put NUMBER FILE VALUE
put() {
    local new=''
    [ -e "$ROOT$2" ] || { fail "$2 isn't there"; return; }
    [ -e "$STATE/$1" ] || new=yes
    record "$1" <"$ROOT$2" || { fail "the value of $2 can't be recorded below $STATE"; return; }
    if ! printf '%s\n' "$3" >"$ROOT$2"; then
        fail "$2 doesn't take $3"
        [ -z "$new" ] || rm -f "$STATE/$1"
    elif ! soon shows "$3" shown_by "$2"; then
        fail "$2 was given $3 and shows $(shown_by "$2"); undo sets it back all the same"
    fi
}

# soon COMMAND...: whether it succeeds within about a second: some drivers show the old value for a moment.
soon() {
    local tries=10
    until "$@"; do
        [ "$tries" -gt 0 ] || return 1
        tries=$((tries - 1))
        sleep 0.1
    done
}

# shows VALUE COMMAND...
shows() { [ "$("${@:2}")" = "$1" ]; }

# shown_by FILE: its value, of a choice the word in brackets, without blanks around it.
shown_by() { sed -e 's/.*\[\(.*\)\].*/\1/' -e 's/^[[:space:]]*//' -e 's/[[:space:]]*$//' "$ROOT$1"; }

# Whether two files say the same. Read to their ends: the sizes that the kernel gives its own files say nothing.
same() { [ "$(cat "$1" && echo .)" = "$(cat "$2" && echo .)" ]; }

# put_back NUMBER FILE: of a choice the kernel wants the word in brackets; in a copy of a tree all of it is to stand there again.
put_back() {
    local word
    [ -e "$STATE/$1" ] || return 0
    word=$(sed -n 's/.*\[\(.*\)\].*/\1/p' "$STATE/$1")
    if [ -n "$word" ]; then
        printf '%s\n' "$word" >"$ROOT$2"
        same "$STATE/$1" "$ROOT$2" || cat "$STATE/$1" >"$ROOT$2" 2>/dev/null
    else
        cat "$STATE/$1" >"$ROOT$2"
    fi
    if soon same "$STATE/$1" "$ROOT$2"; then rm -f "$STATE/$1"; else fail "$2 isn't as it was: $(cat "$STATE/$1")"; fi
}

# nic_value OPTION INTERFACE NAME SHOWN: what ethtool shows now.
nic_value() {
    case $1$3 in
        -Cadaptive-rx) ethtool -c "$2" | sed -n 's/^Adaptive RX: *\([a-z]*\).*/\1/p' ;;
        -Cadaptive-tx) ethtool -c "$2" | sed -n 's/^Adaptive RX:.*TX: *\([a-z]*\).*/\1/p' ;;
        -C*) ethtool -c "$2" | sed -n "s/^$4:[[:space:]]*\([0-9]*\).*/\1/p" ;;
        -K*) ethtool -k "$2" | sed -n "s/^[[:space:]]*$4: *\([a-z]*\).*/\1/p" ;;
        -A*) ethtool -a "$2" | sed -n "s/^$4:[[:space:]]*\([a-z]*\).*/\1/p" ;;
    esac
}

# nic NUMBER OPTION INTERFACE NAME SHOWN VALUE
nic() {
    local now
    may_run "ethtool $2 $3 $4 $6" || return 0
    now=$(nic_value "$2" "$3" "$4" "$5")
    [ -n "$now" ] || { fail "ethtool doesn't show $4 of $3"; return; }
    [ "$now" != "$6" ] || return 0
    record "$1" <<<"$now" || { fail "$4 of $3 can't be recorded below $STATE"; return; }
    if ! ethtool "$2" "$3" "$4" "$6"; then
        fail "ethtool $2 $3 $4 $6"
        rm -f "$STATE/$1"
        return
    fi
    soon shows "$6" nic_value "$2" "$3" "$4" "$5" ||
        fail "$4 of $3 was given $6 and is $(nic_value "$2" "$3" "$4" "$5"); undo sets it back all the same"
}

# nic_back NUMBER OPTION INTERFACE NAME SHOWN
nic_back() {
    local before
    [ -e "$STATE/$1" ] || return 0
    before=$(cat "$STATE/$1")
    may_run "ethtool $2 $3 $4 $before" || return 0
    if [ "$(nic_value "$2" "$3" "$4" "$5")" = "$before" ] || ethtool "$2" "$3" "$4" "$before"; then rm -f "$STATE/$1"; else fail "ethtool $2 $3 $4 $before"; fi
}

# run NUMBER COMMAND
run() {
    [ ! -e "$STATE/$1" ] && may_run "$2" || return 0
    record "$1" </dev/null || { fail "$2 can't be recorded below $STATE"; return; }
    if ! sh -c "$2"; then
        fail "$2"
        rm -f "$STATE/$1"
    fi
}

# run_back NUMBER COMMAND
run_back() {
    [ -e "$STATE/$1" ] && may_run "$2" || return 0
    if sh -c "$2"; then rm -f "$STATE/$1"; else fail "$2"; fi
}

# Whether this is the start of the host that the script was written for.
right_place() {
    local now
    now=$(cat "$ROOT/proc/sys/kernel/random/boot_id" 2>/dev/null)
    if [ -z "$boot_id" ] || [ -z "$now" ] || [ "$now" = "$boot_id" ]; then return 0; fi
    echo "$0: written for another start of $host, or for another host; write it anew there: tickcert doctor --fix-script" >&2
    return 1
}

# Records that other scripts have left, each with the script that undoes it.
others() {
    local other
    for other in "$RECORDS"/doctor-*/script; do
        if [ -e "$other" ] && [ "${other%/script}" != "$STATE" ]; then
            echo "set by another script, and still recorded: undo that with: bash $other undo"
        fi
    done
}

usage() {
    echo "usage: $0 apply|undo" >&2
    exit 2
}

[ $# -eq 1 ] || usage
[ -n "$ROOT" ] || [ "$(id -u)" -eq 0 ] || { echo "$0: run as root" >&2; exit 2; }
case $1 in
    apply)
        right_place || exit 2
        mkdir -p "$STATE" || exit 1
        [ -e "$STATE/script" ] || cp -- "$0" "$STATE/script" || exit 1
        apply
        by_hand
        others
        ;;
    undo)
        others
        [ -d "$STATE" ] || { echo "nothing is recorded below $STATE: nothing to undo"; exit 0; }
        right_place || exit 2
        undo
        # Bash goes on reading this script, which a name less doesn't keep it from.
        [ -n "$(find "$STATE" -mindepth 1 ! -name script)" ] || rm -f "$STATE/script"
        rmdir "$STATE" 2>/dev/null || fail "what could not be undone is recorded below $STATE"
        ;;
    *) usage ;;
esac
exit "$failed"
