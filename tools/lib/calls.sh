# shellcheck shell=bash
# Who calls whom, by what objects refer to among themselves; an address that is taken counts as a call.  Sourced by the
# checks of tools/.

# calls DIRECTORY OBJECT...: a line "CALLER CALLEE SYMBOL" for each, the files named as paths in DIRECTORY, without .o.
calls() {
    local directory=$1
    shift
    ls "$@" >/dev/null || { echo "not built; \`make check\` does that" >&2; return 1; }
    nm -A "$@" | sed "s|^$directory/\([^:]*\)\.o:|\1 |" | awk '
        $2 == "U"               { caller[++n] = $1; wanted[n] = $3; next }
        NF == 4 && $3 ~ /[A-Z]/ { owner[$4] = $1 }
        END {
            for (i = 1; i <= n; i++)
                if (wanted[i] in owner && owner[wanted[i]] != caller[i]) print caller[i], owner[wanted[i]], wanted[i]
        }'
}

# no_circle FOLDER: such lines on standard input.  Names the files of a circle, and fails, if there is one.
no_circle() {
    local circle
    circle=$(awk '{ print $1, $2 }' | LC_ALL=C sort -u | tsort 2>&1 >/dev/null) && return
    echo "$1: files that call each other in a circle:"
    sed -n 's|^tsort: ||p' <<<"$circle" | grep -v 'contains a loop'
    return 1
}
