# shellcheck shell=bash
# shellcheck disable=SC2154 # what tests/cli/run.sh has, which is read before this file
# Suites of kernels: lists read, runs judged, results told in TAP and JUnit's XML.

suites=$work/suites
mkdir "$suites" "$suites/empty"
cp "$work/good" "$suites/b.elf"
cp "$work/good" "$suites/a.elf"
list() { cat >"$suites/$1.tests"; } # NAME: from stdin

expect suite-help 0 'ends = powered-off' 'Exit codes: 0 each test' 'Examples' -- test --help
expect suite-none 2 'which tests' -- test
expect suite-missing 2 'cannot be opened' -- test "$suites/none.tests"
expect suite-empty 2 'neither paravane.tests nor a kernel' -- test "$suites/empty"
expect suite-jobs 2 'jobs 0: not a number from 1 to 64' -- test --jobs 0 "$suites"
expect suite-only-bad 2 'not an extended regular expression' -- test --only '(' "$suites"
expect suite-only-none 2 'no test has such a name' -- test --only '^c$' "$suites"

# wrong NAME TEXT: a list from stdin that makes no sense, with its line.
wrong() {
    list "wrong-$1"
    expect "suite-$1" 2 "wrong-$1.tests:$2" '!TAP' -- test "$suites/wrong-$1.tests"
}
wrong first-line '1: file: \[NAME\] comes first' <<<'file = a.elf'
wrong name '1: a/b: a name has letters' <<<'[a/b]'
wrong name-dots '1: ..: a name has letters' <<<'[..]'
wrong name-open '1: \[a: a name ends with \]' <<<'[a'
wrong twice '3: a: there are two' <<<$'[a]\nfile = a.elf\n[a]'
wrong no-file '2: a: which kernel' <<<'[a]'
wrong key '2: colour: no such key' <<<$'[a]\ncolour = red'
wrong no-value '2: file: neither .NAME. nor KEY = VALUE' <<<$'[a]\nfile'
wrong ends '2: well: say powered-off' <<<$'[a]\nends = well'
wrong ends-large '2: 256: say powered-off' <<<$'[a]\nends = 256'
wrong timeout '2: 0: not a number of seconds' <<<$'[a]\ntimeout = 0'
wrong regex '2: .: not an extended regular expression' <<<$'[a]\nsays = ('
wrong quote "2: sh 'a: a quote has no end" <<<$'[a]\ncommand = sh \'a'
wrong many '18: x: one too many' <<<$'[a]\n'"$(yes 'says = x' | head -n 17)"

with '' expect suite-directory 0 '^TAP version 13$' '^1[.][.]2$' '^ok 1 - a$' '^ok 2 - b$' '^# 2 passed, 0 failed, 0 skipped$' -- test "$suites"
with '' expect suite-only 0 '^1[.][.]1$' '^ok 1 - b$' -- test --only '^b$' "$suites"
with 'exit=43' expect suite-fails 3 '^not ok 1 - a$' '^  message: "exit status 3 instead of 0"$' \
    '^    - "paravane: the guest crashed"$' '^# 0 passed, 2 failed, 0 skipped$' -- test "$suites"

list all <<END
# As expected, each in its own way.
[plain]
file = a.elf
[says]
   file = $suites/b.elf
says = ^hello "world"\$
says-not = ^good ?bye
[arguments]
file = a.elf
ramdisk = b.elf
memory = 24M
cmdline = two  words
options = --seed 77 --qemu-arg='a b'
command = sh -c "x  y" 'z'
ends = 7
[skipped]
file = none.elf
skip = not <yet>
END
said=its_command_ended_with_status_7
with "say=hello_\"world\" log=domain_1_(a.elf):_$said keep=$work" \
    expect suite-all 0 '^ok 1 - plain$' '^ok 2 - says$' '^ok 3 - arguments$' '^ok 4 - skipped # SKIP not <yet>$' \
    '^# 3 passed, 0 failed, 1 skipped$' -- test --logs "$work/suite-logs" --junit "$work/junit.xml" "$suites/all.tests"
if [[ suite-arguments =~ $pattern ]]; then
    grep -qx '^a b$' "$work/arguments" && grep -qE 'seed=77' "$work/arguments" && [ "$(find "$work/suite-logs" -type f -printf "%f\n" | sort | tr '\n' ' ')" = 'arguments.log plain.log says.log ' ]
    judge suite-arguments $? 0
fi
list bad <<END
[says]
file = a.elf
says = never
[says-not]
file = a.elf
says-not = ^hello
[ends]
file = a.elf
ends = crashed
[missing]
file = none.elf
END
with "say=hello say=<&]]>\"$(printf '\x01\xff')" expect suite-bad 3 '^not ok 1 - says$' '^  message: "has not said: never"$' '^not ok 2 - says-not$' \
    '"has said what it should not: .hello"' '^not ok 3 - ends$' 'exit status 0 instead of 3' '^not ok 4 - missing$' 'exit status 2 instead of 0' '^    - "hello"$' \
    '^    - "<&\]\]>."\\x01' '^# 0 passed, 4 failed, 0 skipped$' -- test --jobs 3 --junit "$work/junit.xml" "$suites/bad.tests"
if [[ suite-junit =~ $pattern ]]; then
    python3 - "$work/junit.xml" >"$work/out" 2>"$work/err" <<'END'
import sys, xml.etree.ElementTree
suite = xml.etree.ElementTree.parse(sys.argv[1]).getroot()
print(suite.get("tests"), suite.get("failures"), suite.get("errors"), suite.get("skipped"))
for case in suite:
    print(case.get("name"), case[0].tag, case[0].get("message"))
assert "hello\n<&]]>\"\\x01" in suite[0].findtext("system-out")
END
    judge suite-junit $? 0 '^4 3 1 0$' '^says failure has not said: never$' '^missing error exit status 2 instead of 0$'
fi
with '' expect suite-junit-lost 1 'none/x.xml: cannot be written' -- test --junit "$work/none/x.xml" "$suites"
