# Runs of programs, some at a time, each judged by its exit status and by what it said.  For scripts of the tests:
#
#   . tests/lib/runs.sh
#
# They set: jobs (how many at a time), log (a directory), pattern (which names to run), and may set bad (an extended
# regular expression that no log may match).  Nothing runs before begin(); runs_end() is the last command.

. tests/lib/limits.sh
mkdir -p "$log"
work=$(mktemp -d "$log/.run.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'trap - TERM; kill $(jobs -p) 2>/dev/null; exit 130' INT TERM
names=()
bad=

# verdict NAME STATUS WANTED SECONDS TEXT...: a run passes with the exit status WANTED if its log has each TEXT.
verdict() {
    local name=$1 status=$2 wanted=$3 seconds=$4 out=$log/$1.log text why=''
    shift 4
    [ "$status" -eq "$wanted" ] || why="; status $status instead of $wanted"
    [ -z "$(bounds "$status")" ] || why="; $(bounds "$status")"
    for text in "$@"; do
        grep -qaE -e "$text" "$out" || why="$why; nothing like: $text"
    done
    if [ -n "$bad" ] && grep -aE "$bad" "$out" >"$work/$name.bad"; then
        why="$why; $(head -n 1 "$work/$name.bad" | tr -d '\r')"
    fi
    if [ -z "$why" ]; then
        echo pass >"$work/$name.verdict"
        printf '%-28s passed  %s s\n' "$name" "$seconds"
    else
        echo fail >"$work/$name.verdict"
        printf '%-28s FAILED: %s; %s:\n' "$name" "${why#; }" "$out"
        tail -n 60 "$out" | tr -d '\r' | sed 's/^/    | /'
    fi
}

# perform NAME WANTED TEXT... -- COMMAND...
perform() {
    local name=$1 wanted=$2 texts=() begin=$EPOCHREALTIME status
    shift 2
    while [ "$1" != -- ]; do texts+=("$1"); shift; done
    shift
    bounded "$@" </dev/null >"$log/$name.log" 2>&1
    status=$?
    verdict "$name" $status "$wanted" \
        "$(awk -v b="$begin" -v e="$EPOCHREALTIME" 'BEGIN { printf "%.1f", e - b }')" ${texts[@]+"${texts[@]}"} \
        >"$work/.$name"
    flock "$work" cat "$work/.$name"
}

# begin NAME ...: perform() beside the others, as soon as there is room.
begin() {
    [[ $1 =~ $pattern ]] || return 0
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    names+=("$1")
    perform "$@" &
}

# Wait for all and count them.  None at all is a failure.
runs_end() {
    local name passed=0 failed=0
    wait
    for name in ${names[@]+"${names[@]}"}; do
        if [ "$(cat "$work/$name.verdict" 2>/dev/null)" = pass ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    done
    echo "$passed passed, $failed failed"
    [ $failed -eq 0 ] && [ $passed -gt 0 ]
}
