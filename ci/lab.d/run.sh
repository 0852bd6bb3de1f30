# shellcheck shell=bash disable=SC2154
# Runs jobs: boots their guests, ends those that hang, keeps a log and a result of each. Sourced by ci/lab.
#
#   OUT/JOB/result.json      one object: see write_result
#   OUT/JOB/GUEST.log        all that the guest's console said
#   OUT/JOB/GUEST/           the guest's /lab, with what the job's script left there

guests=() sockets=''

# What a guest's kernel says only by a fault of the emulator: it changes its own code behind a trap (int3), as for each switch that
# is turned, and an emulated processor may still run the trap when it has gone.
stale_trap='Oops: int3'

# So many seconds a guest may take until its script begins; it takes five to ten. That one never gets so far is a fault of the
# emulator too: it may lose the timer of a processor.
comes_up_within=60

# Ends the guests that are still there, whatever ended this script. timeout passes the signal on to QEMU, and insists.
end_guests() {
    local pid
    for pid in ${guests[@]+"${guests[@]}"}; do kill "$pid" 2>/dev/null || true; done
    for pid in ${guests[@]+"${guests[@]}"}; do wait "$pid" 2>/dev/null || true; done
    guests=()
    [ -z "$sockets" ] || rm -rf "$sockets"
}

# The program under test: what was named, or a build of this tree, with all features that can be had.
find_bin() {
    if [ -z "$bin" ]; then
        need_build_tools
        need_features
        need_rust
        workspace_cargo build --package tickcert --locked --features "$features"
        bin=$(target_folder)/debug/tickcert
    fi
    [ -x "$bin" ] || misuse "$bin is no program"
    bin=$(cd "$(dirname "$bin")" && pwd)/$(basename "$bin")
}

find_out() {
    [ -n "$out" ] || out=${CARGO_TARGET_DIR:-$root/target}/lab
    mkdir -p "$out" || misuse "can't write to $out"
    out=$(cd "$out" && pwd)
}

# What keeps single jobs from running though there is a lab: by the job's name, a result and why.
declare -A obstacle=()

# Fetches and builds what the jobs need, before any of them runs.
prepare() {
    local job kind module release said
    for job in "$@"; do check_job "$job"; done
    have_programs
    find_qemu
    for job in "$@"; do
        kind=$(job_value "$job" kernel base)
        if [ "$kind" = base ]; then
            have_kernel base
        elif ! said=$( (have_kernel "$kind") 2>&1); then
            obstacle[$job]="skipped $(tail -n 1 <<<"$said")"
            continue
        fi
        release=$(unpacked_kernel "$kind")
        for module in $(job_key "$job" fixture); do
            said=$( (build_module "$module" "$release") 2>&1) || obstacle[$job]="failed $said"
        done
    done
}

# Makes a guest's folder and arguments: ready_guest JOB GUEST KERNEL FOLDER [APPEND].
ready_guest() {
    local folder=$4/$2
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "$lab_d/guest.sh" "$lab_d/certificates.sh" "$lab_d/hosts.sh" "$folder/"
    cp "$lab_d/jobs/$1" "$folder/job"
    machine_of "$1" "$2" "$3" "$folder" "$sockets" "${5:-}"
}

run_jobs() {
    local job pids=() status=0 began
    locked prepare "$@"
    find_accelerator "$(unpacked_kernel base)"
    began=$SECONDS
    printf 'QEMU %s on %s; logs and results in %s\n' "$qemu_version" "$accelerator" "$out"
    for job in "$@"; do
        while [ "$(jobs -pr | wc -l)" -ge "$at_once" ]; do wait -n || true; done
        if [ "$within" -gt 0 ] && [ $((SECONDS - began)) -ge "$within" ] && [ -z "${obstacle[$job]:-}" ]; then
            obstacle[$job]="skipped no job begins after $within s"
        fi
        (trap end_guests EXIT && trap 'exit 143' TERM && run_job "$job") &
        pids+=($!)
        guests+=($!)
    done
    for job in "${pids[@]}"; do wait "$job" || status=1; done
    guests=()
    printf '%d jobs in %d s\n' $# $((SECONDS - began))
    return "$status"
}

# Boots a job's guests, waits for them, and says what came of it in a line. Fails if the job did.
run_job() {
    local job=$1 folder=$out/$1 kernel name began timed_out='' aborted='' names try
    kernel=$(unpacked_kernel "$(job_value "$job" kernel base)")
    read -ra names <<<"$(job_value "$job" guests one)"
    guests=() sockets=$(mktemp -d)
    rm -rf "$folder"
    began=$(date +%s%3N)
    if [ -n "${obstacle[$job]:-}" ]; then
        mkdir -p "$folder"
        judge "$job" "$folder" "$kernel" 0 ''
        return
    fi
    for try in 1 2 3; do
        boot_guests
        if [ -z "$aborted" ] || [ "$try" -eq 3 ]; then break; fi
        # A fault of the emulator's own says nothing of what runs in it.
        printf '%-15s booted again, since its emulation broke down: %s\n' "$job" "$aborted"
    done
    for name in "${names[@]}"; do sed -i 's/\r//g' "$folder/$name.log" 2>/dev/null || true; done
    judge "$job" "$folder" "$kernel" "$(($(date +%s%3N) - began))" "$timed_out" "${names[@]}"
}

# Boots the guests of the job that its caller runs, and waits until all have ended; sets `timed_out` and `aborted`.
boot_guests() {
    local limit name number pid ended running clock
    limit=$(job_value "$job" limit 120) timed_out='' aborted='' guests=()
    rm -rf "$folder" "${sockets:?}"/*
    for name in "${names[@]}"; do
        ready_guest "$job" "$name" "$kernel" "$folder"
        timeout -k 5 "$limit" "${qemu_command[@]}" "${machine[@]}" -monitor none -serial "file:$folder/$name.log" \
            </dev/null >"$folder/$name.qemu" 2>&1 &
        guests+=($!)
    done
    running=("${guests[@]}")
    sleep "$comes_up_within" &
    clock=($!)
    guests+=("${clock[@]}")
    while [ ${#running[@]} -gt 0 ]; do
        ended=0
        wait -n -p pid "${running[@]}" ${clock[@]+"${clock[@]}"} || ended=$?
        if [ "$pid" = "${clock[0]:-}" ]; then
            clock=()
            all_up || end_running "it did not come up within $comes_up_within s"
            continue
        fi
        case $ended in
            124 | 137) timed_out=yes ;;
            134) aborted=$(grep -ash -m 1 Assertion "$folder"/*.qemu || echo 'QEMU aborted') ;;
        esac
        for number in "${!running[@]}"; do [ "${running[number]}" != "$pid" ] || unset "running[number]"; done
        for number in "${!names[@]}"; do
            # Nobody waits for a guest that died.
            if [ "${guests[number]}" = "$pid" ] && [ ! -e "$folder/${names[number]}/ended" ]; then end_running ''; fi
        done
    done
    end_clock
    guests=()
    # What it claimed before it came to that stands: a claim that failed is not tried once more.
    if [ -z "$timed_out" ] && grep -qsa "$stale_trap" "$folder"/*.log && ! ls "$folder"/*/failed >/dev/null 2>&1; then
        aborted=$(grep -ash -m 1 "$stale_trap" "$folder"/*.log | head -n 1)
    fi
    [ "$accelerator" != kvm ] || aborted=''
}

# Whether each guest of the caller has begun its script.
all_up() {
    local name
    for name in "${names[@]}"; do grep -qsa LAB-READY "$folder/$name.log" || return 1; done
}

# Ends those guests of the caller that still run, since its emulation has done this, or for another reason.
end_running() {
    local guest
    aborted=${1:-$aborted}
    for guest in ${running[@]+"${running[@]}"}; do kill "$guest" 2>/dev/null || true; done
}

end_clock() {
    [ ${#clock[@]} -gt 0 ] || return 0
    kill "${clock[@]}" 2>/dev/null || true
    wait "${clock[@]}" 2>/dev/null || true
}

lines_of() { if [ -e "$1" ]; then wc -l <"$1"; else echo 0; fi; }

# Reads what the guests left: judge JOB FOLDER KERNEL MILLISECONDS TIMED_OUT GUEST...
judge() {
    local job=$1 folder=$2 kernel=$3 milliseconds=$4 timed_out=$5 name result=passed why='' kept=0 failed=0 silent=() statuses='' seconds
    shift 5
    for name in "$@"; do
        kept=$((kept + $(lines_of "$folder/$name/kept")))
        failed=$((failed + $(lines_of "$folder/$name/failed")))
        [ -e "$folder/$name/ended" ] || silent+=("$name")
        case $(cat "$folder/$name/ended" 2>/dev/null) in 0 | '') ;; *) statuses+=" $(<"$folder/$name/ended")" ;; esac
        [ ! -e "$folder/$name/skipped" ] || result=skipped why=$(cat "$folder/$name/skipped")
    done
    if [ -n "${obstacle[$job]:-}" ]; then
        result=${obstacle[$job]%% *} why=${obstacle[$job]#* }
    elif [ "$failed" -gt 0 ]; then
        result=failed why="$failed of $((kept + failed)) claims: $(cat "$folder"/*/failed | head -n 3 | paste -sd ';')"
    elif [ ${#silent[@]} -gt 0 ]; then
        result=failed why="no end of the guest: ${silent[*]}${aborted:+; $aborted}$(for name in "${silent[@]}"; do tail -n 1 "$folder/$name.qemu" 2>/dev/null; done | sed 's/^/; /')"
    elif [ -n "$statuses" ]; then
        result=failed why="the script ended with status$statuses"
    elif [ "$result" = passed ] && [ "$kept" -eq 0 ]; then
        result=failed why='nothing was claimed'
    fi
    if [ -n "$timed_out" ]; then result=timed-out why="ended after $(job_value "$job" limit 120) s${why:+; $why}"; fi
    seconds=$((milliseconds / 1000)).$((milliseconds % 1000 / 100))
    write_result >"$folder/result.json"
    printf '%-15s %-9s %6s s  %s\n' "$job" "$result" "$seconds" "$(head -n 1 <<<"${why:-$kept claims}")"
    case $result in passed | skipped) return 0 ;; esac
    for name in "$@"; do
        printf '    the end of %s:\n' "$folder/$name.log"
        tail -n 30 "$folder/$name.log" "$folder/$name.qemu" 2>/dev/null | sed 's/^/    | /' || true
    done
    return 1
}

json_text() {
    local text=${1//\\/\\\\}
    text=${text//\"/\\\"}
    printf '"%s"' "$(tr '\n\t' '  ' <<<"$text" | tr -d '\000-\037' | sed 's/ *$//')"
}

write_result() {
    printf '{"job": "%s", "result": "%s", "why": %s, "claims_kept": %d, "claims_failed": %d, "seconds": %s, "accelerator": "%s", "kernel": "%s", "qemu": %s, "evidence": "emulated"}\n' \
        "$job" "$result" "$(json_text "$why")" "$kept" "$failed" "$seconds" "$accelerator" "$kernel" "$(json_text "$qemu_version")"
}

# A prompt in a guest that has a job's devices; its script lies in /lab/job.
run_shell() {
    local job=$1 kernel
    locked prepare "$job"
    kernel=$(unpacked_kernel "$(job_value "$job" kernel base)")
    find_accelerator "$(unpacked_kernel base)"
    sockets=$(mktemp -d)
    local names
    read -ra names <<<"$(job_value "$job" guests one)"
    ready_guest "$job" "${names[0]}" "$kernel" "$out/shell" lab.shell
    printf 'A guest with the devices of %s; Ctrl-A X ends it\n' "$job"
    "${qemu_command[@]}" "${machine[@]}" -serial mon:stdio
}
