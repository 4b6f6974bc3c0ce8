#!/usr/bin/env bash
# Do the documents say what is so?
#
#   kernels    each block of C in docs/porting.md is a whole kernel: it compiles as one, by both compilers, without a
#              warning, and boots as a PV guest, prints, and powers off
#   new-guest  `make new-guest` writes the first of these, which is built out of the tree, boots, and says what the page
#              shows; the page's own lines build it, too
#   bare       nothing is compiled before tools/setup has been asked for the compiler
#   targets    each target of make that a document names is one; what is none says so and fails
#   commands   each `paravane` command that a document shows runs as it stands, in a directory with the files that it names
#   citations  no rule is cited from a document that is not in the repository, or by a number that nothing explains
#   order      the reading orders name each source of their folder, and nothing else
#   width      text has at most 120 columns; tables and what is shown as it stands may have more
#   files      each file of this tree that a document names, as a link or a path, is there
#   excerpts   what a document shows of a source stands there, and what it shows of a run is what that run prints
#   numbers    the addresses and numbers of docs/memory-layout.md are those of the headers
#   questions  the answers to tests/docs/questions.md stand where they say, and docs/pv-mmu.md leads there
#   coverage   each statement of abi/ that has a name is shown by a test, or declared, and docs/coverage.md says by which
#   figures    each figure of README.md has the command that prints it, which is a target, or prints one that is not more
#              than a tenth away
#   picture    docs/overview.svg is what tools/docs/overview.py draws
#   container  what the Containerfile copies, runs and makes is there; no container is needed to see that
#
# Usage: tests/documents/run.sh [NAME...]      default: all
#
# The last line is "N passed, N failed".  What was said is in build/log/documents.  The hypervisor, the command, the
# guests and the Debian package must have been built, and Debian's kernel be there.  Environment: the limits of tests/lib/limits.sh.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/limits.sh

log=build/log/documents
rm -rf $log
mkdir -p $log
passed=0 failed=0

# What somebody reads.
mapfile -t documents < <(find . -name build -prune -o -name '*.md' -print | sort)

verdict() { # STATUS NAME [LOG]
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok $2"
    else
        failed=$((failed + 1))
        echo "FAILED $2"
        [ -z "${3:-}" ] || tail -n 20 "$3" | tr -d '\r' | sed 's/^/    | /'
    fi
}

# fenced FILE DIRECTORY: each block of C into DIRECTORY/kernel-N/kernel.c
fenced() {
    awk -v to="$2" '
        /^```c$/ { inside = 1; file = to "/kernel-" ++n "/kernel.c"; system("mkdir -p " to "/kernel-" n); next }
        /^```/ { inside = 0; next }
        inside { print >file }' "$1"
}

test_kernels() {
    local directory name out
    fenced docs/porting.md $log
    for directory in "$log"/kernel-*/; do
        name=$(basename "$directory")
        out=$log/$name.log
        rm -f build/guests{,-clang}/"$name.elf"
        make --no-print-directory kernel KERNEL="$directory" >"$out" 2>&1
        verdict $? "kernels: $name of docs/porting.md compiles" "$out"
        bounded build/cli/paravane run --audit --timeout "$limit" "${virtual_time[@]}" "build/guests/$name.elf" >"$out" 2>&1 &&
            [ "$(grep -cv '^paravane: ' "$out")" -gt 0 ] && grep -q 'powered off' "$out"
        verdict $? "kernels: $name of docs/porting.md boots" "$out"
    done
    ! make kernel KERNEL=docs >$log/none.log 2>&1 && grep -q 'docs has no sources' $log/none.log
    verdict $? "kernels: a directory without sources is told so" $log/none.log
    [ -e $log/kernel-1 ]
    verdict $? "kernels: there are some"
}

# What porting.md shows of the first kernel's run, and how to build it by hand.
hello_shown() { sed -n '/^    Hello/,/^This is the kernel/s/^    //p' docs/porting.md; }
hello_lines() { sed -n '/^    make -C \$P/,/^    \$P.* run /s/^    //p' docs/porting.md; }

# Lines without order, and from a file each, since the log has a way of its own; and without numbers of pages and addresses.
hello_sorted() { tr -d '\r' | sed -E 's/\b(0x)?[0-9a-f]{3,16}\b/NUMBER/g' | sort -u; }

# hello_unsaid FILE [PATTERN]: what the page shows, of what matches the pattern, and the file has not.
hello_unsaid() { comm -23 <(hello_shown | grep -E "${2:-}" | hello_sorted) <(hello_sorted <"$1"); }

test_new-guest() {
    local work out=$PWD/$log/new-guest.log tree=$PWD
    work=$(mktemp -d)
    make -s new-guest DIR="$work/hello" >"$out" 2>&1 &&
        bounded make -s -C "$work/hello" run OPTIONS="--explain --timeout $limit" </dev/null >>"$out" 2>"$out.log" &&
        cat "$out.log" >>"$out" && [ -n "$(hello_shown)" ] && [ -z "$(hello_unsaid "$out" | tee -a "$out")" ]
    verdict $? "new-guest: what it writes says what docs/porting.md shows" "$out"
    mkdir "$work/hand" && fenced docs/porting.md "$work/fenced" &&
        cp "$work/fenced/kernel-1/kernel.c" "$work/hand/hello.c" && cmp "$work/hand/hello.c" "$work/hello/hello.c" >"$out" &&
        (cd "$work/hand" && P=$tree bounded bash -eu -c "$(cd "$tree" && hello_lines)" </dev/null >>"$out" 2>"$out.log") &&
        cat "$out.log" >>"$out" && [ -z "$(hello_unsaid "$out" '^[^p]|domain 1 .hello' | tee -a "$out")" ]
    verdict $? "new-guest: the lines of docs/porting.md build the same by hand" "$out"
    make -s new-guest DIR="$work/narrow" WIDTH=32 >"$out" 2>&1 &&
        bounded make -s -C "$work/narrow" run OPTIONS="--timeout $limit" </dev/null >>"$out" 2>"$out.log" &&
        [ "$(od -An -tu1 -j4 -N1 "$work/narrow/build/narrow.elf")" -eq 1 ] &&
        [ -z "$(hello_unsaid "$out" '^[^p]' | tee -a "$out")" ] &&
        ! make -s new-guest DIR="$work/odd" WIDTH=16 >>"$out" 2>&1 && [ ! -e "$work/odd" ]
    verdict $? "new-guest: one of 32 bits says the same" "$out"
    echo mine >"$work/hello/hello.c"
    ! make -s new-guest DIR="$work/hello" >"$out" 2>&1 && grep -q 'something is there already' "$out" &&
        grep -qx mine "$work/hello/hello.c"
    verdict $? "new-guest: what is there is left alone" "$out"
    ! make -s new-guest >"$out" 2>&1 && grep -q 'which directory?' "$out" && ! make -s new-guest DIR="$work/.b" >"$out" 2>&1
    verdict $? "new-guest: a directory that cannot give a name is refused" "$out"
    ! make -s new-guest DIR="$work/my kernel" >"$out" 2>&1 && grep -q 'my kernel: .*spaces' "$out" && [ ! -e "$work/my" ]
    verdict $? "new-guest: spaces in the path are what is said of them" "$out"
    rm -rf "$work"
}

# Lines of commands in documents and in `make help`, without comments, continuation lines joined.
commands() {
    { cat "${documents[@]}"; make -s help; } | sed -e ':a' -e '/\\$/{N;s/\\\n *//;ba' -e '}' | sed -nE 's/^ {2,}([^ ].*)/\1/p' |
        sed -E 's/  +[^ -].*$//; s/ +#.*$//'
}

# In a copy of the tree, whose tools/setup can install nothing.
test_bare() {
    local work target
    work=$(mktemp -d)
    find . \( -path ./build -o -path ./.git \) -prune -o -type f -print0 | xargs -0 cp --parents -t "$work"
    printf '#!/bin/sh\nexit 1\n' >"$work/tools/setup"
    mkdir "$work/bin"
    printf '#!/bin/sh\necho "${0##*/} $*" >>%q\nexit 1\n' "$work/early" >"$work/bin/gcc"
    chmod +x "$work/bin/gcc"
    for target in clang ar ld nm objcopy objdump; do ln -s gcc "$work/bin/$target"; done
    for target in run test docs bench-calls; do
        : >"$work/early"
        ! PATH=$work/bin:$PATH make -k -C "$work" $target >$log/bare-$target.log 2>&1 &&
            grep -q 'build/\.tools.* Error 1' $log/bare-$target.log && [ ! -s "$work/early" ]
        verdict $? "bare: make $target begins with tools/setup" "$work/early"
    done
    rm -rf "$work"
}

test_targets() {
    local target all
    all=$(make -pnqRr help 2>/dev/null | sed -n 's/^\.PHONY: //p')
    for target in $(commands | sed -nE 's/^make( -[^ ]+ [^ ]+)?( |$)//p' | tr ' ,' '\n\n' | grep -vE '=|^$|^-' | sort -u); do
        case " $all " in
        *" $target "*) ! grep -qw "$target" <<<"$(make -s print-FOLDERS)" ;;
        *) [[ $target = build/* ]] && make -nRr "$target" >$log/target.log 2>&1 ;;
        esac
        verdict $? "targets: make $target"
    done
    for target in 'soak SECONDS=1m' 'soak SECONDS=' 'fuzz SEED=x'; do
        # shellcheck disable=SC2086
        ! make -n $target >$log/target.log 2>&1 && grep -q 'not a number' $log/target.log
        verdict $? "targets: make $target is refused"
    done
    for target in $(make -s print-FOLDERS); do
        ! make -s "$target" >$log/target.log 2>&1 && ! make -s "$target/" >$log/target.log 2>&1
        verdict $? "targets: make $target says that it is none"
    done
    grep -q 'tools/docs/generate.py' <<<"$(make -n docs/ 2>&1)"
    verdict $? "targets: make docs/ is make docs"
}

# What stands in the documents for a file of the reader's own, and what it is here.
prepare() { # DIRECTORY
    mkdir -p "$1/vm" && ln -s "$PWD/build" "$1/build"
    cp build/guests/demo.elf "$1/KERNEL" && cp build/guests/demo.elf "$1/vmlinuz" && echo ramdisk >"$1/initrd.img"
    truncate -s 1M "$1/debian.img"
    echo 'kernel = "vmlinuz"; memory = 64; disk = [ "debian.img,raw,xvda,r" ]; vif = [ "" ]' | tee "$1/web.cfg" "$1/db.cfg" >"$1/mail.cfg"
}

test_commands() {
    local directory=$log/commands command out=$log/command.log
    prepare $directory
    while read -r command; do
        # Those with a command for the guest need a Linux that runs it: tests/linux has such.
        case $command in *'['* | *...* | *'build/guests/mine.elf'* | *' -- '*) continue ;; esac
        # What boots from a disk is not GRUB, which would wait for somebody at its prompt.
        (cd $directory && export PARAVANE_GRUB=KERNEL && eval "bounded $command" </dev/null >"$OLDPWD/$out" 2>&1)
        verdict $? "commands: $command" "$out"
    done < <(commands | grep -E '^(build/cli/)?paravane (run|inspect|decode) ' | sed 's|^paravane|build/cli/paravane|' | sort -u)
}

test_files() {
    local document name missing
    for document in "${documents[@]}"; do
        missing=''
        while read -r name; do
            [ -e "$(dirname "$document")/$name" ] || missing="$missing $name"
        done < <(grep -oE '\]\([^)#:]+\)' "$document" | tr -d '])(' | sort -u)
        while read -r name; do
            [ -e "$name" ] || missing="$missing $name"
        done < <(grep -oE '`(abi|backend|cli|docs|engine|guest|guests|hv|linux|sim|tests|tools)/[A-Za-z0-9_./-]+`' "$document" |
            tr -d '`' | sort -u)
        [ -z "$missing" ]
        verdict $? "files: ${document#./}${missing:+ names what is not there:$missing}"
    done
}

# The sources in the reading order of a document, as patterns, without their endings.  A path is another folder's, but
# with FOLDER in front.
in_order() { # DOCUMENT FOLDER
    sed -n '/^## Reading order/,/^## Rules/p' "$1" | grep -oE '`[a-z_0-9.*/]+\.[chS]`' | tr -d '`' | sed "s|^$2/||; /\//d; s|\..*||"
}

test_order() {
    local document folder file files name names pattern missing strange
    while read -r document folder; do
        missing='' strange=''
        mapfile -t names < <(in_order "$document" "$folder")
        # A folder may have rooms: every file in them is named, too.
        mapfile -t files < <(compgen -G "$folder/*.[cS]"; [ "$folder" != hv ] || compgen -G "$folder/*/*.[cS]")
        for file in "${files[@]}"; do
            name=$(basename "$file")
            for pattern in "${names[@]}"; do
                # shellcheck disable=SC2053
                [[ ${name%%.*} != $pattern ]] || continue 2
            done
            missing="$missing $name"
        done
        for pattern in "${names[@]}"; do
            compgen -G "$folder/$pattern.*" >/dev/null || compgen -G "$folder/*/$pattern.*" >/dev/null ||
                strange="$strange $pattern"
        done
        [ -z "$missing$strange" ]
        verdict $? "order: $document${missing:+ does not name:$missing}${strange:+ names what is not there:$strange}"
    done <<<$'engine/README.md engine\nhv/README.md hv\nguest/README.md guest\nbackend/README.md backend\ncli/README.md cli'
}

test_width() {
    local document
    for document in "${documents[@]}"; do
        LC_ALL=C.UTF-8 grep -nE '^.{121}' "$document" | grep -vE '^[0-9]+:(\||    )' >$log/width.log
        [ ! -s $log/width.log ]
        verdict $? "width: ${document#./}" $log/width.log
    done
}

test_citations() {
    local number missing=''
    # In two parts, or this file would be found.
    ! grep -rnIiE --exclude-dir=build --exclude-dir=.git 'abi-fac''ts|security-less''ons' . >$log/citations.log 2>&1
    verdict $? citations $log/citations.log
    for number in $(grep -hoE '^Breaks:.*' tests/defects/*.patch | grep -oE '\bI[0-9]+b?\b' | sort -u); do
        grep -qE "(^\| | )$number( \||: )" tests/defects/README.md || missing="$missing $number"
    done
    [ -z "$missing" ]
    verdict $? "citations: rules of planted defects${missing:+, not in tests/defects/README.md:$missing}"
}

# planted NAME SCRIPT FILE COMMAND...: with FILE changed by sed's SCRIPT, COMMAND on the changed file must fail.
planted() {
    local name=$1 script=$2 file=$3 changed=$log/planted
    shift 3
    sed -E "$script" "$file" >$changed
    ! cmp -s "$file" $changed && ! "$@" $changed >$log/planted.log 2>&1
    verdict $? "$name is noticed" $log/planted.log
}

test_excerpts() {
    local kept=guests/tests/recipes/output said=$log/recipes.out explained=$log/recipes.err check=tools/docs/excerpts.py
    python3 $check check "${documents[@]}" >$log/excerpts.log 2>&1
    verdict $? 'excerpts: they are what the sources and the kept outputs have' $log/excerpts.log
    planted 'excerpts: a changed line of a source' 's/MMUEXT_PIN_L4_TABLE/MMUEXT_PIN_L3_TABLE/' docs/pv-mmu.md \
        python3 $check check
    planted 'excerpts: a changed line of a run' 's/^ok fork: 0$/ok fork: 1/' docs/pv-mmu.md python3 $check check
    planted 'excerpts: a changed line of what a command prints' 's/not global$/global/' docs/pv-mmu.md python3 $check check
    planted 'excerpts: a part that is not shown' 's/^<!-- output .* load -->$//' docs/pv-mmu.md python3 $check check
    bounded build/cli/paravane run --explain --timeout "$limit" --memory 64M "${virtual_time[@]}" \
        build/guests/tests/recipes.elf >$said 2>$explained </dev/null
    verdict $? 'excerpts: the recipes run' $said
    python3 $check compare $kept $said $explained >$log/compare.log 2>&1
    verdict $? 'excerpts: and print what is kept' $log/compare.log
    planted 'excerpts: another reason in the run' 's/ALREADY_PINNED/NOT_PINNED/' $explained \
        python3 $check compare $kept $said
    planted 'excerpts: another frame in the run' '0,/frame [0-9a-f]+ of/s//frame 1 of/' $explained \
        python3 $check compare $kept $said
}

test_numbers() {
    python3 tools/docs/quoted_numbers.py docs/memory-layout.md abi/layout.h hv/base/layout.h >$log/numbers.log 2>&1
    verdict $? numbers $log/numbers.log
    planted 'numbers: another value' 's/0xffff830000000000/0xffff831000000000/' docs/memory-layout.md python3 tools/docs/quoted_numbers.py
    planted 'numbers: a name that no header has' 's/`WINDOW_PAGES`/`WINDOWS_PAGES`/' docs/memory-layout.md \
        python3 tools/docs/quoted_numbers.py
    sed '/`DEVICE_BASE`/d' docs/memory-layout.md >$log/planted
    ! python3 tools/docs/quoted_numbers.py $log/planted hv/base/layout.h >$log/numbers.log 2>&1
    verdict $? 'numbers: an area that is not shown is noticed' $log/numbers.log
}

test_questions() {
    local check=(python3 tests/documents/answers.py docs/pv-mmu.md tests/docs/questions.md)
    "${check[@]}" tests/docs/answers.md >$log/questions.log 2>&1
    verdict $? questions $log/questions.log
    planted 'questions: words that stand nowhere' 's/stay done/stay undone/' tests/docs/answers.md "${check[@]}"
    planted 'questions: a heading that the article does not lead to' \
        's|`abi/multicall.h` .*|`abi/mmu.h` `domid`: "name a running domain"|' tests/docs/answers.md "${check[@]}"
}

test_coverage() {
    tools/docs/coverage.py --check >$log/coverage.log 2>&1
    verdict $? coverage $log/coverage.log
    tests/docs/test_coverage.py >$log/coverage-faults.log 2>&1
    verdict $? 'coverage: planted faults are found' $log/coverage-faults.log
}

test_container() {
    local name missing='' steps
    steps=$(grep -E '^(RUN|CMD) ' Containerfile)
    # From the tree, and from the tree that the first stage has built.
    for name in $(sed -nE 's|^COPY (--from=build /paravane/)?([^-].*) [^ ]+$|\2|p' Containerfile); do
        [ -e "$name" ] || missing="$missing $name"
    done
    for name in $(grep -oE '(tools|\.ci)/[a-z-]+' <<<"$steps"); do
        [ -x "$name" ] || missing="$missing $name"
    done
    for name in $(grep -oE '\bmake [a-z]+' <<<"$steps" | cut -d ' ' -f 2); do
        make -nRr "$name" >$log/target.log 2>&1 || missing="$missing $name"
    done
    [ -n "$steps" ] && [ -z "$missing" ]
    verdict $? "container${missing:+ names what is not there:$missing}"
}

# near FIGURE LINE: is a number of the line within a tenth of it?
near() {
    local number
    for number in $(grep -oE '[0-9]+' <<<"$2"); do
        [ $((10 * (number - $1))) -gt "$1" ] || [ $((10 * ($1 - number))) -gt "$1" ] || return 0
    done
    return 1
}

test_figures() {
    local what figure command target unit last all rows=0
    all=" $(make -pnqRr help 2>/dev/null | sed -n 's/^\.PHONY: //p') "
    while IFS='|' read -r _ what figure command _; do
        command=$(tr -d '`' <<<"$command" | sed 's/^ *//; s/ *$//')
        rows=$((rows + 1))
        if [[ $command = make\ * ]]; then
            target=${command#make }
            [[ $all = *" ${target%% [A-Z]*=*} "* ]]
        else
            unit=$(grep -oE '[0-9] [A-Za-z]+' <<<"$figure" | cut -c 2-)
            last=$(eval "$command" 2>&1 | grep -E "[0-9]$unit" | tail -n 1)
            near "$(grep -oE '[0-9]+' <<<"$figure" | head -n 1)" "$last"
        fi
        verdict $? "figures:$what:$figure: $command${last:+: $last}"
        last=''
    done < <(sed -n '/^## Figures/,/^## The/p' README.md | grep -E '^\|.*`')
    [ $rows -gt 0 ]
    verdict $? "figures: there are some"
}

test_picture() {
    tools/docs/overview.py | cmp - docs/overview.svg
    verdict $? "picture: docs/overview.svg"
}

all=(kernels new-guest bare targets commands order width files citations excerpts numbers questions coverage figures picture container)
[ $# -ne 0 ] || set -- "${all[@]}"
for name in "$@"; do
    if ! declare -F "test_$name" >/dev/null; then
        echo "tests/documents/run.sh: no test called $name, but: ${all[*]}" >&2
        exit 2
    fi
    "test_$name"
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
