# shellcheck shell=bash disable=SC2154
# What jobs of two guests do, `exchange` and `trader`, of which the first reaches the second over ssh with a key made for the
# job. Sourced by guest.sh for them.
#
#   two_hosts MINE THEIRS     the interfaces that ssh goes over, of exchange and trader. In the trader's guest it doesn't come
#                             back: that one serves until the exchange's ends
#   there COMMAND             in the trader's guest
#   nothing_left              that neither guest has a journal or a folder of a run, and both have their first interface
#   $exchange $trader         the addresses

exchange=203.0.113.1 trader=203.0.113.2

# In one shell there that waits for the next command, since to log in, and only to begin a session, takes seconds here. What it
# prints comes without empty lines; its status is the last line, with the number of the call: one that took too long may still say its own.
there() {
    local line calls
    # Across subshells too.
    read -r calls </run/calls
    echo $((++calls)) >/run/calls
    printf '(%s\n) </dev/null\nprintf "\\nended %d %%d\\n" $?\n' "$*" "$calls" >&7 || return
    while IFS= read -r -t 180 line <&8; do
        case $line in
            "ended $calls "*) return "${line##* }" ;;
            '' | 'ended '*) ;;
            *) printf '%s\n' "$line" ;;
        esac
    done
    return 255
}

# The shell there, between two pipes; nobody is to wait for it. What an earlier one was told goes with its pipe.
log_in() {
    exec 7>&- 8<&-
    ssh -o BatchMode=yes -o ConnectTimeout=5 -o StrictHostKeyChecking=accept-new "root@$trader" bash </run/to >/run/from 2>/tmp/there &
    disown
    exec 7>/run/to 8</run/from
    there true
}

# Takes the key of whoever comes first, serves ssh, and ends when it is told to.
serve() {
    mkdir -p /run/sshd
    grep -q '^sshd:' /etc/passwd || echo 'sshd:x:65534:65534::/run/sshd:/usr/sbin/nologin' >>/etc/passwd
    ssh-keygen -q -t ed25519 -N '' -f /run/host
    busybox nc -l -p 9 -w 120 >/root/.ssh/authorized_keys
    chmod 600 /root/.ssh/authorized_keys
    claim 'a key has come' grep -q ssh-ed25519 /root/.ssh/authorized_keys
    /usr/sbin/sshd -e -f /dev/null -o HostKey=/run/host -o UsePAM=no -o PermitRootLogin=prohibit-password \
        -o StrictModes=no -o AuthorizedKeysFile=/root/.ssh/authorized_keys 2>>/lab/sshd.log
    claim 'the run is over' within 440 test -e /run/over
    exit
}

call() {
    ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
    mkfifo /run/to /run/from
    echo 0 >/run/calls
    within 60 eval "busybox nc $trader 9 </root/.ssh/id_ed25519.pub" && within 30 log_in
}

# Once more if the shell there is gone, which would leave the other guest waiting.
dismiss() {
    trap '' PIPE
    there 'touch /run/over' || { log_in && there 'touch /run/over'; }
}

two_hosts() {
    local interface=$1 address=$exchange
    [ "$guest" = exchange ] || interface=$2 address=$trader
    ip address add "$address/24" dev "$interface"
    ip link set "$interface" up
    mkdir -p /root/.ssh
    # The default exchange of keys takes an emulated processor seconds.
    echo 'KexAlgorithms curve25519-sha256' >/root/.ssh/config
    [ "$guest" = exchange ] || serve
    claim 'the other guest can be reached over ssh' call
    there true || exit
    trap dismiss EXIT
}

nothing_left() {
    local look='find /run/tickcert -type f 2>/dev/null; find /tmp -name "tickcert-run-*"'
    [ -e /sys/class/net/nic1 ] && [ -z "$(eval "$look")" ] && [ "$(there "$look; ls /sys/class/net" | grep -v '^lo$' | head -n 1)" = nic2 ]
}

export exchange trader
export -f there log_in serve call dismiss two_hosts nothing_left
