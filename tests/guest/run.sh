#!/usr/bin/env bash
# Run the test kernels under Paravane in QEMU, two at a time.
#
# Usage: tests/guest/run.sh [NAME...]      default: all of guests/tests, and the demo
#
# Each is run in both widths, where there is a kernel of 32 bits: that one is called NAME-32, and can be named alone.
#
# A test says "ok NAME" and "not ok NAME: why" for each thing tried, and last "verdict: success|skip|error|failure".  Each
# of these counts; a test without a verdict, or that ends in another way than expected, counts as one failure more.
# guests/tests/NAME/expect says how it ends: "poweroff" (default), "crash", or "any".  Whatever is expected, the
# hypervisor itself must survive.  guests/tests/NAME/options holds more options for `paravane run`,
# guests/tests/NAME/vcpus how many vCPUs the test needs, if not one, guests/tests/NAME/disks has a line for each empty
# disk that it is given: its size, with ",ro" behind it if it may not be written.
#
# Their time is virtual, so that nothing depends on how busy the machine is.
#
# The last line is "N passed, N failed", with ", N skipped" behind it if any were.  Logs: build/log/guest-NAME.log.
# Environment: PARAVANE_JOBS (default 2), PARAVANE_GUESTS (default build/guests: the kernels built by gcc; those of 32 bits
# lie beside them, where there is a 32 at the end), and the limits of tests/lib/limits.sh.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/limits.sh

jobs=${PARAVANE_JOBS:-2}
guests=${PARAVANE_GUESTS:-build/guests}
log=build/log
mkdir -p $log
run=$(mktemp -d "$log/.guest.XXXXXX")
trap 'rm -rf "$run"' EXIT

# What `paravane run` says by its exit code.
ending() { # STATUS
    case $1 in
    0) echo poweroff ;;
    3) echo crash ;;
    4) echo refusal ;;
    5) echo hypervisor ;;
    6) echo QEMU ;;
    124) echo timeout ;;
    *) echo "exit code $1" ;;
    esac
}

# disks NAME: make those on standard input, and write the options for them, a line each.
disks() {
    local size number=0 image
    while read -r size; do
        image=$run/.$1-$((number++)).img
        truncate -s "${size%,ro}" "$image" && echo "--disk=$image${size#"${size%,ro}"}"
    done
}

# perform NAME KERNEL: run it, write "passed failed skipped" to $run/NAME, say how it went.
perform() {
    local name=$1 kernel=$2 directory=guests/tests/${1%-32} out=$log/guest-$1.log
    local expect=poweroff options=() vcpus=1 status end passed failed skipped=0 verdict why=
    [ ! -f "$directory/expect" ] || read -r expect <"$directory/expect"
    [ ! -f "$directory/options" ] || read -r -a options <"$directory/options"
    [ ! -f "$directory/disks" ] || mapfile -t -O ${#options[@]} options < <(disks "$name" <"$directory/disks")
    [ ! -f "$directory/vcpus" ] || read -r vcpus <"$directory/vcpus"
    bounded build/cli/paravane run --timeout "$limit" --audit --memory 64M --vcpus "$vcpus" --cpus 1 "${virtual_time[@]}" \
        ${options[@]+"${options[@]}"} "$kernel" >"$out" 2>&1 </dev/null
    status=$?
    end=$(ending $status)
    passed=$(grep -acE '^ok ' "$out")
    failed=$(grep -acE '^not ok ' "$out")
    verdict=$(grep -aoE '^(verdict: (success|skip|error|failure)|demo: all [0-9]+ steps passed)' "$out" | tail -n 1)
    case $expect in
    any) case $end in poweroff | crash) passed=$((passed + 1)) ;; *) why="ended by $end" ;; esac ;;
    "$end")
        case $expect/$verdict in
        poweroff/"verdict: success" | crash/) [ "$expect" = poweroff ] || passed=$((passed + 1)) ;;
        poweroff/"demo: "*) passed=$((passed + 1)) ;;
        poweroff/"verdict: failure") ;;
        poweroff/"verdict: skip") skipped=1 ;;
        *) why=${verdict:-no verdict} ;;
        esac
        ;;
    *) why="ended by $end, expected $expect" ;;
    esac
    [ -z "$why" ] || failed=$((failed + 1))
    echo "$passed $failed $skipped" >"$run/$name"
    if [ "$failed" -ne 0 ]; then
        echo "FAILED guest/$name: $passed passed, $failed failed${why:+: $why}; see $out"
        grep -aE '^(not ok|error:|panic:)' "$out" | head -n 10
    elif [ $skipped -ne 0 ]; then
        echo "skipped guest/$name: $(grep -aE '^skipped:' "$out" | head -n 1)"
    else
        echo "ok guest/$name: $passed passed"
    fi
}

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for directory in guests/tests/*/; do
        name=$(basename "$directory")
        # Some are nothing alone: tests/several runs them.
        case $name in lib | channels | chaos | foreign | lend | netfront | pci | served | storm | uart) ;; *) names+=("$name") ;; esac
    done
    names+=(demo)
fi

# kernel_of NAME
kernel_of() {
    local under=$guests name=${1%-32}
    [ "$name" = "$1" ] || under=${guests}32
    case $name in demo) echo "$under/demo.elf" ;; *) echo "$under/tests/$name.elf" ;; esac
}

wanted=("${names[@]}") names=()
for name in "${wanted[@]}"; do
    if [ "${name%-32}" = "$name" ] && [ -f "$(kernel_of "$name-32")" ]; then
        [ ! -f "$(kernel_of "$name")" ] || names+=("$name")
        name+=-32
    fi
    names+=("$name")
done

for name in "${names[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
        wait -n
    done
    perform "$name" "$(kernel_of "$name")" &
done
wait

read -r passed failed skipped < <(cat "$run"/* 2>/dev/null | awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }')
[ "$(find "$run" -type f ! -name '.*' | wc -l)" -eq ${#names[@]} ] || failed=$((failed + 1))
echo "$passed passed, $failed failed$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")"
[ "$failed" -eq 0 ] && [ $((passed + skipped)) -ne 0 ]
