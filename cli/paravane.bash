# Completion of `paravane` for bash: commands, options, machines, formats, files.

# The devices of guest $2 that $1, plug or unplug, has something to do with.  A guest is a line of the list.
_paravane_devices()
{
    local is_plugged=true

    [ "$1" = unplug ] || is_plugged=false
    "${COMP_WORDS[0]}" list --json 2>/dev/null | grep -F "{\"name\": \"$2\", \"number\"" |
        grep -oE "\"name\": \"[^\"]*\", \"plugged\": $is_plugged" | cut -d '"' -f 4
}

# What speaks to runs under way: the names of their guests.
_paravane_running()
{
    local command=${COMP_WORDS[1]} words=
    local -A options=([list]=--json [shutdown]='--run --timeout' [reboot]='--run --timeout' [unplug]='--run --timeout --force')

    if [[ $before == --@(run|timeout) ]]; then
        return
    elif [[ $word == -* || $command = list ]]; then
        words="${options[$command]---run} --help --usage"
    elif [ "$command" = set ] && [ "$COMP_CWORD" -ge 3 ]; then
        [ "$COMP_CWORD" -gt 3 ] || words='memory vcpus'
    elif [[ $command == @(plug|unplug) && $COMP_CWORD -ge 3 ]]; then
        [ "$COMP_CWORD" -gt 3 ] || words=$(_paravane_devices "$command" "${COMP_WORDS[2]}")
    else
        words=$("${COMP_WORDS[0]}" list 2>/dev/null | awk 'NR > 1 { print $1 }' | sort -u)
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

_paravane()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words

    # --machine=pc comes as three words.
    if [ "$word" = = ]; then
        word=
    elif [ "$before" = = ]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        words='run test replay map image list console shutdown reboot destroy set plug unplug inspect decode --help --version'
    elif [[ ${COMP_WORDS[1]} == @(list|console|shutdown|reboot|destroy|set|plug|unplug) ]]; then
        _paravane_running
        return
    elif [ "$before" = --machine ]; then
        words='pc q35 microvm'
        [ "${COMP_WORDS[1]}" = run ] || words='pc q35'
    elif [ "$before" = --audit ] && [ "${COMP_WORDS[1]}" = replay ]; then
        words='end every none'
    elif [ "$before" = --format ]; then
        words='raw qcow2 iso'
    elif [ "$before" = --on-failure ]; then
        words='poweroff halt'
    elif [ "$before" = --on-reboot ]; then
        words='restart destroy'
    elif [ "$before" = --share ]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
    elif [ "$before" = --net ]; then
        words='user tap none'
    elif [[ $before == --@(guest|console|memory|maxmem|vcpus|pin|weight|uuid|cmdline|timeout|seed|cpus|qemu-arg|stop-at) || $before == -[mct] ]]; then
        return
    elif [[ ${COMP_WORDS[1]} == decode && $word != -* ]]; then
        case $before in decode) words=entry ;; --level) words='1 2 3 4' ;; *) return ;; esac
    elif [[ $word != -* || $before == --@(ramdisk|disk|cdrom|output|junit|logs|trace-to|record|save|map|from) || $before == -[ro] ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
    elif [ "${COMP_WORDS[1]}" = run ]; then
        words='--guest --console --memory --maxmem --vcpus --pin --weight --uuid --ramdisk --cmdline --disk --cdrom --net --share --privileged --linear-tables --on-reboot --demo --timeout --verbose --explain --trace --trace-only --trace-to --record --map --audit --snapshot
            --seed --machine --cpus --gdb --qemu-arg --help --usage'
    elif [ "${COMP_WORDS[1]}" = image ]; then
        words='--guest --memory --maxmem --vcpus --pin --weight --uuid --ramdisk --cmdline --disk --cdrom --net --share --privileged --linear-tables --on-reboot --demo --output --format --machine --on-failure
            --help --usage'
    elif [ "${COMP_WORDS[1]}" = test ]; then
        words='--jobs --timeout --junit --logs --only --help --usage'
    elif [ "${COMP_WORDS[1]}" = replay ]; then
        words='--audit --flushes --strays --seed --stop-at --list --frames --speed --save --help --usage'
    elif [ "${COMP_WORDS[1]}" = map ]; then
        words='--from --stop-at --help --usage'
    elif [ "${COMP_WORDS[1]}" = decode ]; then
        words='--level --narrow --help --usage'
    else
        words='--help --usage'
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _paravane paravane
