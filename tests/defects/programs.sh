# shellcheck shell=bash
# Sourced by run.sh: the test programs that a planted defect meets.  A program is called RING/NAME:
#
#   unit, lessons, sweep, parallel, model   of the engine: tests/RING/NAME.c, in the flavour `fast` (parallel: `tsan`)
#   recordings                              of the engine: runs that were recorded, tests/recordings/NAME.xz; `finds`: altered ones
#   hv                                      parts of the hypervisor, tests/hv/NAME.c, in the flavour `san`
#   threads                                 parts of it on threads, tests/threads/NAME.c, in the flavour `hv-tsan`
#   boot                                    runs of tests/boot/run.sh: the hypervisor's image in QEMU, without a guest
#   guest                                   guests/tests/NAME under the image in QEMU; NAME-32: as a 32-bit guest
#   backend                                 parts of the back end domain, tests/backend/NAME.c, in the flavour `san`
#   served                                  runs of tests/several with the back end's image in QEMU
#   page                                    the playground and the map in Chromium, tests/NAME
#
# A defect of the engine meets the rings of the engine, one of the back end the next to last two, one of a page the last,
# one of the hypervisor the others.

ENGINE_RINGS=(unit lessons sweep recordings parallel model)
HV_RINGS=(hv threads boot guest)
BACKEND_RINGS=(backend served)
PAGE_RINGS=(page)
NARROW=$(env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s --no-print-directory print-GUEST_NARROW)
BOOT_RUNS=(mb1-pc cpu-flags) # selftest=... of the image, and what it finds; the others differ in the machine around it

IMAGE=build/hv/paravane.elf
COMMAND=build/cli/paravane
REPLAY=build/replay/paravane-replay
BACKEND_IMAGE=build/backend/backend.elf
SERVED_RUNS=(net-pair net-hostile-1 disk-reboots disk-hostile)

# programs_of SIDE: all of them, by ring.
programs_of() {
    local ring source
    if [ "$1" = engine ]; then
        for ring in "${ENGINE_RINGS[@]}"; do
            if [ "$ring" = recordings ]; then
                for source in tests/recordings/*.xz; do echo "recordings/$(basename "$source" .xz)"; done
                echo recordings/finds
            fi
            for source in tests/"$ring"/*.c; do [ -e "$source" ] && echo "$ring/$(basename "$source" .c)"; done
        done
        return
    fi
    if [ "$1" = backend ]; then
        for source in tests/backend/test_*.c; do echo "backend/$(basename "$source" .c)"; done
        printf 'served/%s\n' "${SERVED_RUNS[@]}"
        return
    fi
    if [ "$1" = page ]; then
        printf 'page/%s\n' playground map
        return
    fi
    for source in tests/hv/test_*.c; do echo "hv/$(basename "$source" .c)"; done
    for source in tests/threads/test_*.c; do echo "threads/$(basename "$source" .c)"; done
    printf 'boot/%s\n' "${BOOT_RUNS[@]}"
    for source in guests/tests/*/; do
        source=$(basename "$source")
        case " lib served $NARROW " in *" $source "* | *" tests/$source "*) ;; *) echo "guest/$source" ;; esac
    done
    for source in $NARROW tests/exceptions tests/lessons tests/privileged; do echo "guest/${source#tests/}-32"; done
}

# target_of RING/PROGRAM: what of it depends on the sources under test.
target_of() {
    case $1 in
    parallel/*) echo "build/tsan/tests/$1" ;;
    hv/*) echo "build/hv-san/tests/$1" ;;
    threads/*) echo "build/hv-tsan/tests/$1" ;;
    boot/* | guest/*) echo $IMAGE ;;
    backend/*) echo "build/san/tests/$1" ;;
    served/*) echo $BACKEND_IMAGE ;;
    page/playground) echo build/playground/playground.html ;;
    page/map) echo build/map/map.html build/replay/paravane-replay ;;
    recordings/*) echo $REPLAY ;;
    *) echo "build/fast/tests/$1" ;;
    esac
}

# supplies_of RING/PROGRAM: what it needs besides, and no defect changes.
supplies_of() {
    local name
    case $1 in
    guest/*-32) name=${1#guest/} && echo "$COMMAND" "build/guests32/tests/${name%-32}.elf" ;;
    guest/blkfront) echo "$COMMAND" build/guests/tests/blkfront.elf $BACKEND_IMAGE ;;
    guest/*) echo "$COMMAND" "build/guests/tests/${1#guest/}.elf" ;;
    served/net-*) echo $IMAGE build/guests/tests/netfront.elf ;;
    served/*) echo $IMAGE build/guests/tests/blkfront.elf ;;
    page/map) echo "$COMMAND" build/hv/paravane-record.elf build/guests/demo.elf ;;
    esac
}

runs_in_qemu() { case $(target_of "$1") in "$IMAGE" | "$BACKEND_IMAGE") ;; *) return 1 ;; esac }

# command_of RING/PROGRAM LIMIT: sets $command, which ends after about LIMIT seconds of processor time.  The clock is
# patient, for the machine may be busy, which is no mistake that a test has noticed.
command_of() {
    local beside_stdbuf=verify_asan_link_order=0
    # What runs QEMU has such limits of its own for it (tests/lib/limits.sh).
    local qemu=(timeout -k 5 $((12 * $2)) env PARAVANE_JOBS=1 "PARAVANE_PROCESSOR_LIMIT=$2" "PARAVANE_TIMEOUT=$((10 * $2))"
        "PARAVANE_GUESTS=$base/build/guests")
    case $1 in
    guest/*) command=("${qemu[@]}" tests/guest/run.sh "${1#guest/}") ;;
    boot/*) command=("${qemu[@]}" tests/boot/run.sh "^${1#boot/}\$") ;;
    page/*) command=(timeout -k 5 $((12 * $2)) "tests/${1#page/}/run.sh") ;;
    served/*) command=("${qemu[@]}" tests/several/run.sh "^${1#served/}\$") ;;
    recordings/finds) command=(env "PARAVANE_PROCESSOR_LIMIT=$2" "PARAVANE_REPLAY=$REPLAY" tests/recordings/run.sh finds) ;;
    recordings/*) command=("$REPLAY" "tests/${1}.xz") ;;
    # Some of these compare with the processor itself, and handle its faults.
    hv/* | backend/*) command=(env "ASAN_OPTIONS=detect_stack_use_after_return=1:$beside_stdbuf" "$(target_of "$1")") ;;
    *) command=("$(target_of "$1")") ;;
    esac
    runs_in_qemu "$1" || [[ $1 == page/* ]] || command=(timeout --foreground -k 5 $((10 * $2)) prlimit "--cpu=$2" "${command[@]}")
}

# how_it_failed STATUS LOG: in a few words; nothing: it did not.
how_it_failed() {
    local test
    if grep -qa '^\[  FAILED  \]' "$2"; then
        sed -n 's/^\[  FAILED  \] //p' "$2" | head -n 1
    elif grep -qaE '^(FAIL|ERROR): ' "$2"; then # a test of a page
        sed -nE 's/^(FAIL|ERROR): (test_[a-z_0-9]*).*/\2/p' "$2" | head -n 1
    elif grep -qaE '^(not ok|FAILED) ' "$2"; then
        { grep -aE '^not ok ' "$2" || grep -a '^FAILED ' "$2"; } | head -n 1 | tr -d '\r' | cut -c 1-120
    elif grep -qaE '^[^ ]+ +FAILED: ' "$2"; then # a run of the image
        { grep -aoE 'selftest: .* does not hold: .*' "$2" || grep -aoE 'FAILED: [^;]*' "$2"; } | head -n 1 | tr -d '\r'
    elif [ "$1" -ne 0 ]; then
        test=$(sed -n 's/^\[ RUN      \] //p' "$2" | tail -n 1)
        case $1 in
        124 | 137) echo "$test (out of time)" ;;
        134) echo "$test (abort: $(tail -n 1 "$2" | cut -c 1-100))" ;;
        66) echo "$test ($(grep -aoE 'ThreadSanitizer: [a-z -]*[a-z]' "$2" | head -n 1))" ;;
        *) echo "$test ($(grep -aoE '(AddressSanitizer|runtime error): [a-z -]*[a-z]' "$2" | head -n 1 || echo "status $1"))" ;;
        esac
    fi
}

# run_program DIRECTORY RING/PROGRAM LIMIT LOG: 0 if it passes; else $failure says how it failed.
run_program() {
    local out=$4 pid command
    command_of "$2" "$3"
    exec {pipe}< <(cd "$1" && exec stdbuf -oL "${command[@]}" 2>&1 </dev/null)
    pid=$!
    sed -u '/^\[  FAILED  \]/q' <&"$pipe" >"$out" # the first failure is enough
    exec {pipe}<&-
    if grep -qa '^\[  FAILED  \]' "$out"; then kill "$pid" 2>/dev/null; fi
    wait "$pid" 2>/dev/null
    failure=$(how_it_failed $? "$out")
    [ -z "$failure" ]
}

# build DIRECTORY LOG TARGET...
build() {
    local directory=$1 out=$2
    shift 2
    make -k -C "$directory" "$@" >>"$out" 2>&1
}

# objects_from BASE FLAVOUR FILE...: the objects of the hosted parts into which the files go, as paths without a suffix.
objects_from() {
    local directory=$1/build/$2 file
    shift 2
    for file in "$@"; do
        (cd "$directory" && grep -rlF --include='*.d' " $file" . | sed 's|^\./||; s|\.d$||')
    done | sort -u
}

# hosted_from BASE RING FILE...: the programs of the ring (hv, backend) into which they go.
hosted_from() {
    local base=$1 ring=$2 flavour=san objects source
    shift 2
    [ "$ring" = backend ] || flavour=hv-san
    objects=$(objects_from "$base" "$flavour" "$@")
    for source in tests/"$ring"/test_*.c; do
        { echo "${source%.c}"; sed -n 's|^/\* links: \(.*\) \*/$|\1|p' "$source" | tr ' ' '\n' | sed 's|\.c$||'; } |
            grep -xFf <(echo "$objects") >/dev/null && echo "$ring/$(basename "$source" .c)"
    done
}
