# Compare our answers with those recorded.  For run.sh:
#
#   awk -v kind=KIND -v out=FILE -v seen=FILE -f compare.awk file=1 accepted file=2 record file=3 ours
#
# A line is "CALL > ANSWER".  Where the answers differ, the pattern of an accepted difference must match
# "KIND CALL > RECORDED | OURS".  Prints what is not accepted, and to the file OUT a line for each pattern that
# matched: how often, and its number.  To the file SEEN goes a line for each call, command and reason: how often, and the
# first of them.  Last line: "compared N, accepted N, differing N".

function fail(message)
{
    print message
    failed = 1
    exit
}

function call_of(line)
{
    return substr(line, 1, index(line, " > ") - 1)
}

function answer_of(line)
{
    return substr(line, index(line, " > ") + 3)
}

# The command that a call names as its first argument, or "-".
function command_of(line,   words)
{
    split(line, words, " ")
    return match(words[3], /^[A-Za-z_]+/) && (RLENGTH == length(words[3]) || substr(words[3], RLENGTH + 1, 1) == "(") ? \
        substr(words[3], 1, RLENGTH) : "-"
}

function note(line, reason, difference,   words, key)
{
    split(line, words, " ")
    key = words[1] "\t" command_of(line) "\t" reason
    if (!times[key]++)
        first[key] = difference
}

file == 1 {
    if ($0 ~ /^#/ || $0 == "")
        next
    where = index($0, " -- ")
    if (!where)
        fail("accepted: no reason in line " FNR)
    patterns[++nr_patterns] = substr($0, 1, where - 1)
    reasons[nr_patterns] = substr($0, where + 4)
    next
}

file == 2 {
    record[++nr_record] = $0
    next
}

{
    nr_ours++
    if (nr_ours > nr_record || call_of($0) != call_of(record[nr_ours]))
        fail(kind ": call " nr_ours " is not the one recorded, \"" call_of(record[nr_ours]) "\", but \"" call_of($0) "\": make record-xen")
    if ($0 == record[nr_ours])
        next
    difference = kind " " record[nr_ours] " | " answer_of($0)
    for (i = 1; i <= nr_patterns; i++)
        if (difference ~ patterns[i]) {
            matched[i]++
            note($0, reasons[i], substr(difference, length(kind) + 2))
            accepted++
            next
        }
    print difference
    differing++
}

END {
    if (!failed && nr_ours != nr_record)
        print kind ": " nr_ours + 0 " calls, " nr_record + 0 " recorded"
    for (i in matched)
        print matched[i], i >out
    for (key in times)
        print kind "\t" key "\t" times[key] "\t" first[key] >seen
    print "compared " nr_ours + 0 ", accepted " accepted + 0 ", differing " differing + (failed || nr_ours != nr_record)
}
