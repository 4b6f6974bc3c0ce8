#!/usr/bin/env bash
# The `paravane` command from outside: each kind of broken input with its message and exit code, the run with a stand-in
# for QEMU and with QEMU itself, and the unit tests.
#
# Usage: tests/cli/run.sh [PATTERN]      only the tests whose name matches the extended regular expression
#
# The last line is "N passed, N failed", with ", N skipped" behind it if any were.  `make test-cli` builds
# what is needed.  Environment:
#   PARAVANE_TEST_KERNELS   a directory with real kernels, beside those that are installed: vmlinuz*, grub-*-xen*.bin
# and the limits of tests/lib/limits.sh for one test.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

. tests/lib/limits.sh
pattern=${1:-}
paravane=$PWD/build/cli-san/paravane
fake=$PWD/tests/cli/fake-qemu
[ -x "$paravane" ] || { echo "tests/cli/run.sh: there is no build/cli-san/paravane: \`make test-cli\` builds what is needed" >&2; exit 1; }
unset PARAVANE_LIB PARAVANE_QEMU
export LC_ALL=C ASAN_OPTIONS=detect_leaks=1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work/tmp FAKE_PIDS=$work/pids FAKE_SEEN=$work/err
mkdir "$TMPDIR"
passed=0 failed=0 skipped=0

# A process that has ended but that nobody has asked about counts as gone.
is_alive() {
    local state
    state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null)
    [ -n "$state" ] && [ "${state:0:1}" != Z ]
}

# verdict NAME WHY: WHY is empty if it passed.  Each test must leave nothing behind.
verdict() {
    local why=$2 left pid
    left=$(ls -A "$TMPDIR" 2>/dev/null)
    [ -z "$left" ] || { why="$why; left in TMPDIR: $left"; rm -rf "${TMPDIR:?}"/*; }
    if [ -e "$FAKE_PIDS" ]; then
        while read -r pid; do
            # The one that was killed may need a moment to be gone.
            for _ in {1..300}; do is_alive "$pid" && sleep 0.1; done
            is_alive "$pid" && why="$why; QEMU is left behind"
        done <"$FAKE_PIDS"
        rm -f "$FAKE_PIDS"
    fi
    if [ -z "$why" ]; then
        passed=$((passed + 1))
        printf '%-34s passed\n' "$1"
    else
        failed=$((failed + 1))
        printf '%-34s FAILED: %s\n' "$1" "${why#; }"
        sed 's/^/    | /' "$work/out" "$work/err" | tail -n 40
    fi
}

# judge NAME STATUS WANTED TEXT...: each TEXT, a regular expression, must be in stdout or stderr; with "!" in front in
# neither.
judge() {
    local name=$1 status=$2 wanted=$3 text why=''
    shift 3
    [ "$status" -eq "$wanted" ] || why="status $status instead of $wanted"
    for text in "$@"; do
        if [ "${text#!}" != "$text" ]; then
            ! grep -qE -e "${text#!}" "$work/out" "$work/err" || why="$why; should not be there: ${text#!}"
        else
            grep -qE -e "$text" "$work/out" "$work/err" || why="$why; nothing like: $text"
        fi
    done
    verdict "$name" "$why"
}

# expect NAME WANTED TEXT... -- ARGUMENT...: paravane with these arguments; stdin is $input, empty if not set
input=/dev/null
expect() {
    local name=$1 wanted=$2 texts=()
    shift 2
    while [ "$1" != -- ]; do texts+=("$1"); shift; done
    shift
    [[ $name =~ $pattern ]] || return 0
    bounded "$paravane" "$@" <"$input" >"$work/out" 2>"$work/err"
    judge "$name" $? "$wanted" ${texts[@]+"${texts[@]}"}
}

# with WORDS expect ...: by the stand-in for QEMU, which does what WORDS say
with() {
    local words=$1
    shift
    FAKE_QEMU=$words PARAVANE_QEMU=$fake PARAVANE_LIB=$work/lib "$@"
}

skip() {
    [[ $1 =~ $pattern ]] || return 0
    skipped=$((skipped + 1))
    printf '%-34s skipped: %s\n' "$1" "$2"
}

mkdir "$work/lib"
touch "$work/lib/paravane.elf" "$work/lib/paravane-record.elf"
elf() { tests/cli/make-elf "$work/$1" "${@:2}" || exit 1; }
elf good
cp "$work/good" "$work/lib/demo.elf"
printf 'the first process' >"$work/lib/first"
good=$work/good

# ---- Help and wrong use.
expect no-arguments 2 'Usage: paravane COMMAND' --
expect help 0 'inspect KERNEL' 'Exit codes' 'Examples' -- --help
expect version 0 '^paravane [0-9a-z]' -- --version
expect no-such-command 2 'fly: no such command' -- fly
expect option-before-command 2 '^paravane: --demo: a command comes first' -- --demo run
expect run-help 0 'Exit codes: 0 each guest' '--timeout' 'PARAVANE_QEMU' 'Examples' -- run --help
expect image-help 0 'Exit codes: 0 the image is there' '--on-failure' 'grub-efi-amd64-bin' 'Examples' -- image --help
expect inspect-help 0 'Exit codes: 0 it would boot' 'Examples' -- inspect --help
# An example that is wider than the help is broken up, and cannot be copied.
for command in run replay map image list set inspect decode; do
    [[ $command-examples =~ $pattern ]] || continue
    examples=$("$paravane" "$command" --help | sed '1,/^Examples:$/d')
    verdict "$command-examples" "$([ -n "$examples" ] || echo none; grep -m 1 '^[^ ]' <<<"$examples")"
done
expect run-no-kernel 2 'which kernel' -- run
expect command-several 2 'a command is for one guest' -- run --guest a "$good" --guest b "$good" -- true
expect command-demo 2 'with a KERNEL that is a Linux' -- run --demo -- true
expect command-privileged 2 'no xenstore .*leave --privileged out' -- run --privileged "$good" -- true
expect command-image 2 'tells nobody how a command ended' -- image --output "$work/none.img" "$good" -- true
expect run-two-kernels 2 'one kernel at a time' -- run a b
expect run-demo-and-kernel 2 'leave .* out' -- run --demo "$good"
expect decode-help 0 'Exit codes: 0 it can be stored' '--narrow' 'Examples' -- decode --help
expect inspect-no-kernel 2 'which kernel' -- inspect
expect inspect-two-kernels 2 'one kernel at a time' -- inspect a b
expect inspect-empty-name 2 'the name of the kernel is empty' -- inspect ''
expect run-empty-name 2 'the name of the kernel is empty' -- run ''
expect ramdisk-empty-name 2 'the name of the ramdisk is empty' -- run --ramdisk '' "$good"
expect unknown-option 2 "unrecognized option '--fast'" -- run --fast "$good"
expect bad-memory 2 '--memory 12Q: not a size' -- run --memory 12Q "$good"
expect zero-memory 2 '--memory 0: not a size' -- run --memory 0 "$good"
expect uneven-memory 2 'whole pages' -- run --memory 4099K "$good"
expect bad-maxmem 2 '--maxmem 12Q: not a size' -- run --maxmem 12Q "$good"
expect small-maxmem 2 'a: --maxmem is less than the memory that it begins with' -- \
    run --maxmem 64M --guest a --memory 65M "$good"
expect bad-vcpus 2 'not a number' -- run --vcpus one "$good"
expect no-vcpus 2 '--vcpus 0: not a number from 1 to 32' -- run --vcpus 0 "$good"
expect fewer-vcpus 2 '--vcpus 3,max=2: not a number' -- run --vcpus 3,max=2 "$good"
expect odd-vcpus 2 '--vcpus 1,most=2: not a number' -- run --vcpus 1,most=2 "$good"
expect too-many-vcpus 2 '--vcpus 1,max=33: not a number' -- run --vcpus 1,max=33 "$good"
expect many-vcpus 2 '--vcpus 33: not a number from 1 to 32' -- run --vcpus 33 "$good"
for list in '' x 64 3-2 1, ,1 1- 0-64 '1,^1' 1-2-3 100; do
    expect "bad-pin-$list" 2 "--pin $(printf %s "$list" | sed 's/\^/\\^/'): not a list of processors up to 63" -- run --pin "$list" "$good"
done
expect pin-nowhere 2 'a: --pin names none of the 2 processors that --cpus gives' -- run --cpus 2 --guest a --pin 2-3 "$good"
expect bad-cpus 2 '--cpus 65: not a number from 1 to 64' -- run --cpus 65 "$good"
expect bad-timeout 2 '--timeout -3: not a number' -- run --timeout -3 "$good"
expect bad-gdb 2 '--gdb=65536: not a port from 1 to 65535' -- run --gdb=65536 "$good"
expect bad-seed 2 '--seed xyz: not a number' -- run --seed xyz "$good"
expect zero-seed 2 '--seed 0x00: not a number .* other than 0' -- run --seed 0x00 "$good"
expect long-seed 2 'up to 16 hexadecimal' -- run --seed 12345678123456781 "$good"
expect bad-machine 2 'not one of pc, q35, microvm' -- run --machine vax "$good"
expect bad-format 2 '--explain=xml: not one of text, json' -- run --explain=xml "$good"
expect long-cmdline 2 '1024 characters, and a guest takes at most 1023' -- \
    run --cmdline "$(printf '%01024d' 0)" "$good"

# ---- Several guests on the command line.
expect guest-bad-name 2 '--guest a b: a name has 1 to 31 letters' -- run --guest 'a b' "$good"
expect guest-empty-name 2 '--guest : a name has' -- run --guest '' "$good"
expect guest-long-name 2 'a name has 1 to 31' -- run --guest "$(printf '%032d' 0)" "$good"
expect guest-option-for-name 2 '--guest --demo: a name has .* no hyphen in front' -- run --guest --demo
expect guest-twice 2 '--guest a: there are two of that name' -- run --guest a "$good" --guest a "$good"
expect guest-no-kernel 2 'b: which kernel' -- run --guest a "$good" --guest b
expect guest-two-kernels 2 'one kernel at a time' -- run --guest a "$good" "$good"
expect guest-demo-and-kernel 2 'b: --demo brings its kernel along' -- run --guest a --demo --guest b "$good" --demo
expect guest-long-cmdline 2 'b: --cmdline: 1024 characters' -- \
    run --guest a "$good" --guest b --cmdline "$(printf '%01024d' 0)" "$good"
for option in --timeout=1 --verbose --explain --explain=json --audit --seed=1 --machine=q35 --gdb --qemu-arg=-S; do
    expect "guest-inside$option" 2 "${option%%=*} is about the whole run: say it before the first --guest" -- \
        run --guest a "$good" $option
done
expect guest-privileged 2 'c: --privileged: one guest can be the initial domain, and a is; say it behind one --guest only' -- \
    run "$good" --guest a --privileged --guest b --guest c --privileged
expect guest-memory 2 'more than 16T of memory together' -- run --memory 10T --guest a "$good" --guest b "$good"
expect guest-maxmem 2 'more than 16T of memory together' -- \
    run --maxmem 10T --guest a "$good" --guest b "$good"
expect guest-on-reboot 2 '--on-reboot twice: say restart or destroy' -- run --on-reboot twice "$good"
expect guest-weight 2 '--weight 65536: not a number from 1 to 65535' -- run --guest a --weight 65536 "$good"
expect guest-no-weight 2 '--weight 0: not a number' -- run --weight 0 "$good"
one=01234567-89ab-cdef-0123-456789abcdef
expect guest-uuid 2 '--uuid 1: not of the form' -- run --uuid 1 "$good"
expect guest-long-uuid 2 '--uuid 0.*0: not of the form' -- run --uuid ${one}0 "$good"
expect guest-no-uuid 2 'or zeroes alone' -- run --uuid 00000000-0000-0000-0000-000000000000 "$good"
expect guest-two-uuids 2 "b: uuid $one: a has it already" -- run --guest a --uuid $one "$good" --guest b --uuid ${one^^} "$good"
many=() && for i in {1..17}; do many+=(--guest "g$i"); done
expect guest-seventeen 2 '--guest g17: one too many; at most 16' -- run --demo "${many[@]}"

expect console-no-file 2 '--console a: say NAME=FILE' -- run --console a --guest a "$good"
expect console-empty-file 2 '--console a=: say NAME=FILE' -- run --console a= --guest a "$good"
expect console-no-guest 2 '--console b=x: there is no guest of that name' -- run --console b=x --guest a "$good"
expect console-no-guests 2 'there is no guest of that name; --guest NAME begins one' -- run --console good=x "$good"
expect console-twice 2 "--console a=y: that guest's console is in x already" -- run --console a=x --console a=y --guest a "$good"
expect console-inside-guest 2 '--console is about the whole run' -- run --guest a "$good" --console a=x
with '' expect console-unwritable 1 '--console: /nowhere/a cannot be written: No such file' -- \
    run --console a=/nowhere/a --guest a "$good"
with '' expect console-same 2 '--console: .*/./same is the file of a already; name another one for b' -- \
    run --console "a=$work/same" --console "b=$work/./same" --guest a "$good" --guest b "$good"
with '' expect console-nothing 0 '^paravane: a: was still' '!already' -- \
    run --console a=/dev/null --console b=/dev/null --guest a "$good" --guest b "$good"
cp "$good" "$work/kept-kernel"
spared='kept-kernel is a kernel, ramdisk or disk of this run'
with '' expect console-over-kernel 2 "$spared" -- \
    run --console "a=$work/kept-kernel" --guest a "$good" --guest b "$work/kept-kernel"
with '' expect console-over-ramdisk 2 "$spared" -- \
    run --console "a=$work/kept-kernel" --guest a "$good" --ramdisk "$work/kept-kernel"
if [[ console-over-kernel =~ $pattern ]]; then
    cmp "$good" "$work/kept-kernel" >"$work/out" 2>"$work/err"
    judge console-kernel-kept $? 0
fi
if [[ console-no-reader =~ $pattern ]]; then
    mkfifo "$work/no-reader"
    with '' expect console-no-reader 1 'nobody reads from that pipe; start its reader first' -- \
        run --console "a=$work/no-reader" --guest a "$good"
fi

# ---- Whatever was printed has arrived, or the exit code says that it has not.
for words in '--help' '--version' 'run --help' 'run --usage' 'inspect --help' "inspect $good" 'decode entry 1'; do
    name=full-disk-$(tr -d / <<<"${words%% /*}" | tr ' ' '-')
    [[ $name =~ $pattern ]] || continue
    # shellcheck disable=SC2086
    bounded "$paravane" $words >/dev/full 2>"$work/err"
    status=$?
    : >"$work/out"
    judge "$name" $status 1 '^paravane: stdout cannot be written: No space left on device$'
    [ "$(wc -l <"$work/err")" -eq 1 ]
    judge "$name-once" $? 0
done

# ---- On terminals of any kind.
on_a_terminal() { # NAME WANTED TEXT... -- COMMAND...
    local name=$1 wanted=$2 texts=()
    shift 2
    [[ $name =~ $pattern ]] || return 0
    while [ "$1" != -- ]; do texts+=("$1") && shift; done
    bounded tests/cli/terminal '' env "${@:2}" >"$work/out" 2>"$work/err"
    judge "$name" $? "$wanted" "${texts[@]}"
}
red=$(printf '\033')'\[31m'
on_a_terminal colour 2 "$red" -- TERM=linux NO_COLOR= "$paravane" fly
on_a_terminal no-colour 2 "!$red" 'no such command' -- TERM=linux NO_COLOR=1 "$paravane" fly
on_a_terminal dumb 2 "!$red" 'no such command' -- TERM=dumb NO_COLOR= "$paravane" fly
# What lets a reader wait longer than its patience is a pipe.
slow='stty cols $0; { sleep 3; echo; } | "$@"'
on_a_terminal progress-wide 2 'reading the kernel \.\.\.' -- sh -c "$slow" 80 "$paravane" inspect /dev/stdin
on_a_terminal progress-narrow 2 'reading t' '!reading the' -- sh -c "$slow" 20 "$paravane" inspect /dev/stdin

# ---- Files that are no kernels, or not good ones.
printf 'hello\n' >"$work/text"
head -c 70 "$good" >"$work/header-only"
head -c 4500 "$good" >"$work/cut"
gzip -c "$good" >"$work/good.gz"
head -c 100 "$work/good.gz" >"$work/cut.gz"
for kind in nonotes pvh overlap overrun arm i386 dom0 big; do elf $kind $kind; done
# The same for both commands: inspect reports, run refuses before anything is started.
both() { # NAME STATUS TEXT FILE
    expect "inspect-$1" "$2" "$3" -- inspect "$4"
    with 'error=QEMU_must_not_be_started' expect "run-$1" "$2" "$3" '!QEMU must not be' -- run "$4"
}
both no-file 2 'cannot be opened: No such file' "$work/nothing"
both directory 2 'a directory, where a file is wanted' "$work"
both text 2 "not a kernel: neither an ELF file.*a disk's image is booted by .paravane run --disk $work/text" "$work/text"
both empty 2 'not a kernel: neither an ELF file' /dev/null
both no-notes 4 'not a Xen guest: it has no notes' "$work/nonotes"
both pvh-only 4 'a PVH guest, not a PV guest' "$work/pvh"
both overlap 4 'Segments 0 and 1 overlap: 0x100000-0x110000 and 0x108000-0x109000' "$work/overlap"
both overrun 4 'file is incomplete: segment 1 is 20480 bytes at byte 4096, but the file has 8192' "$work/overrun"
both truncated 4 'file is incomplete: segment 0' "$work/cut"
both truncated-headers 4 'table of segments lies beyond its end' "$work/header-only"
both truncated-gzip 4 'damaged or incomplete' "$work/cut.gz"
both other-machine 4 'for another processor' "$work/arm"
expect inspect-32-bit 0 'class +32-bit x86' 'virt base +0xc0000000' 'would boot$' -- inspect "$work/i386"
both initial-domain 4 'Start it with --privileged' "$work/dom0"
# Root reads everything, so that there has to be somebody else.
if [ "$(id -u)" -eq 0 ]; then
    chmod 711 "$work" && cp "$good" "$work/secret" && chmod 000 "$work/secret"
    if [[ unreadable =~ $pattern ]] && command -v setpriv >/dev/null &&
        setpriv --reuid 65534 --clear-groups test -x "$paravane" 2>/dev/null; then
        setpriv --reuid 65534 --clear-groups "$paravane" inspect "$work/secret" >"$work/out" 2>"$work/err"
        judge unreadable $? 2 'cannot be opened: Permission denied'
    else
        skip unreadable 'no other user can run the command here'
    fi
else
    cp "$good" "$work/secret" && chmod 000 "$work/secret"
    expect unreadable 2 'cannot be opened: Permission denied' -- inspect "$work/secret"
fi

# ---- inspect.
expect inspect-good 0 'kind +ELF file' 'class +64-bit x86-64' 'virt base +0xffffffff80000000' \
    'entry +0xffffffff80100000' 'memory +at least 4 MiB' '    LOADER +generic' 'notes +from PT_NOTE' \
    'verdict +would boot$' -- inspect "$good"
expect inspect-gzip 0 'compression +gzip' 'verdict +would boot$' -- inspect "$work/good.gz"
if [[ inspect-full-disk =~ $pattern ]]; then
    : >"$work/out"
    "$paravane" inspect "$good" >/dev/full 2>"$work/err"
    judge inspect-full-disk $? 1 'stdout cannot be written: No space left'
fi

# ---- decode.  What the engine makes of entries, against numbers worked out by hand: present 1, writable 2, user 4, PWT 8,
# PCD 10, accessed 20, dirty 40, PAT or PSE 80, global 100, the kernel's mark bit 52.
decode() { # NAME STATUS TEXT... -- ENTRY OPTION...
    local name=$1 status=$2 texts=()
    shift 2
    while [ "$1" != -- ]; do texts+=("$1"); shift; done
    expect "decode-$name" "$status" "${texts[@]}" -- decode entry "${@:2}"
}
decode user 0 '^0x8000000012345067: an L1 entry of a 64-bit guest' '^  frame +0x12345 ' '^  NX +1 ' '^  G +0 +not global' \
    '^  memory +0 +write-back$' "^ +RAM +stored as 0x8000000012345167 \+G$" \
    "^ +device memory, by a guest that has it +stored as 0x800000001234517f \+PWT \+PCD \+G$" \
    '^ +no RAM, .* -EPERM, NOT_RAM: ' 'The table that it stands in: -EBUSY, SELF_MAP' \
    "^  Another page table or descriptor table of the guest's own: -EBUSY, TYPE_CONFLICT\.$" -- 0x8000000012345067 --level 1
decode kernel 0 'stored as 0x0010000012345067 \+USER \+KERNEL$' -- 12345063 --level 1
decode read-only 0 'may use its own as anything' '!TYPE_CONFLICT' '!SELF_MAP' -- 0x12345061 --level=1
decode narrow 0 "^ +RAM +stored as 0x0000000012345063$" '!KERNEL' -- 12345063 -n -l 1
decode types 0 "^ +RAM +-EINVAL, CACHE_FLAGS: only a domain" 'RAM, by a guest that has device memory +stored as 0x0000000012345177 ' \
    '^ +a shared frame, .* -EACCES, CACHE_FLAGS_SHARED' 'memory +2 +uncached unless an MTRR' -- 12345077 -l 1
decode combining 0 "^ +device memory, by a guest that has it +stored as 0x00100000123450e7$" 'memory +4 +write-combining' -- \
    00100000123450e7 -l 1
decode all-ones 4 "^ +device memory, by a guest that has it +-EINVAL, NO_SUCH_FRAME" -- 0x000ffffffffff001 -l 1
decode large-page 4 'PSE +1 ' "^ +RAM +-EINVAL, BAD_FLAGS: " '!stored as' -- 12345081 --level 2
decode narrow-l3 4 '-EINVAL, BAD_FLAGS' '!stored as' -- 8000000012345061 --narrow --level 3
decode narrow-l3-rights 0 'stored as 0x0000000012345027 \+RW \+USER$' -- 12345021 --narrow --level 3
decode l4 0 'stored as 0x0000000012345025 \+USER \+A$' 'SELF_MAP, unless the guest may have linear tables\.$' \
    'in another use than as an L3 table: -EINVAL, TYPE_CONFLICT' -- 12345001 --level 4
decode absent 0 'without the L1TF flaw +stored as 0x0000000012345066$' 'one with the flaw.* -EINVAL, L1TF: ' -- 12345066 --level 1
decode swapped 0 'one with the flaw.* stored as 0x0000000000000f66$' '!L1TF:' -- f66 --level 1
decode levels 0 'frame 0x8bc, in a 64-bit' '^  L1  P RW USER A D$' '^  L4  P RW USER A D$' 'an L3 table' \
    'SELF_MAP, unless the guest may have linear tables, and the entry were read-only\.$' 'SELF_MAP\.$' -- 00000000008bc067
decode levels-narrow 0 '^  L3  ' '!^  L4' -- 8bc067 --narrow
decode none 2 'which entry' --
decode word 2 '12345z: not a number of up to 16 hexadecimal digits' -- 12345z
decode prefix 2 '0x: not a number' -- 0x
decode empty 2 ': not a number' -- ''
decode long 2 '10000000000000000: not a number' -- 0x10000000000000000
decode minus 2 '-?1' -- -1
decode two 2 'one entry at a time: 2 is one too many' -- 1 2
decode level-5 2 '--level 5: not a number from 1 to 4' -- 1 --level 5
decode level-0 2 '--level 0: not a number from 1 to 4' -- 1 --level 0
decode level-word 2 '--level two: not a number from 1 to 4' -- 1 --level two
decode level-narrow 2 '--level 4: a 32-bit guest has tables of levels 1 to 3' -- 1 --narrow --level 4
decode level-narrow-first 2 '--level 4: a 32-bit guest has' -- 1 --level 4 --narrow
expect decode-what 2 'descriptor: say .paravane decode entry HEX.' -- decode descriptor 1
expect decode-nothing 2 'which entry' -- decode

# ---- Memory.
head -c 20M /dev/zero >"$work/ramdisk"
with '' expect too-little-memory 4 'kernel .65 MiB .* does not fit into 32 MiB' 'Say --memory 76M or more' -- \
    run --memory 32M "$work/big"
with '' expect enough-memory 0 'powered off' -- run --memory 68M "$work/big"
with '' expect ramdisk-too-large 4 'kernel .* and the ramdisk .20 MiB. do not fit into 16 MiB' \
    'Say --memory 67M or more' -- run --memory 16M --ramdisk "$work/ramdisk" "$good"
with '' expect ramdisk-fits 0 'powered off' -- run --memory 24M --ramdisk "$work/ramdisk" "$good"
with '' expect ramdisk-missing 2 'nothing: cannot be opened' -- run --ramdisk "$work/nothing" "$good"

with '' expect too-much-memory 4 '2097152 MiB is more memory than this kernel has addresses for' -- run --memory 2T "$good"

# ---- Names.
mkdir "$work/a b" "$work/a,b"
for dir in "a b" "a,b"; do
    TMPDIR=$work/$dir with '' expect "tmpdir-${dir/ /_}" 1 'no name with a comma or a space' '!powered off' -- run "$good"
done
escape=$work/$(printf 'k\033[31mk')
cp "$good" "$escape"
expect name-inspect 0 'k\\x1b\[31mk$' '!'$'\033' -- inspect "$escape"
elf needs-escape escape
expect feature-inspect 4 'the feature "k\?\[31m\?k"' '!'$'\033' -- inspect "$work/needs-escape"
expect feature-run 4 'the feature "k\?\[31m\?k"' '!'$'\033' -- run "$work/needs-escape"
elf remarks remarks
expect remarks-inspect 4 'would not boot' 'the feature "warp"' -- inspect "$work/remarks"
expect name-missing 2 'k\\x1b\[31mno: cannot be opened' '!'$'\033' -- inspect "$work/$(printf 'k\033[31mno')"
with '' expect name-run 0 'powered off' '!'$'\033' -- run --verbose --ramdisk "$escape" "$good"

# ---- Progress, where it takes long.
if [[ progress =~ $pattern ]]; then
    mkfifo "$work/slow"
    for _ in 1 2 3; do sleep 1; head -c 2M /dev/zero; done >"$work/slow" &
    with '' expect progress 0 '^paravane: reading the ramdisk [.]{3}$' 'powered off' -- \
        run --ramdisk "$work/slow" "$good"
    wait $!
fi

# ---- Installed somewhere, and found from there.
if [[ installed =~ $pattern ]]; then
    mkdir -p "$work/usr/bin" "$work/usr/lib/paravane"
    cp "$paravane" "$work/usr/bin/paravane"
    cp "$work"/lib/*.elf "$work/usr/lib/paravane"
    ln -s "$work/usr/bin/paravane" "$work/link"
    FAKE_QEMU='' PARAVANE_QEMU=$fake "$work/link" run --verbose --demo </dev/null >"$work/out" 2>"$work/err"
    judge installed $? 0 "-kernel $work/usr/lib/paravane/paravane.elf "
    rm "$work/usr/lib/paravane/paravane.elf"
    FAKE_QEMU='' PARAVANE_QEMU=$fake "$work/link" run --demo </dev/null >"$work/out" 2>"$work/err"
    judge installed-in-part $? 1 'paravane.elf is missing: neither in the build tree'
fi

# ---- Images: what is wrong is said before anything is written.
expect image-no-kernel 2 'which kernel' -- image -o "$work/x.img"
expect image-no-output 2 'where to\? Say --output FILE' -- image --demo
expect image-empty-output 2 'no name for a file' -- image --demo -o ''
expect image-bad-format 2 'not one of raw, qcow2, iso' -- image --demo -o "$work/x.img" --format vmdk
expect image-bad-machine 2 '--machine microvm: not one of pc, q35' -- image --demo -o "$work/x.img" --machine microvm
expect image-bad-on-failure 2 'say poweroff or halt' -- image --demo -o "$work/x.img" --on-failure panic
expect image-of-a-run 2 "unrecognized option '--timeout'" -- image --demo -o "$work/x.img" --timeout 3
PARAVANE_LIB=$work/lib expect image-over-kernel 2 'is a kernel, ramdisk or disk of a guest' -- image "$good" -o "$good"
for ending in new xml.new; do
    cp "$good" "$work/over.$ending"
    PARAVANE_LIB=$work/lib expect image-over-$ending 2 "over.$ending is a kernel, ramdisk or disk of a guest" -- \
        image "$work/over.$ending" -o "$work/over"
done
for ending in '' .new .xml; do
    mkfifo "$work/pipe$ending"
    PARAVANE_LIB=$work/lib expect "image-over-pipe$ending" 2 "pipe$ending is a device, a pipe or the like, and no file" -- \
        image "$good" -o "$work/pipe"
    judge "image-pipe-stays$ending" "$([ -p "$work/pipe$ending" ]; echo $?)" 0
    rm -f "$work/pipe"*
done
PARAVANE_LIB=$work/lib expect image-over-directory 2 'lib is a directory, and no file' -- image "$good" -o "$work/lib"
if [[ image-over-used =~ $pattern ]]; then
    truncate -s 1M "$work/used"
    python3 tests/cli/lock "$work/used" '100 101 201' "$work/is-locked" &
    locker=$!
    until [ -e "$work/is-locked" ] || ! is_alive $locker; do sleep 0.1; done
    PARAVANE_LIB=$work/lib expect image-over-used 2 'used is in use by a QEMU that writes to it' -- image "$good" -o "$work/used"
    kill $locker
    wait $locker 2>/dev/null
    rm -f "$work/is-locked"
fi
printf '#!/bin/bash\nPATH=/none exec "%s" "$@"\n' "$paravane" >"$work/poor" && chmod +x "$work/poor"
paravane=$work/poor expect image-no-tools 1 'grub-mkrescue is missing.*apt install grub-common' 'xorriso is missing' \
    'mformat is missing' '!qemu-img' -- image --demo -o "$work/x.img"
paravane=$work/poor expect image-no-qemu-img 1 'qemu-img is missing.*apt install qemu-utils' -- \
    image --demo -o "$work/x.qcow2"
expect image-unwritable 1 'none/x.img.new: cannot be written: No such file' -- image --demo -o "$work/none/x.img"
printf '#!/bin/sh\nmktemp -d\necho it broke down >&2\necho .\nexit 1\n' >"$work/grub-mkrescue"
chmod +x "$work/grub-mkrescue"
PATH=$work:$PATH expect image-failed 1 'grub-mkrescue failed: it broke down' '!boots by' -- image --demo -o "$work/x.img"
# What the programs say where there is no room helps nobody; without rights there is no such place.
if mkdir "$work/small" && mount -t tmpfs -o size=2m small "$work/small" 2>/dev/null; then
    PATH=$work:$PATH expect image-no-room-there 1 "$work/small: 2 MiB are left there, which may not be enough" -- \
        image --demo -o "$work/small/x.img"
    PATH=$work:$PATH TMPDIR=$work/small expect image-no-room-on-the-way 1 'small/paravane[.].*: [12] MiB are left there' -- \
        image --demo -o "$work/x.img"
    umount "$work/small"
else
    skip image-no-room-there "no file system can be mounted"
    skip image-no-room-on-the-way "no file system can be mounted"
fi
[ ! -e "$work/x.img" ] || { echo "an image is there that was refused" >&2; failed=$((failed + 1)); }
if [[ image-made =~ $pattern ]]; then
    truncate -s 1M "$work/a'b,&.img"
    expect image-made 0 'boots by BIOS and by UEFI' 'serial number vbd-1-51712' 'MAC 52:54:00' \
        "file=$work/a'\\\\''b,,&.img,format=raw" "virsh define '$work/ma de.img.xml'$" -- \
        image "$good" --memory 64M --disk "$work/a'b,,&.img" --net user -o "$work/ma de.img"
    cp "$work/ma de.img.xml" "$work/out"
    judge image-xml $? 0 "<source file='$work/a&#39;b,&#38;.img'/>" '<serial>vbd-1-51712</serial>' \
        "<mac address='52:54:00:" "<source file='$work/ma de.img'/>" "machine='q35'" '!<readonly'
    xorriso -indev "$work/ma de.img" -find /boot -name paravane.elf -or -name bundle >"$work/out" 2>"$work/err"
    judge image-contents $? 0 '/boot/paravane.elf' '/boot/bundle' '!img[.]new'

    # Made again it is the same; what somebody has changed stays.
    again=(image "$good" --memory 64M --disk "$work/a'b,,&.img" --net user -o "$work/ma de.img")
    expect image-again 0 "virsh define '$work/ma de.img.xml'$" '!stays' -- "${again[@]}"
    sed -i 's/<vcpu>2/<vcpu>3/' "$work/ma de.img.xml"
    expect image-xml-stays 0 'ma de.img.xml says something else, and stays' "virsh define '$work/ma de.img.xml.new'$" -- \
        "${again[@]}"
    cat "$work/ma de.img.xml" "$work/ma de.img.xml.new" >"$work/out"
    judge image-xml-both $? 0 '<vcpu>3' '<vcpu>2'
fi

# ---- Completion, in a bash as people have it, and of all that there is.
complete_to() { # WORD...: what bash would make of the last one
    (
        # shellcheck source=/dev/null
        . cli/paravane.bash
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _paravane
        [ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
    )
}
completes() { # NAME WANTED WORD...: WANTED, between blanks
    [[ completion-$1 =~ $pattern ]] || return 0
    complete_to "${@:3}" >"$work/out" 2>"$work/err"
    [ "${1#file}" = "$1" ] || sort -o "$work/out" "$work/out" # the order of a directory is any
    [ "$(tr '\n' ' ' <"$work/out")" = "$2" ] && [ ! -s "$work/err" ]
    judge "completion-$1" $? 0
}
completes commands 'run test replay map image list console shutdown reboot destroy set plug unplug inspect decode --help --version ' paravane ''
completes command 'inspect ' paravane in
completes option '--privileged ' paravane run --pr
completes decode 'entry ' paravane decode ''
completes decode-level '1 2 3 4 ' paravane decode entry 0x63 --level ''
completes decode-number '' paravane decode entry ''
completes option-of-inspect '--help --usage ' paravane inspect --
completes on-reboot 'destroy ' paravane run --on-reboot d
completes set 'memory vcpus ' paravane set a ''
completes set-how-much '' paravane set a memory ''
completes machine 'microvm ' paravane run --machine mi
completes machine-of-image 'pc q35 ' paravane image --machine ''
completes format 'qcow2 ' paravane image --format q
completes on-failure 'poweroff halt ' paravane image --on-failure ''
completes machine-behind-equals 'pc q35 microvm ' paravane run --machine =
completes machine-begun 'pc ' paravane run --machine = p
completes no-number '' paravane run --memory ''
completes file "$work/good $work/good.gz " paravane run "$work/goo"
completes ramdisk "$work/ramdisk " paravane run --ramdisk = "$work/ram"
for command in run test replay map image inspect decode list console shutdown reboot destroy set plug unplug; do
    [[ completion-all-of-$command =~ $pattern ]] || continue
    "$paravane" $command --help | grep -oE '(^|[ ,])--[a-z-]+' | grep -oE -- '--.*' | sort -u >"$work/out"
    complete_to paravane $command -- | sort -u | diff - "$work/out" >"$work/err"
    judge completion-all-of-$command $? 0
done
if [[ completion-typed =~ $pattern ]]; then
    printf 'PS1="leaves "; . cli/paravane.bash; paravane() { echo "<$*>"; }\n' >"$work/bashrc"
    : >"$work/err"
    bounded tests/cli/terminal "paravane ins\\t$work/good.g\\t\\r~good.gz>~exit\\r" \
        bash --noprofile --rcfile "$work/bashrc" -i >"$work/out" 2>&1
    judge completion-typed $? 0 "<inspect $work/good.gz>"
fi

# ---- What is installed is all removed again.
if [[ uninstall =~ $pattern ]]; then
    if [ -e build/guests/demo.elf ]; then
        root=$work/root
        mkdir -p "$root/opt/bin" && touch "$root/opt/bin/other"
        for target in install uninstall; do
            make --no-print-directory $target DESTDIR="$root" PREFIX=/opt >"$work/err" 2>&1 || break
            find "$root" -type f | sed "s|$root||" | sort >"$work/out"
            case $target in
            install) judge install $? 0 '^/opt/bin/paravane$' '^/opt/share/bash-completion/completions/paravane$' ;;
            *) judge uninstall $? 0 '^/opt/bin/other$' '!paravane' ;;
            esac
        done
    else
        skip uninstall 'no demo guest'
    fi
fi

# ---- How QEMU is called.
arguments() { # NAME TEXT... -- ARGUMENT...: each TEXT must be among QEMU's arguments
    local name=$1 texts=()
    shift
    while [ "$1" != -- ]; do texts+=("$1"); shift; done
    shift
    [[ $name =~ $pattern ]] || return 0
    mkdir -p "$work/kept"
    FAKE_QEMU="keep=$work/kept ${words:-}" PARAVANE_QEMU=$fake PARAVANE_LIB=$work/lib \
        "$paravane" run "$@" </dev/null >"$work/out" 2>"$work/err"
    local status=$?
    cat "$work/kept/arguments" >>"$work/out"
    judge "$name" $status 0 ${texts[@]+"${texts[@]}"}
}
arguments qemu-plain "^$work/lib/paravane.elf$" '^max,-smap$' '^log=com2 proof=[0-9a-f]{16}$' '^529M$|^53[0-9]M$' '^pc$' '^-no-reboot$' \
    '^isa-debug-exit,iobase=0xf4,iosize=0x04$' -- "$good"
arguments qemu-options '^log=com2 proof=[0-9a-f]{16} seed=1ab$' '^microvm,ioapic2=on$' '^-accel$' '^kvm$' '^10[0-9][0-9]M$' -- \
    --seed 0x1AB --machine microvm --qemu-arg -accel --qemu-arg=kvm --memory 1G "$good"
arguments qemu-gdb '^-S$' '^-gdb$' '^tcp:127.0.0.1:1234$' "waits for: gdb -ex 'target remote localhost:1234' $work/lib/paravane.elf" -- --gdb "$good"
arguments qemu-gdb-port '^-S$' '^tcp:127.0.0.1:4321$' 'localhost:4321' -- --gdb=4321 "$good"
arguments qemu-one-processor '!^-smp$' -- --cpus 8 --cpus 1 --vcpus 32 "$good"
arguments qemu-processors '^-smp$' '^5$' -- --cpus 5 "$good"
# Two are wanted; no more than this machine has are made.
here=('^-smp$' '^2$')
[ "$(getconf _NPROCESSORS_ONLN)" -gt 1 ] || here=('!^-smp$')
arguments qemu-processors-of-vcpus "${here[@]}" -- --guest a --vcpus 2 "$good" --guest b "$good"
arguments qemu-processors-of-most "${here[@]}" -- --vcpus 1,max=2 "$good"
arguments qemu-processors-of-pins "^-smp$" "^4$" -- --vcpus 2 --pin 1,3-63 "$good"
words=version=9.1.0 arguments qemu-9.1 '^max$' -- "$good"
words=version=9.0.2 arguments qemu-9.0 '^max,-smap$' -- "$good"
words=version=10.0.0 arguments qemu-10 '^max$' -- "$good"
words=version=unknown arguments qemu-strange '^max,-smap$' -- "$good"
if [[ bundle =~ $pattern ]]; then
    arguments bundle -- --pin 0-1,3-5,^4 --privileged --linear-tables --cmdline 'root=/dev/x y' --ramdisk "$work/text" --memory 256M "$good"
    strings -n 4 "$work/kept/bundle" >"$work/out"
    : >"$work/err"
    judge bundle-contents 0 0 '0/settings' '^name=good$' '^memory=262144$' '^vcpus=1$' '^cpus=0-1,3-3,5-5$' '^privileged=1$' '^linear_tables=1$' '0/kernel' \
        '0/ramdisk' '^hello$' '0/cmdline' '^root=/dev/x y' 'TRAILER!!!'
fi
arguments qemu-consoles '^log=com2 proof=[0-9a-f]{16} console=multiplexed$' -- --guest a "$good" --guest b "$good"
arguments qemu-console-of-one '^log=com2 proof=[0-9a-f]{16} console=multiplexed$' -- --console a=/dev/null --guest a "$good"
arguments qemu-one-guest '^log=com2 proof=[0-9a-f]{16}$' -- --guest a "$good"
if [[ bundle-several =~ $pattern ]]; then
    arguments bundle-several '^5[34][0-9]M$' -- --memory 256M --cmdline 'for all' --weight 7 "$good" --timeout 9 \
        --guest one --guest two --memory 128M --cmdline 'for two' --weight 300 --ramdisk "$work/text" --demo \
        --guest three --memory 128M
    strings -n 4 "$work/kept/bundle" | paste -sd ' ' >"$work/out"
    : >"$work/err"
    judge bundle-several-settings 0 0 '1/settings .*name=one memory=262144 vcpus=1 weight=7 privileged=0 .*1/kernel .*1/cmdline .*for all' \
        '2/settings .*name=two memory=131072 vcpus=1 weight=300 .*2/kernel .*2/ramdisk .*hello .*2/cmdline .*for two' \
        '3/settings .*name=three memory=131072 vcpus=1 weight=7 .*3/cmdline .*for all'
    arguments bundle-several-sixteen '^33[0-9]M$' -- --memory 16M --demo "${many[@]:0:32}"
    strings -n 4 "$work/kept/bundle" >"$work/out"
    judge bundle-several-contents 0 0 '^name=g1$' '16/settings' '^name=g16$'
fi
elf debug debug
if [[ bundle-debug =~ $pattern ]]; then
    arguments bundle-debug -- "$work/debug"
    strings -n 4 "$work/kept/bundle" >"$work/out"
    judge bundle-without-debug 0 0 '1/kernel' 'generic' '[.]shstrtab' '!debugger'
fi

# shellcheck source=tests/cli/devices.sh
. tests/cli/devices.sh
# shellcheck source=tests/cli/config.sh
. tests/cli/config.sh
# shellcheck source=tests/cli/control.sh
. tests/cli/control.sh
# shellcheck source=tests/cli/suite.sh
. tests/cli/suite.sh
# shellcheck source=tests/cli/hotplug.sh
. tests/cli/hotplug.sh

# ---- How a run ends.
with 'log=domain_1_(good):_built,_and_so_on log=domain_1_(good)_wants_to_reboot log=domain_1_(good):_the_last_of_its_frames_has_come_back' \
    expect ends-behind-its-end 0 '^paravane: domain 1 .good. wants to reboot; ended, as' '!come back' -- run "$good"
printf small >"$work/ramdisk-small"
# ---- Traces: memory that both have; the hypervisor is asked for as much as is told.
expect trace-unknown 2 'sched: no hypercall has that name' -- run --trace=sched "$good"
expect trace-to-nowhere 2 'none/x: cannot be written' -- run --trace --trace-to "$work/none/x" "$good"
with "keep=$work log=trace_at_nonsense" expect trace-nowhere 0 'nothing was traced: the hypervisor has not said where' -- \
    run --trace --machine q35 "$good"
if [[ trace-arguments =~ $pattern ]]; then
    grep -qx 'q35,memory-backend=ram' "$work/arguments" && grep -qE '^log=com2 proof=[0-9a-f]+ trace$' "$work/arguments" &&
        grep -qE '^memory-backend-file,id=ram,share=on,mem-path=/proc/self/fd/[0-9]+,size=[0-9]+M$' "$work/arguments"
    judge trace-arguments $? 0
fi
with "keep=$work" expect trace-summary 0 -- run --trace=mmu_update,summary "$good"
if [[ trace-summary-arguments =~ $pattern ]]; then
    grep -qE '^log=com2 proof=[0-9a-f]+ trace=summary$' "$work/arguments"
    judge trace-summary-arguments $? 0
fi
with "keep=$work" expect trace-none 0 '!traced' -- run "$good"
if [[ trace-none-arguments =~ $pattern ]]; then
    ! grep -qE 'trace|memory-backend' "$work/arguments"
    judge trace-none-arguments $? 0
fi

# ---- Recordings: another image, one processor, and a file that is whole or the run has failed.
expect record-cpus 2 'recorded of one processor only; leave --cpus out' -- run --record "$work/x" --cpus 2 "$good"
expect record-and-trace 2 'record and --trace: one at a time' -- run --record "$work/x" --trace "$good"
expect record-to-nowhere 2 'none/x: cannot be written' -- run --record "$work/none/x" "$good"
with "keep=$work log=record_at_nonsense" expect record-nowhere 1 'nothing was recorded: the hypervisor has not said where' -- \
    run --record "$work/recording" --vcpus 3 "$good"
if [[ record-arguments =~ $pattern ]]; then
    grep -qE '^log=com2 proof=[0-9a-f]+ record cpus=1$' "$work/arguments" && ! grep -qx -e '-smp' "$work/arguments" &&
        grep -qx "$(realpath "$work/lib/paravane-record.elf")" "$work/arguments" &&
        grep -qE '^memory-backend-file,id=ram,share=on,mem-path=/proc/self/fd/[0-9]+,size=[0-9]+M$' "$work/arguments"
    judge record-arguments $? 0
fi
with "log=record_at_fffff000,_1000_bytes" expect record-outside 1 'nothing was recorded' -- run --record "$work/recording" "$good"
with '' expect replay-missing 1 'paravane-replay: not there or not readable' -- replay "$work/recording"
expect replay-nothing 2 'which recording' -- replay
expect replay-two 2 'b is one too many' -- replay a b
expect replay-no-file 1 'none: ' -- replay "$work/none"
expect replay-no-recording 1 "$work/good: " -- replay "$good"
expect replay-strays 2 'no: not a number from 1 on' -- replay --strays=no "$work/none"
expect replay-audit 2 'often: not a number from 1 on' -- replay --audit=often "$work/none"

# A command's status is the run's, and what follows "--" is the command's alone.
said=its_command_ended_with_status
with "log=domain_1_(good):_${said}_42 log=domain_1_(good)_powered_off keep=$work" \
    expect command-ends 42 '^paravane: the command ended with status 42$' -- \
    run --ramdisk "$work/ramdisk-small" "$good" -- sh --verbose 'a  b'
if [[ command-bundle =~ $pattern ]]; then
    rm -rf "$work/unpacked"
    mkdir "$work/unpacked"
    (cd "$work/unpacked" && cpio -idm --quiet) <"$work/bundle" &&
        tail -c +9 "$work/unpacked/1/ramdisk" | (cd "$work/unpacked" && cpio -idm --quiet) &&
        [ "$(head -c 8 "$work/unpacked/1/ramdisk" | tr '\0' .)" = small... ] &&
        [ "$(tr '\0' '|' <"$work/unpacked/paravane/command")" = 'raw|sh|sh|--verbose|a  b|' ] &&
        cmp -s "$work/lib/first" "$work/unpacked/paravane/first" && [ ! -e "$work/unpacked/paravane/program" ] &&
        [ "$(cat "$work/unpacked/1/cmdline")" = 'console=hvc0 quiet rdinit=/paravane/first' ]
    verdict command-bundle "$([ $? -eq 0 ] || echo 'not what the guest is to have')"
fi
with "keep=$work log=domain_1_(good):_${said}_0 log=domain_1_(good)_powered_off" \
    expect command-brought 0 '^paravane: the command ended with status 0$' -- run --cmdline 'my words' "$good" -- "$work/ramdisk-small" x
if [[ command-brought =~ $pattern ]]; then
    rm -rf "$work/unpacked"
    mkdir "$work/unpacked"
    (cd "$work/unpacked" && cpio -idm --quiet) <"$work/bundle" &&
        (cd "$work/unpacked" && cpio -idm --quiet) <"$work/unpacked/1/ramdisk" &&
        [ "$(tr '\0' '|' <"$work/unpacked/paravane/command")" = "raw|/paravane/program|$work/ramdisk-small|x|" ] &&
        cmp -s "$work/ramdisk-small" "$work/unpacked/paravane/program" &&
        [ "$(cat "$work/unpacked/1/cmdline")" = 'my words rdinit=/paravane/first' ]
    verdict command-program "$([ $? -eq 0 ] || echo 'not what the guest is to have')"
fi
with 'log=domain_1_(good)_powered_off' expect command-lost 3 'ended before the command did' -- run "$good" -- "$work/ramdisk-small"
with "log=domain_1_(good):_${said}_256" expect command-nonsense 3 'ended before the command did' -- run "$good" -- "$work/ramdisk-small"
with "log=domain_1_(good):_${said}_0 exit=43" expect command-crash 3 '^paravane: the guest crashed$' '!the command ended' -- \
    run "$good" -- "$work/ramdisk-small"
with "log=domain_1_(good):_${said}_0 proof=none" expect command-unproved 5 'has not confirmed' '!the command ended' -- \
    run "$good" -- "$work/ramdisk-small"
with '' expect command-missing 2 'no-such-program: cannot be opened' -- run "$good" -- no-such-program
with 'say=hello log=secret' expect ends-good 0 '^hello$' 'paravane: the guest powered off' '!secret' -- run "$good"
with 'log=domain_1_(good)_wants_to_reboot' expect ends-in-its-words 0 '^paravane: domain 1 .good. wants to reboot; ended, as --on-reboot destroy says$' \
    '!powered off' -- run "$good"
with 'say=hello' expect demo 0 '^hello$' -- run --demo
with 'log=broken exit=35' expect ends-selftest 5 'paravane: broken' 'self-test failed' -- run "$good"
with 'log=what? exit=37' expect ends-usage 5 'paravane: what[?]' 'command line or the bundle' -- run "$good"
with 'exit=39' expect ends-unsupported 5 'cannot run on this machine' -- run "$good"
with 'exit=41' expect ends-broken 5 'this is a bug' -- run "$good"
with 'log=bad_fault exit=43' expect ends-crashed 3 'paravane: bad fault' 'the guest crashed' -- run "$good"
with 'exit=45' expect ends-refused 4 'the guest was refused' -- run "$good"
with 'log=domain_1_(good)_was_destroyed exit=47' expect ends-destroyed 8 '^paravane: domain 1 .good. was destroyed$' -- \
    run "$good"
with 'exit=0' expect ends-early 6 'ended before the guest did' -- run "$good"
with 'error=no_memory exit=1' expect ends-qemu-error 6 'qemu: no memory' 'QEMU failed; .* status 1.$' -- run "$good"
with 'error=Could_not_set_up_host_forwarding_rule exit=1' expect ends-port-in-use 6 'QEMU failed.*; is the port .* in use' -- run "$good"
with 'error=could_not_open_/dev/net/tun exit=1' expect ends-no-tap 6 'QEMU failed.*ip tuntap add NAME mode tap user' -- run "$good"
with 'exit=1' expect ends-qemu-mute 6 'fake-qemu failed without a word .exit status 1.: is it QEMU' 'PARAVANE_QEMU' \
    '!above' -- run "$good"
PARAVANE_QEMU=/bin/false PARAVANE_LIB=$work/lib expect no-qemu-at-all 6 '/bin/false failed without a word' -- run "$good"
# What Linux says where nobody has handed it a ramdisk may come in pieces.
no_root='prompt=VFS: prompt=VFS:_Unable_to sleep=0.2 say=_mount_root_fs_on_unknown-block exit=43'
no_ramdisk='Linux found no root file system.* --ramdisk FILE'
with "$no_root" expect ends-no-root 3 'the guest crashed' "^paravane: $no_ramdisk$" -- run "$good"
with "$no_root" expect ends-ramdisk 3 'the guest crashed' "!$no_ramdisk" -- run --ramdisk "$good" "$good"
with "${no_root/43/33}" expect ends-no-root-well 0 "!$no_ramdisk" -- run "$good"
with "${no_root/Unable/Able} " expect ends-root 3 "!$no_ramdisk" -- run "$good"
with 'log=domain_1_(good)_has_ended_because exit=43' expect ends-otherwise 3 \
    '^paravane: domain 1 .good. has ended because$' '!crashed' -- run "$good"
for how in none wrong early other; do
    with "proof=$how say=bye log=note" expect forged-$how 5 'has not confirmed it' '^paravane: note$' '^bye$' \
        '!paravane: the guest powered off' -- run "$good"
done
with 'proof=reset exit=33' expect ends-by-reset 0 'the guest powered off' '!the machine was reset' -- run "$good"
with 'proof=reset exit=43' expect ends-by-reset-crashed 3 'the guest crashed' -- run "$good"
with 'proof=reset exit=45' expect ends-by-reset-refused 4 'the guest was refused' -- run "$good"
with 'proof=none exit=0' expect ends-by-reset-only 6 'the machine was reset, or somebody has ended QEMU' -- run "$good"
with 'proof=none exit=43' expect forged-crash 5 'status 43 means: the guest crashed; but' -- run "$good"
with 'proof=none exit=45' expect forged-refusal 5 'has not confirmed it' -- run "$good"
with '' expect proof-is-not-shown 0 'proof=[0-9a-f]{16}' '!ended with' -- run --verbose "$good"
with 'exit=77' expect ends-strange 6 "QEMU's exit status 77" -- run "$good"
with 'kill=KILL' expect ends-killed 6 'ended by a signal from elsewhere: Killed' -- run "$good"
with 'error=Assertion_failed:_x kill=ABRT' expect ends-assertion 6 'QEMU has died of a signal: Aborted; its last words: Assertion failed: x' -- \
    run "$good"
with 'logs=200 exit=43' expect log-tail 3 '^paravane: line 200$' '^paravane: line 150$' '!line 100' -- run "$good"
with 'log=note' expect log-verbose 0 '^paravane: note$' 'paravane: .*fake-qemu -nodefaults' -- run --verbose "$good"
PARAVANE_QEMU=/nowhere/qemu PARAVANE_LIB=$work/lib expect no-qemu 6 '/nowhere/qemu could not be started: No such file' \
    'PARAVANE_QEMU' -- run "$good"
PARAVANE_LIB=$work/nowhere PARAVANE_QEMU=$fake expect no-hypervisor 1 'paravane.elf: not there' -- run "$good"
TMPDIR=$work/nowhere with '' expect no-tmpdir 1 'no directory can be made there' -- run "$good"
# Of several guests each has its own words; what else is said of one of them is not taken for its end.
two=(--guest a "$good" --guest bc "$good")
built='log=domain_1_(a):_built,_and_so_on log=domain_2_(bc):_built,_and_so_on'
with "$built log=domain_2_(bc)_powered_off log=domain_1_(a)_wants_to_reboot" expect several-good 0 \
    '^paravane: a: wants to reboot; ended, as --on-reboot destroy says$' '^paravane: bc: powered off$' '!domain' -- run --on-reboot destroy "${two[@]}"
with "$built log=domain_2_(bc)_crashed:_bad_fault log=domain_2_(bc)_crashed log=domain_2_(bc)_has_left_3_frames log=domain_1_(a)_powered_off exit=43" \
    expect several-crashed 3 '^paravane: a: powered off$' '^paravane: bc: crashed: bad fault$' -- run "${two[@]}"
with "log=domain_1_(a)_cannot_be_built:_too_big log=domain_2_(bc):_built,_and_so_on log=domain_2_(bc)_powered_off exit=45" \
    expect several-refused 4 '^paravane: a: cannot be built: too big$' '^paravane: bc: powered off$' -- run "${two[@]}"
with "$built log=domain_1_(a)_powered_off log=domain_1_(a):_built,_and_so_on log=domain_2_(bc)_is_here: sleep=inf" \
    expect several-timeout 124 'out of time after 1 seconds' '^paravane: a: was still running$' \
    '^paravane: bc: was still running$' -- run --timeout 1 "${two[@]}"
with "log=domain_1_(a)_powered_off proof=none" expect several-forged 5 'has not confirmed it' '!^paravane: a: powered' -- \
    run "${two[@]}"
with "$built exit=41" expect several-broken 5 'this is a bug' -- run "${two[@]}"
with '' expect several-kernel-refused 4 "bc: $work/pvh: refused:" 'a PVH guest, not a PV guest' -- \
    run --guest a "$good" --guest bc "$work/pvh"

with 'sleep=inf' expect timeout 124 'out of time: .* after 1 seconds' -- run --timeout 1 "$good"
with 'deaf sleep=inf' expect timeout-deaf 124 'out of time' -- run --timeout 1 "$good"
if [[ timeout-log =~ $pattern ]]; then
    # On a busy machine even a word may take its time.
    for seconds in 1 10 100 1000; do
        with 'log=last_words sleep=inf' bounded "$paravane" run --timeout $seconds "$good" >"$work/out" 2>"$work/err"
        status=$?
        ! grep -q 'last words' "$work/err" || break
    done
    judge timeout-log $status 124 'paravane: last words'
fi
with 'log=memory sleep=inf' expect timeout-building 124 'the guest was still being built after 3 seconds' -- \
    run --timeout 3 "$good"
with 'log=memory log=domain_1_(good):_built sleep=inf' expect timeout-built 124 'the guest was still running after 3' -- \
    run --timeout 3 "$good"
with 'log=memory await=still_building say=late' expect quiet-while-building 0 'is still building the guest' '^late$' \
    '!nothing has come' -- run "$good"
with 'log=memory await=still_building say=late' expect quiet-while-building-several 0 'is still building the guests: ' -- \
    run --guest a "$good" --guest b "$good"
with 'await=nothing_has_come say=late' expect quiet-at-first-several 0 'nothing has come from the guests yet$' -- \
    run --guest a "$good" --guest b "$good"
with 'await=nothing_has_come say=late' expect quiet-at-first 0 'nothing has come from the guest yet' '^late$' -- run "$good"

with 'log=memory log=domain_1_(good):_built,_ log=domain_1_(good)_wants_to_reboot say=goodbye await=good_has_rebooted say=late' \
    expect quiet-while-rebooting 0 'good has rebooted; the hypervisor builds it anew' '^late$' '!still building' -- run "$good"

# ---- The console on pipes.
seq 1 30000 >"$work/numbers"
input=$work/numbers
# The line that unlocks the input, then all of it, in order.
with 'say=ready copy=30000' expect console-both-ways 0 'powered off' -- run "$good"
if [[ console-both-ways =~ $pattern ]]; then
    { echo ready; cat "$work/numbers"; } | cmp -s - "$work/out"
    judge console-is-complete $? 0
fi
with 'say=ready sleep=1' expect console-unread 0 'powered off' -- run "$good"
input=/dev/null
with 'say=ready sleep=1 say=still_there' expect console-end-of-input 0 '^still there$' -- run "$good"

if [[ console-closed =~ $pattern ]]; then
    with 'say=one sleep=1 say=two say=three sleep=inf' bounded "$paravane" run "$good" \
        2>"$work/err" </dev/null | head -n 1 >"$work/out"
    judge console-closed "${PIPESTATUS[0]}" 141 '^one$'
fi
if [[ console-full-disk =~ $pattern ]]; then
    : >"$work/out"
    with 'say=one sleep=1 say=two sleep=30' timeout "$limit" "$paravane" run "$good" </dev/null 2>"$work/err" >/dev/full
    judge console-full-disk $? 1 'stdout cannot be written: No space left on device' '!interrupted'
fi
if [[ stdin-closed =~ $pattern ]]; then
    with 'say=hello sleep=1' bounded "$paravane" run "$good" <&- >"$work/out" 2>"$work/err"
    judge stdin-closed $? 0 '^hello$'
fi

# ---- The console on a terminal.  What is typed: Ctrl-A is for the command, all else and what it says so for the guest.
on_terminal() { # NAME WORDS STEPS STATUS TEXT...
    local name=$1 words=$2 steps=$3
    [[ terminal-$name =~ $pattern ]] || return 0
    : >"$work/err"
    # shellcheck disable=SC2086 # none, or one
    with "$words" bounded tests/cli/terminal "$steps" "$paravane" run ${option:-} "$good" >"$work/out" 2>&1
    judge "terminal-$name" $? "${@:4}" 'settings restored'
}
on_terminal keys 'say=ready copy' '~ready~q\x01\x01\x01aw\x03\x1a\r\x01yz~z~\x01h~Ctrl-A h~\x01x' 7 \
    'starting good; Ctrl-A x leaves$' $'^q\x01\x01w\x03\x1az' \
    'Ctrl-A x leaves, Ctrl-A a sends Ctrl-A, Ctrl-A h says this$' 'paravane: left; the guest has been ended$' \
    '!ended before'
on_terminal answer 'log=booted say=ready answer=vCPU_0_sleeps sleep=inf' '~ready~\x01x' 7 '^paravane: vCPU 0 sleeps$' \
    '^paravane: left; the guest has been ended$' '!booted' '!out of time'
# What is said does not begin in the middle of the guest's line.
on_terminal prompt 'log=booted prompt=login:_ answer=vCPU_0_sleeps sleep=inf' '~login: ~\x01x' 7 '^login: $' '^paravane: vCPU 0 sleeps$'
option=--verbose on_terminal prompt-verbose 'log=booted prompt=login:_ answer=vCPU_0_sleeps sleep=inf' '~login: ~\x01x' 7 '^login: $' '^paravane: vCPU 0 sleeps$'
on_terminal prompt-help 'prompt=login:_ sleep=inf' '~login: ~\x01h~Ctrl-A h~\x01x' 7 '^login: $' '^paravane: Ctrl-A x leaves'
# More than anything on the way holds, and nobody who takes it.
on_terminal unread 'say=ready mute sleep=inf' "~ready~$(printf '%0100000d' 0)\\x01x" 7 '^paravane: left'
on_terminal reset 'say=ready exit=0' '' 6 'QEMU ended before the guest did' '!left;'
on_terminal died 'say=ready kill=KILL' '' 6 'ended by a signal from elsewhere: Killed'
on_terminal stopped 'say=ready copy' '~ready~stop~~\x01x' 7 '^stopped, settings restored$' '^goes on$'

# ---- Signals: QEMU goes, the command dies of the signal.
start() { # WORDS [OPTION...]: run in the background, $pid, until the guest says something
    local words=$1
    shift
    # What an earlier test left there must not be taken for the guest's.
    : >"$work/out"
    # Job control, or the shell would have it ignore SIGINT.
    set -m
    FAKE_QEMU=$words PARAVANE_QEMU=$fake PARAVANE_LIB=$work/lib \
        "$paravane" run "$@" "$good" </dev/null >"$work/out" 2>"$work/err" &
    pid=$!
    set +m
    until grep -q up "$work/out" || ! is_alive $pid; do sleep 0.1; done
}
for signal in INT TERM HUP QUIT; do
    [[ signal-$signal =~ $pattern ]] || continue
    start 'say=up sleep=inf'
    kill -s $signal $pid
    wait $pid 2>/dev/null
    judge "signal-$signal" $? $((128 + $(kill -l $signal))) 'interrupted: the guest has been ended'
done
if [[ signal-deaf =~ $pattern ]]; then
    start 'deaf say=up sleep=inf'
    kill -s TERM $pid
    wait $pid 2>/dev/null
    judge signal-deaf $? 143 'interrupted: the guest has been ended'
fi
# What is written to disks at the end may take its time, unless whoever waits does not want to.
if [[ signal-writing =~ $pattern ]]; then
    start 'slow=4 say=up sleep=inf' --net user
    kill -s TERM $pid
    wait $pid 2>/dev/null
    judge signal-writing $? 143 'QEMU still writes what the disks were given' '!killed' 'interrupted: the guest has been ended'
fi
if [[ signal-twice =~ $pattern ]]; then
    start 'deaf say=up sleep=inf' --net user
    kill -s TERM $pid
    until grep -q 'still writes' "$work/err" || ! is_alive $pid; do sleep 0.1; done
    kill -s INT $pid
    wait $pid 2>/dev/null
    judge signal-twice $? 143 'ask once more' 'QEMU has been killed: what it had not written .* is lost'
fi
if [[ signal-KILL =~ $pattern ]]; then
    start 'say=up sleep=inf'
    kill -s KILL $pid
    wait $pid 2>/dev/null
    status=$?
    # Nobody is left to remove the bundle, but QEMU must be gone.
    rm -rf "${TMPDIR:?}"/*
    judge signal-KILL $status 137
fi

# ---- QEMU itself, with the image that has been built.
if [ -e build/hv/paravane.elf ] && command -v qemu-system-x86_64 >/dev/null; then
    for machine in pc q35 microvm; do
        expect "real-qemu-$machine" 124 'out of time' '!qemu: ' -- \
            run --machine $machine --timeout 1 --qemu-arg -S "$good"
    done
    expect real-qemu-error 6 'qemu: .*warp' 'QEMU failed' -- run --qemu-arg -warp "$good"
    if [ -e build/guests/demo.elf ]; then
        expect real-demo 0 'domain 1 .demo.elf. powered off' -- run --timeout "$limit" --demo
        expect real-refused 4 'cannot be built' 'the guest was refused' -- run --timeout "$limit" --memory 4M --qemu-arg -m \
            --qemu-arg 6M --demo
        tests=build/guests/tests
        expect real-several 0 '^(second: )?ok ' '^paravane: first: powered off$' '^paravane: second: powered off$' \
            '^paravane: third: powered off$' -- run --memory 16M --timeout "$limit" \
            --guest first --demo --guest second $tests/timer.elf --guest third -c how=again $tests/ending.elf
        expect real-several-reboot 0 '^paravane: once: wants to reboot; ended, as --on-reboot destroy says$' '^paravane: thrice: powered off$' \
            'domain 2 .thrice.: restart 3$' -- run --memory 16M --timeout "$limit" --verbose \
            --guest once -c how=reboot --on-reboot destroy $tests/ending.elf --guest thrice -c how=again $tests/ending.elf
        expect real-several-privileged 0 '^paravane: plain: powered off$' '^paravane: initial: powered off$' -- \
            run --memory 16M --timeout "$limit" -c how=poweroff $tests/ending.elf --guest plain --guest initial --privileged
        # Each address is looked up in the kernel of the guest that its line names.
        claim=$(nm build/guests/demo.elf | awk '$3 == "claim" { print $1 }')
        with "log=domain_2_(second)_powered_off log=____domain_1,_vCPU_0,_rip_e033:$claim" expect explain-several 0 \
            'domain 1, vCPU 0, rip e033:[0-9a-f]+ <claim[+]0x0>' -- run --explain \
            --guest first build/guests/demo.elf --guest second $tests/ending.elf
        expect real-several-crash 3 '^paravane: first: crashed' '^paravane: second: powered off$' \
            'rip .*<hypercall_page[+]0x[0-9a-f]+>' -- run --memory 16M --timeout "$limit" \
            --guest first -c how=crash $tests/ending.elf --guest second $tests/timer.elf
        expect real-several-refused 4 '^paravane: first: powered off$' '^paravane: second: cannot be built: .* or the machine more$' -- \
            run --timeout "$limit" --qemu-arg -m --qemu-arg 64M \
            --guest first --memory 16M --demo --guest second --memory 2G -c how=poweroff $tests/ending.elf
        # Consoles: guests to talk to (guests/tests/talk), on a terminal, to files, on pipes.
        talk=(--memory 16M --cmdline talk $tests/talk.elf)
        talked() { # NAME STEPS STATUS TEXT... -- ARGUMENT...
            local name=real-talk-$1 steps=$2 texts=()
            [[ $name =~ $pattern ]] || return 0
            shift 2
            while [ "$1" != -- ]; do texts+=("$1"); shift; done
            : >"$work/err"
            bounded tests/cli/terminal "$steps" "$paravane" run --timeout "$limit" "${@:2}" >"$work/out" 2>&1
            judge "$name" $? "${texts[@]}" 'settings restored'
        }
        three=(--guest first --guest second --guest third)
        talked moves '~talk> ~a\r~heard: a~\x012~talk> ~b\r~heard: b~\x01n~talk> ~c\r~heard: c~\x011d\r~heard: d~\x01x' 7 \
            '^paravane: this is the console of second$' '^talk> heard: b$' '^talk> heard: c$' '^paravane: domain 1 .first. is here:$' '!: heard: [abcd]' 'all guests have been ended' \
            '^paravane: third: was still running$' -- "${talk[@]}" "${three[@]}"
        # What is typed at once is for whom it says, the list is of all, and the ends of those in front move on.
        talked ends '~talk> ~\x012b\r\x013c\r\x014\x010~no guest 10~\x01l~third  ~\x011end\r~console of second~\x01l~CPU time~end\r~console of third~\x01h~lists them~end\r' 0 \
            'no guest 4; Ctrl-A l lists them' '3 > third   (waiting|running) +1 +16 MiB +[0-9]+[.][0-9]{2} s +0$' \
            '1   first   (waiting|running) ' '1   first   powered off' '2 > second  ' '^paravane: first: powered off$' \
            '^paravane: third: powered off$' 'Ctrl-A 1 to 9 and 0 move to a guest' -- "${talk[@]}" "${three[@]}"
        talked behind '~second: verdict: success~end\r' 0 '^second: ok set_timer_op$' '^heard: end$' -- \
            --memory 16M --guest first "${talk[@]:2}" --guest second $tests/timer.elf
        talked crash '~talk> ~\x012~talk> ~crash\r~console of first~end\r' 3 '^paravane: second has ended: crashed' 'paravane: second: crashed' \
            '^paravane: first: powered off$' -- "${talk[@]}" "${three[@]:0:4}"
        talked file '~talk> ~\x012end\r~file~\x011end\r' 0 "keys go to second, whose console is in $work/file" '!second: talk' -- \
            --console "second=$work/file" "${talk[@]}" "${three[@]:0:4}"
        [[ real-talk-file =~ $pattern ]] && { tr -d '\r' <"$work/file" >"$work/out"; judge real-talk-in-file 0 0 '^talk> heard: end$' '^verdict: success$'; }
        printf 'one\nend\ntwo\nend\n' >"$work/lines"
        input=$work/lines expect real-talk-pipe 0 '^talk> heard: one' '^talk> heard: end' '!heard: two' \
            '^paravane: first: powered off$' '^(second: )?verdict: success' -- \
            run --timeout "$limit" "${talk[@]}" --guest first --guest second $tests/timer.elf
        # Every byte and every code that a guest may say arrives as it is, and nowhere else.
        if [[ real-bytes =~ $pattern ]]; then
            bounded "$paravane" run --timeout "$limit" --memory 16M --console "loud=$work/bytes" --guest quiet -c how=poweroff $tests/ending.elf \
                --guest loud -c bytes $tests/talk.elf --guest other $tests/timer.elf </dev/null >"$work/out" 2>"$work/err"
            judge real-bytes $? 0 '^paravane: loud: powered off$' '^(other: )?verdict: success' "!$(printf '\020')" '!said'
            python3 -c 'import sys
said = b"".join(bytes([b]) + bytes([16, b]) for b in range(256)) + b"\x10ok said\nverdict: success\n"
sys.stdout.buffer.write(said.replace(b"\n", b"\r\n"))' | cmp - "$work/bytes" >"$work/out" 2>&1
            judge real-bytes-arrive $? 0
        fi
        linux=build/linux/cloud-amd64
        if [ -e $linux/vmlinuz ]; then
            talked linux '~console=hvc0~\x012~talk> ~hello\r~heard: hello~\x01l~16 MiB~end\r~console of linux~~# ~echo $((6*7))\r~42~poweroff -f\r' 0 \
                '^paravane: linux: powered off$' '^paravane: talker: powered off$' '2 > talker ' -- --guest linux --memory 256M --ramdisk $linux/ramdisk.img \
                --cmdline 'earlyprintk=xen console=hvc0' $linux/vmlinuz --guest talker "${talk[@]}"
        else
            skip real-talk-linux 'no Linux here'
        fi
        expect real-sixteen 0 '^paravane: g1: powered off$' '^paravane: g16: powered off$' -- run --timeout "$limit" \
            --audit --memory 4M -c how=poweroff $tests/ending.elf "${many[@]:0:32}"
    else
        skip real-demo 'no demo guest'
    fi
    if [[ real-terminal =~ $pattern ]]; then
        bounded tests/cli/terminal '\x01x' "$paravane" run --qemu-arg -S "$good" >"$work/out" 2>"$work/err"
        judge real-terminal $? 7 'starting good; Ctrl-A x leaves' '^paravane: left; the guest has been ended$' '!ended before' 'settings restored'
        bounded tests/cli/terminal '' "$paravane" run --qemu-arg -S --timeout 2 "$good" \
            >"$work/out" 2>"$work/err"
        judge real-terminal-timeout $? 124 'out of time' 'settings restored'
    fi
else
    skip real-qemu 'no image, or no QEMU'
fi

# ---- Real kernels.
find_kernel() { # GLOB: the first one
    local file
    # shellcheck disable=SC2086 # the glob is meant as one
    for file in ${PARAVANE_TEST_KERNELS:-/nowhere}/$1 "$work"/kernels/$1 /boot/$1 /usr/lib/grub-xen/$1; do
        [ -r "$file" ] && { echo "$file"; return; }
    done
}
real() { # NAME GLOB STATUS TEXT...
    local name=$1 kernel
    kernel=$(find_kernel "$2")
    if [ -n "$kernel" ]; then expect "$name" "${@:3}" -- inspect "$kernel"; else skip "$name" "no $2 here"; fi
}
# What the tests of Linux have fetched.
mkdir "$work/kernels"
[ ! -r build/linux/amd64/vmlinuz ] || ln -s "$PWD/build/linux/amd64/vmlinuz" "$work/kernels/vmlinuz-debian-amd64"
[ ! -d build/linux/grub-images ] || ln -s "$PWD"/build/linux/grub-images/* "$work/kernels/"
real real-linux 'vmlinuz-*-amd64' 0 'bzImage, boot protocol 2' 'GUEST_OS +linux' 'p2m +at 0x8000000000' 'would boot$'
real real-grub-64 grub-x86_64-xen.bin 0 'GUEST_OS +GRUB' 'would boot$'
real real-grub-32 grub-i386-xen.bin 0 'PAE_MODE +yes +.cut off' 'would boot$'
real real-grub-pvh grub-i386-xen_pvh.bin 4 'a PVH guest, not a PV guest'

# ---- The unit tests.
for program in build/cli-san/test_*; do
    if ! [ -x "$program" ] || ! [[ ${program##*/} =~ $pattern ]]; then continue; fi
    bounded "$program" >"$work/out" 2>"$work/err"
    judge "${program##*/}" $? 0 'PASSED'
done

if [ $skipped -ne 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
# No test at all is no success: a pattern with a slip in it, say.
[ $((passed + failed + skipped)) -ne 0 ] || echo "nothing of that name, or it is not built: \`make test-cli\` does that" >&2
[ $failed -eq 0 ] && [ $((passed + skipped)) -ne 0 ]
