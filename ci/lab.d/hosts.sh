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

# Over one connection, since each takes seconds to make here.
there() {
    ssh -o BatchMode=yes -o ConnectTimeout=5 -o ControlMaster=auto -o ControlPath=/run/ssh -o ControlPersist=yes \
        "root@$trader" "$@" 2>/tmp/there
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
    within 60 eval "busybox nc $trader 9 </root/.ssh/id_ed25519.pub" &&
        within 30 ssh -o BatchMode=yes -o ConnectTimeout=5 -o StrictHostKeyChecking=accept-new "root@$trader" true
}

dismiss() {
    there touch /run/over
    ssh -o ControlPath=/run/ssh -O exit "root@$trader" 2>/tmp/there
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
export -f there serve call dismiss two_hosts nothing_left
