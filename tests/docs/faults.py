# SPDX-License-Identifier: MIT
"""Faults planted in a copy of what the generator reads.  Each must be told by file and line, and nothing else."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

GENERATOR = os.path.abspath('tools/docs/generate.py')
# A copy of these is enough to look for faults.
FILES = ['engine/hypercall.c', 'hv/call/hypercall.c', 'engine/refuse.h', 'hv/domain/advice.c',
         'hv/domain/call_refuse.h']

# (name, file, what stands there, what is put in its place; the complaint: where, which is the line that this ends in,
# and what is said)
FAULTS = [
    ('a group that is not closed', 'abi/mmu.h', '/* ` } */\n', '', '/* ` enum mmu_update_cmd', 'is not closed'),
    ('a group closed twice', 'abi/mmu.h', '/* ` } */\n', '/* ` } */\n/* ` } */\n',
     '/* ` } */\n/* ` } */', 'not open'),
    ('a group without constants', 'abi/ring.h', '#endif', '/* ` enum nobody { */\n/* ` } */\n#endif', '/* ` } */',
     'empty'),
    ('a group that is there twice', 'abi/vcpu.h', '#endif', '/* ` enum domid { */\n#define A_NAME 1\n/* ` } */\n#endif',
     '/* ` enum domid {', 'enum domid is there already'),
    ('a label that leads nowhere', 'abi/multicall.h', ' * `\n', ' * ` See [nowhere].\n', 'See [nowhere]',
     'no heading [nowhere]'),
    ('a label in a comment of a member', 'abi/event.h', '/* => enum domid */', '/* => enum domid, see [nowhere] */',
     'see [nowhere]', 'no heading [nowhere]'),
    ('a member of a group that is not there', 'abi/event.h', '/* => enum domid */', '/* => enum nobody */',
     '=> enum nobody', 'no group enum nobody'),
    ('a prototype with a group that is not there', 'abi/sched.h', 'enum sched_cmd cmd, void', 'enum nobody cmd, void',
     'enum nobody', 'no group enum nobody'),
    ('a structure that is not there', 'abi/event.h', '/* => enum domid */', '/* => struct nobody */',
     '=> struct nobody', 'no struct nobody'),
    ('a number without a prototype', 'abi/hypercall.h', '#define __HYPERVISOR_hypfs_op ',
     '#define __HYPERVISOR_nothing 63\n#define __HYPERVISOR_hypfs_op ', '#define __HYPERVISOR_nothing',
     'a number without a prototype: HYPERVISOR_nothing'),
    ('a prototype without a number', 'abi/hypercall.h', 'HYPERVISOR_xsm_op(', 'HYPERVISOR_other_op(',
     'HYPERVISOR_other_op(', 'a prototype without a number: HYPERVISOR_other_op'),
    ('a call of the engine without either', 'engine/hypercall.c', '    [__HYPERVISOR_mmu_update]',
     '    [__HYPERVISOR_secret] = do_mmu_update,\n    [__HYPERVISOR_mmu_update]', '[__HYPERVISOR_secret]',
     'HYPERVISOR_secret is called, and has no prototype'),
    ('a call of hv without either', 'hv/call/hypercall.c', '    [__HYPERVISOR_iret]',
     '    [__HYPERVISOR_secret] = call_iret,\n    [__HYPERVISOR_iret]', '[__HYPERVISOR_secret]',
     '__HYPERVISOR_secret is no number'),
    ('an argument that is not described', 'abi/io.h', ' * ` @cmd: Read or write.\n', '', 'HYPERVISOR_console_io(',
     '@cmd is not described'),
    ('a description of no argument', 'abi/sched.h', ' * ` @cmd: What to do.\n',
     ' * ` @cmd: What to do.\n * ` @dmc: What?\n', '@dmc', '@dmc is no argument'),
    ('a heading without a title', 'abi/sched.h', 'incontents 430 sched_op Waiting', 'incontents sched_op Waiting',
     'incontents sched_op', 'not a heading'),
    ('a label that is there twice', 'abi/sched.h', 'incontents 440 set_timer_op', 'incontents 441 sched_op',
     'incontents 441', 'the label sched_op is there already'),
    ('a priority that is there twice', 'abi/sched.h', 'incontents 440', 'incontents 430', 'incontents 430 set',
     'the priority 430 is there already'),
    ('a tag that is none', 'abi/multicall.h', ' * `\n', ' * ` Text. {What is this}\n', '{What is this}',
     'a tag is the name'),
    ('a row with one space between its columns', 'abi/hypercall.h', 'arguments  rdi', 'arguments rdi', 'arguments rdi',
     'two spaces between its columns'),
    ('a reason that is none', 'abi/multicall.h', ' * `\n', ' * ` Text. {BAD_LUCK}\n', '{BAD_LUCK}', 'there is no such reason'),
    ('a statement that is there twice', 'abi/multicall.h', ' * `\n', ' * ` One. {once-more}\n * ` Two. {once-more}\n',
     'Two. {once-more}', 'is there already'),
]
# What else one of them brings about: a name that leads nowhere now, or a second thing that the same line breaks.
ALSO = {'a heading without a title', 'a label that is there twice', 'a prototype without a number',
        'a call of the engine without either', 'a call of hv without either'}


def run(verdicts, _directory):
    with tempfile.TemporaryDirectory() as tree:
        copy(tree)
        verdicts.verdict('faults: none in the tree as it is', complaints(tree))
        for fault in FAULTS:
            copy(tree)
            verdicts.verdict(f'faults: {fault[0]}', look(tree, *fault))
    with tempfile.TemporaryDirectory() as place:
        verdicts.verdict('faults: a place that is not its own', places(place))
    with tempfile.TemporaryDirectory() as place:
        verdicts.verdict('faults: a run that ends early', early(os.path.join(place, 'docs')))


def places(place):
    """What is wrong with where the generator begins: an empty place, its own, and none that has something else."""
    mine = os.path.join(place, 'notes')
    if start(place).returncode or start(place).returncode or not os.path.exists(os.path.join(place, 'style.css')):
        yield 'an empty directory, or one of an earlier run, is not taken'
    os.remove(os.path.join(place, 'style.css'))
    with open(mine, 'w', encoding='utf-8') as file:
        file.write('mine')
    for path, said in (place, 'something else'), (mine, 'Not a directory'), (f'{mine}/docs', 'Not a directory'):
        ran = start(path)
        if ran.returncode != 1 or ran.stderr.count('\n') != 1 or said not in ran.stderr or not os.path.exists(mine):
            yield f'{os.path.relpath(path, place)}: status {ran.returncode}, {ran.stderr}'


def early(directory):
    """What is wrong with a run that fails or is killed when it has written a page: the former pages stay."""
    beside = os.path.dirname(directory)
    if start(directory, 'made.file("a/page.html", "first")').returncode:
        yield 'a whole run fails'
    for end in 'raise SystemExit(1)', 'os.kill(os.getpid(), 9)', 'made.file("a/page.html", "twice")':
        ran = start(directory, f'made.file("a/page.html", "other"); made.file("b.html", "other"); {end}')
        there = sorted(glob.glob('**', root_dir=directory, recursive=True))
        said = read(directory, 'a/page.html')
        if not ran.returncode or there != ['a', 'a/page.html', 'style.css'] or said != 'first':
            yield f'{end}: status {ran.returncode}, {there}'
    if start(directory, 'made.file("b.html", "last")').returncode or os.listdir(beside) != ['docs'] or \
            sorted(os.listdir(directory)) != ['b.html', 'style.css'] or read(directory, 'b.html') != 'last':
        yield f'the next one: {os.listdir(beside)}, {os.listdir(directory)}'


def read(directory, name):
    with open(os.path.join(directory, name), encoding='utf-8') as file:
        return file.read()


def start(directory, then='pass'):
    code = f'import os, sys, output\nwith output.Output(sys.argv[1]) as made: {then}'
    return subprocess.run([sys.executable, '-B', '-c', code, directory], capture_output=True, text=True, check=False,
                          env={**os.environ, 'PYTHONPATH': os.path.dirname(GENERATOR)})


def copy(tree):
    for path in glob.glob('abi/*.h') + FILES:
        os.makedirs(os.path.join(tree, os.path.dirname(path)), exist_ok=True)
        shutil.copy(path, os.path.join(tree, path))


def complaints(tree):
    """What the generator says, a line each; its status must agree."""
    ran = subprocess.run([GENERATOR, '--check'], cwd=tree, capture_output=True, text=True, check=False)
    lines = ran.stderr.splitlines()
    if (ran.returncode != 0) != bool(lines) or ran.returncode not in (0, 1):
        lines.append(f'status {ran.returncode}')
    return lines


def look(tree, name, path, old, new, where, said):
    """What is wrong with what the generator says of one fault: nothing, if all is well."""
    full = os.path.join(tree, path)
    with open(full, encoding='utf-8') as file:
        text = file.read()
    if old not in text:
        return [f'{path} has no {old!r} to plant it in']
    text = text.replace(old, new, 1)
    with open(full, 'w', encoding='utf-8') as file:
        file.write(text)
    found = complaints(tree)
    line = text[:text.index(where)].count('\n') + 1 + where.count('\n')
    expected = re.compile(rf'{re.escape(path)}:{line}: .*{re.escape(said)}')
    if not any(expected.match(one) for one in found):
        return [f'expected: {expected.pattern}'] + (found or ['nothing was said'])
    others = [one for one in found if not expected.match(one)]
    return others if name not in ALSO else []
