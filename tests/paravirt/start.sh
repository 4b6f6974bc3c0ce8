# shellcheck shell=bash
# Three ways to start the kernel that runs both ways; sourced by the scripts here.
#
# Each takes a log file, the kernel, its command line and options for QEMU, and runs until the kernel ends; the console
# is in the log.  Status 0: it ended by itself, as success; 1: as failure; 124, 152: not in time (tests/lib/limits.sh).

. tests/lib/limits.sh
qemu=${PARAVANE_QEMU:-qemu-system-x86_64}

start_native() { # LOG KERNEL CMDLINE [QEMU-OPTION...]
    local out=$1 kernel=$2 cmdline=$3
    shift 3
    bounded "$qemu" -display none -nodefaults -serial stdio -no-reboot -cpu max -m "${memory:-48M}" \
        -device isa-debug-exit,iobase=0xf4,iosize=0x04 -kernel "$kernel" -append "$cmdline" "$@" >"$out" 2>&1 </dev/null
    local status=$?
    case $status in 33) return 0 ;; 124 | 152) return $status ;; *) return 1 ;; esac
}

start_paravane() { # LOG KERNEL CMDLINE [QEMU-OPTION...]
    local out=$1 kernel=$2 cmdline=$3 options=()
    shift 3
    for option in "$@"; do options+=("--qemu-arg=$option"); done
    bounded build/cli/paravane run --timeout "$limit" --memory "${memory:-48M}" \
        --cmdline "$cmdline" ${options[@]+"${options[@]}"} "$kernel" >"$out" 2>&1 </dev/null
}

# Debian's Xen: PARAVANE_XEN, or where tools/fetch-linux puts it, or as installed; packed or not.  May find none.
find_xen() {
    local candidate
    for candidate in ${PARAVANE_XEN:-} build/linux/xen.gz /boot/xen-*.gz; do
        if [ -e "$candidate" ]; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

# Xen does not end the run when its first domain has ended: the kernel's last line does.
start_xen() { # LOG KERNEL CMDLINE [QEMU-OPTION...]
    local out=$1 kernel=$2 cmdline=$3 image status=124 machine deadline=$((SECONDS + limit))
    shift 3
    image=$(mktemp)
    gzip -dcf "$(find_xen)" >"$image"
    "$qemu" -display none -nodefaults -serial stdio -no-reboot -cpu max,-smap -m 256M -kernel "$image" \
        -initrd "$kernel $cmdline" \
        -append "com1=115200,8n1 console=com1 dom0_mem=${memory:-48M} noreboot spec-ctrl=no xpti=no" \
        "$@" >"$out" 2>&1 </dev/null &
    machine=$!
    while [ $SECONDS -lt $deadline ] && kill -0 $machine 2>/dev/null; do
        if grep -aq '^verdict: success' "$out"; then
            status=0
            break
        elif grep -aqE '^(verdict: failure|panic:)|Hardware Dom0 (halted|crashed|shutdown)' "$out"; then
            status=1
            ! grep -aq '^verdict: success' "$out" || status=0 # said since the first look
            break
        fi
        sleep 0.5
    done
    kill $machine 2>/dev/null
    wait $machine 2>/dev/null
    rm -f "$image"
    return $status
}
