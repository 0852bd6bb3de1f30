# shellcheck shell=bash disable=SC2154
# QEMU's arguments for a guest of a job. Sourced by ci/lab.

accelerator='' counter='' machine=()

# The accelerator on which a guest really boots: /dev/kvm may be there and no kernel boot on it. Asked once, and remembered.
find_accelerator() {
    local kernel=$1 remembered log
    remembered=$cache/accelerator-$(uname -r)-$kernel-$qemu_version
    if [ ! -e "$remembered" ]; then
        accelerator=tcg
        if [ -w /dev/kvm ]; then
            log=$(mktemp)
            # In a shell of its own, which would otherwise tell of QEMU's abort.
            (exec 2>/dev/null && timeout -k 1 15 "${qemu_command[@]}" -accel kvm -cpu host -M q35 -m 256 -nodefaults -display none -serial "file:$log" \
                -no-reboot -kernel "$cache/kernels/$kernel/vmlinux" -initrd "$(initrd_of "$kernel")" \
                -append 'console=ttyS0 quiet panic=-1 lab.probe' </dev/null >/dev/null; true) || true
            ! grep -q LAB-BOOTED "$log" || accelerator=kvm
            rm -f "$log"
        fi
        echo "$accelerator" >"$remembered"
    fi
    accelerator=$(cat "$remembered")
    [ "$accelerator" = kvm ] || counter=$(counter_khz)
}

# An emulated processor has the host's time-stamp counter. A guest that finds out for itself how fast it goes, while other guests
# hold the cores, may be wrong tenfold, and every limit of time in it then too.
counter_khz() { "$bin" probe clocks --json 2>/dev/null | sed -nE '/"hz"/{s/.*: ([0-9]+)[0-9]{3}\..*/\1/p;q}' || true; }

# Sets `machine` to the arguments for one guest: machine_of JOB GUEST KERNEL FOLDER SOCKETS.
machine_of() {
    local job=$1 name=$2 kernel=$3 folder=$4 sockets=$5 append extra
    append='console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable audit=0 selinux=0 apparmor=0 net.ifnames=0'
    append+=" no_timer_check cryptomgr.notests lab.guest=$name lab.program=$(basename "$bin")"
    append+=" lab.modules=$(job_modules "$job" "$kernel" "$folder")"
    [ -z "$counter" ] || append+=" tsc_early_khz=$counter"
    machine=(
        -M q35 -smp "$(job_value "$job" cpus 2)" -m "$(job_value "$job" memory 1024)" -nodefaults -display none -no-reboot
        -kernel "$cache/kernels/$kernel/vmlinux" -initrd "$(initrd_of "$kernel")"
    )
    if [ "$accelerator" = kvm ]; then
        machine+=(-accel kvm -cpu host)
    else
        machine+=(-accel 'tcg,thread=multi' -cpu max)
    fi
    if [ "$(job_value "$job" iommu none)" = intel ]; then
        # Without interrupt remapping, which wants an interrupt controller that KVM would have to share.
        machine+=(-device 'intel-iommu,intremap=off')
        append+=' intel_iommu=on vfio_iommu_type1.allow_unsafe_interrupts=1'
    fi
    share host / ro
    share tools "$tools_dir" ro
    share modules "$cache/kernels/$kernel/usr/lib/modules" ro
    share tickcert "$(dirname "$bin")" ro
    share lab "$folder" rw
    nodes_of "$job"
    nics_of "$job" "$name" "$sockets"
    read -ra extra <<<"$(job_key "$job" qemu | tr '\n' ' ')"
    machine+=(${extra[@]+"${extra[@]}"} -append "$append $(job_key "$job" append | tr '\n' ' ')${6:-}")
}

# A folder of the host's in the guest, under a name.
share() {
    local options="local,path=$2,mount_tag=$1,security_model=none,multidevs=remap"
    [ "$3" = rw ] || options+=,readonly=on
    machine+=(-virtfs "$options")
}

# The modules to load, for the guest: names of the kernel's, and files of the lab's, copied to where the guest finds them.
job_modules() {
    local job=$1 kernel=$2 folder=$3 module list=''
    for module in $(job_key "$job" modules); do list+=$module,; done
    for module in $(job_key "$job" fixture); do
        cp "$cache/kernels/$kernel/built/$module/$module.ko" "$folder/"
        list+=$module.ko,
    done
    echo "$list"
}

# Memory nodes: an even share of memory and cores each, and a bus of each, for devices that are on it.
nodes_of() {
    local job=$1 nodes memory cpus node first
    nodes=$(job_value "$job" nodes 1) memory=$(job_value "$job" memory 1024) cpus=$(job_value "$job" cpus 2)
    [ "$nodes" -gt 1 ] || return 0
    for ((node = 0; node < nodes; node++)); do
        first=$((node * cpus / nodes))
        machine+=(
            -object "memory-backend-ram,id=memory$node,size=$((memory / nodes))M"
            -numa "node,nodeid=$node,cpus=$first-$(((node + 1) * cpus / nodes - 1)),memdev=memory$node"
            -device "pxb-pcie,id=bus$node,bus_nr=$((64 * (node + 1))),bus=pcie.0,numa_node=$node"
        )
        [ "$node" -eq 0 ] || machine+=(-numa "dist,src=0,dst=$node,val=21")
    done
}

# Network devices, each on a port of its own so that it can be given away alone. Two of one guest on a wire share a hub; of two
# guests, each has a socket of datagrams, and the wire exists once both do.
nics_of() {
    local job=$1 name=$2 sockets=$3 line owner model wire node rest number=0 bus wires='' other
    while read -r line; do
        [ -n "$line" ] || continue
        number=$((number + 1)) node='' owner=$name
        read -r model wire rest <<<"$line"
        case $model in *:*) owner=${model%%:*} model=${model#*:} ;; esac
        [[ " $rest " != *' node='* ]] || node=${rest##*node=} node=${node%% *}
        rest=$(tr ' ' '\n' <<<"$rest" | grep -v '^node=' | grep . | sed 's/^/,/' | tr -d '\n' || true)
        [ "$owner" = "$name" ] || continue
        bus=pcie.0
        [ -z "$node" ] || bus=bus$node
        other=$(other_guest "$job" "$name" "$wire")
        if [ -n "$other" ]; then
            machine+=(-netdev "dgram,id=net$number,local.type=unix,local.path=$sockets/$wire.$name,remote.type=unix,remote.path=$sockets/$wire.$other")
        else
            [[ " $wires " == *" $wire "* ]] || wires+=" $wire"
            machine+=(-netdev "hubport,id=net$number,hubid=$(wc -w <<<"${wires%%" $wire"*} $wire")")
        fi
        machine+=(
            -device "pcie-root-port,id=port$number,bus=$bus,chassis=$number,slot=$number"
            -device "$model,bus=port$number,netdev=net$number,mac=$(printf '52:54:00:1a:b0:%02x' "$number")$rest"
        )
    done < <(job_key "$job" nic)
}

# The other guest that has a device on a wire, or nothing.
other_guest() {
    job_key "$1" nic | awk -v me="$2" -v wire="$3" '
        $2 == wire && split($1, part, ":") == 2 && part[1] != me { print part[1]; exit }'
}
