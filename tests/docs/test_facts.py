#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/docs/facts.py and what it needs: faults planted in code and mark-up are told by file and line, and what is read
from the code is what is there.

Usage: tests/docs/test_facts.py [NAME...]      names as unittest has them: Errors.test_unreachable.  Default: all
"""

import functools
import glob
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '../..'))
os.chdir(ROOT)
sys.path.insert(0, 'tools/docs')

import costs  # noqa: E402
import csource  # noqa: E402
import errorlines  # noqa: E402
import facts  # noqa: E402
import handlers  # noqa: E402
import markup  # noqa: E402
import otherwise  # noqa: E402
import prototypes  # noqa: E402
import reach  # noqa: E402
import reasons  # noqa: E402

csource.read = functools.lru_cache(maxsize=None)(csource.read)  # nobody changes what was read

# Two calls of their own, described in full.
TRAPS = """/*
 * `incontents 1 traps Handlers
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_set_trap_table(void *table)
 * `
 * ` @table: The handlers.
 * `
 * ` Errors, in the order of the checks:
 * `   -ESRCH   the domain ends {DYING}
 * `   -EFAULT  it cannot be read {GUEST_FAULT}
 * `   -EINVAL  an address is no good {NOT_CANONICAL}
 */
/* ` enum hypercall_num { // __HYPERVISOR_* => HYPERVISOR_*() */
#define __HYPERVISOR_set_trap_table 0
/* ` } */
"""
CONSOLE = """/*
 * `incontents 1 console The console
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_console_io(enum io_cmd cmd, unsigned int count, char *text)
 * `
 * ` @cmd: What to do.
 * ` @count: How much.
 * ` @text: Of what.
 * ` CONSOLEIO_write, CONSOLEIO_read: out; in.
 * `
 * ` Errors, in the order of the checks:
 * `   -E2BIG   too much {CONSOLE_COUNT}
 * `   -EFAULT  it cannot be read {ARGUMENT_FAULT}
 * `   -ENOSYS  unknown command {NO_COMMAND}
 */
/* ` enum hypercall_num { // __HYPERVISOR_* => HYPERVISOR_*() */
#define __HYPERVISOR_console_io 18
/* ` } */
/* ` enum io_cmd { */
#define CONSOLEIO_write 0
#define CONSOLEIO_read 1
/* ` } */
"""


def reference_of(text):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, 'call.h')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return markup.parse([path])


def compare(reference, replaced=None):
    """The Facts about a header and the code, with the complaints about its calls alone."""
    found = facts.Facts(reasons=reasons.load()[0])
    commands = {name: facts.commands_of(reference, call) for name, call in reference.calls.items()}
    program = reach.Program(facts.read_sources(replaced), reach.Paths())
    facts.add_calls(found, program, commands)
    found.complaints = []  # the other calls have no prototype here
    facts.add_errors(found, reference)
    facts.add_orders(found, reference, program)
    facts.add_states(found, reference)
    return found


def compared(text, replaced=None):
    """The complaints, as texts."""
    found = compare(reference_of(text), replaced)
    return [re.sub(r'/\S*/(?=call\.h)', '', str(complaint)) for complaint in found.complaints]


def changed(path, old, new):
    """{path: text} with @old, which must be there, as @new."""
    with open(path, encoding='utf-8') as file:
        text = file.read()
    assert old in text, (path, old)
    return {path: text.replace(old, new, 1)}


def told(path, *replacements, replaced=None):
    """What is said of the headers as they are, but for the (old, new) in the one at @path, without its lines' numbers.
    @replaced: {path: text} instead of sources."""
    with tempfile.TemporaryDirectory() as directory:
        for header in glob.glob('abi/*.h'):
            with open(header, encoding='utf-8') as file:
                text = file.read()
            for old, new in replacements if header == path else ():
                assert text.count(old) == 1, (path, old)
                text = text.replace(old, new)
            with open(os.path.join(directory, os.path.basename(header)), 'w', encoding='utf-8') as file:
                file.write(text)
        found = facts.load(markup.parse(glob.glob(f'{directory}/*.h')), replaced)
        return [re.sub(r'.*/(\w+\.h):\d+: ', r'\1: ', str(complaint)) for complaint in found.complaints]


class Errors(unittest.TestCase):
    """Error lines against code."""

    def test_none(self):
        self.assertEqual(compared(TRAPS), [])
        self.assertEqual(compared(CONSOLE), [])

    def test_site_without_line(self):
        planted = changed('engine/trap.c', 'if (info.address == 0)',
                          'if (info.cs == 1)\n            return refuse_value(op, XEN_EBUSY, REFUSE_WIDTH, info.cs);\n'
                          '        if (info.address == 0)')
        line = planted['engine/trap.c'].split('REFUSE_WIDTH')[0].count('\n') + 1
        self.assertEqual(compared(TRAPS, planted), [
            f'engine/trap.c:{line}: HYPERVISOR_set_trap_table gives -EBUSY for WIDTH, and no line of call.h says so'])

    def test_site_elsewhere(self):
        """What another function refuses, with the error that the caller gives it."""
        planted = changed('engine/trap.c', 'if (info.address == 0)',
                          'if (typeref_hold_writable(op, XEN_ENOMEM, frame, domain, 0))\n'
                          '            return -XEN_EPERM;\n        if (info.address == 0)')
        found = compared(TRAPS, planted)
        self.assertTrue(found and all('gives -EPERM for ' in text for text in found), found)
        planted['engine/trap.c'] = planted['engine/trap.c'].replace('return -XEN_EPERM;', 'return error;')
        found = compared(TRAPS, planted)
        self.assertTrue(any('gives -ENOMEM for TYPE_CONFLICT' in text for text in found), found)
        self.assertTrue(any('gives -EINVAL for NOT_OWNED' in text for text in found), found)

    def test_wrong_error(self):
        found = compared(TRAPS.replace('-EINVAL  an', '-EPERM   an'))
        self.assertEqual(len(found), 3, found)
        self.assertIn('call.h:12: HYPERVISOR_set_trap_table refuses for NOT_CANONICAL with -EINVAL (engine/trap.c:',
                      found[0] + found[1])
        self.assertTrue(any('gives -EINVAL for NOT_CANONICAL, and no line' in text for text in found))

    def test_wrong_error_in_code(self):
        planted = changed('engine/trap.c', 'XEN_EINVAL, REFUSE_NOT_CANONICAL, info',
                          'XEN_EPERM, REFUSE_NOT_CANONICAL, info')
        self.assertTrue(any('with -EPERM (engine/trap.c:' in text for text in compared(TRAPS, planted)))

    def test_unreachable(self):
        found = compared(TRAPS.replace('{NOT_CANONICAL}', '{NOT_CANONICAL NOT_RAM}'))
        self.assertEqual(found, ['call.h:12: HYPERVISOR_set_trap_table never refuses for NOT_RAM here'])

    def test_no_reason(self):
        found = compared(TRAPS.replace('{NOT_CANONICAL}', '{NOT_CANONICAL BAD_LUCK}'))
        self.assertEqual(found, ['call.h:12: HYPERVISOR_set_trap_table: there is no reason BAD_LUCK'])

    def test_number_without_reason(self):
        found = compared(TRAPS.replace('-EINVAL  an', '-EINVAL, -EPERM  an'))
        self.assertEqual(found, ['call.h:12: HYPERVISOR_set_trap_table: nothing that this line names gives -EPERM'])

    def test_hv(self):
        planted = changed('hv/call/call_console.c', 'call_refuse(-XEN_E2BIG, WHY_CONSOLE_COUNT, count)', '-XEN_E2BIG')
        self.assertEqual(compared(CONSOLE.replace('{CONSOLE_COUNT}', '{hv}'), planted), [])
        found = compared(CONSOLE.replace('{CONSOLE_COUNT}', '{hv}').replace('-E2BIG ', '-EXDEV '), planted)
        self.assertEqual(found[0], 'call.h:13: HYPERVISOR_console_io: nothing that this line names gives -EXDEV')
        self.assertEqual(len(found), 2, found)  # and -E2BIG has no line now

    def test_reason_of_hv(self):
        found = compared(CONSOLE.replace('{CONSOLE_COUNT}', '{NO_VIRQ}'))
        self.assertEqual(found[0], 'call.h:13: HYPERVISOR_console_io never refuses for NO_VIRQ here')
        self.assertEqual(found[1], 'call.h:13: HYPERVISOR_console_io: nothing that this line names gives -E2BIG')
        self.assertRegex(found[2], 'gives -E2BIG for CONSOLE_COUNT, and no line of call.h says so')
        self.assertEqual(len(found), 3, found)
        calls = compare(reference_of(CONSOLE))
        facts.add_reasons(calls)
        self.assertEqual(calls.reasons['CONSOLE_COUNT'].calls, {'console_io': {'-E2BIG'}})
        self.assertEqual([place.path for place, *_ in calls.reasons['CONSOLE_COUNT'].sites], ['hv/call/call_console.c'])

    def test_noted_by_a_caller(self):
        """A reason that is noted for the error of another function."""
        calls = facts.load(markup.parse(glob.glob('abi/*.h'))).calls
        self.assertEqual({(one.error, one.reason) for one in calls['xen_version'].refusals
                          if 'XENVER_build_id' in one.commands and one.function == 'get_build_id'},
                         {('ENODATA', 'NO_BUILD_ID'), ('EPERM', 'NO_BUILD_ID')})

    def test_hv_without_line(self):
        planted = changed('hv/call/call_console.c', 'call_refuse(-XEN_E2BIG, WHY_CONSOLE_COUNT, count)', '-XEN_EXDEV')
        found = compared(CONSOLE, planted)
        self.assertEqual(len(found), 3, found)
        self.assertRegex(found[0], 'call.h:13: HYPERVISOR_console_io never refuses for CONSOLE_COUNT here')
        self.assertRegex(found[1], 'call.h:13: HYPERVISOR_console_io: nothing that this line names gives -E2BIG')
        self.assertRegex(found[2], r'hv/call/call_console.c:\d+: .*CONSOLEIO_read\) gives -EXDEV, and no line of '
                         'call.h says so with {hv}')

    def test_unheard(self):
        """What a function without a result hears is nobody's error."""
        path = 'hv/call/call_console.c'
        text = changed(path, 'static int64_t write_all(', 'static void unheard(void)\n{\n'
                       '    log_it(-XEN_EXDEV);\n}\n\nstatic int64_t write_all(')[path]
        planted = text.replace('    uint32_t size;\n', '    uint32_t size;\n    unheard();\n', 1)
        self.assertEqual(compared(CONSOLE, {path: planted}), [])
        self.assertNotEqual(compared(CONSOLE, {path: planted.replace('void unheard', 'int unheard')}), [])

    def test_number_and_reason(self):
        """Of a line with several of both: which come together?"""
        reference = reference_of(TRAPS.replace('-EFAULT  it cannot be read {GUEST_FAULT}',
                                               '-EFAULT, -EINVAL  no {GUEST_FAULT NOT_CANONICAL}'))
        found, error = compare(reference), reference.headings['traps'].errors[1]
        self.assertEqual(found.reasons_of(error, '-EFAULT'), ['GUEST_FAULT'])
        self.assertEqual(found.numbers_of(error, 'NOT_CANONICAL'), ['-EINVAL'])

    def test_untied(self):
        reference = reference_of(TRAPS.replace(' {GUEST_FAULT}', ''))
        lines = [errorlines.tie(error, reference.headings, []) for error in reference.headings['traps'].errors]
        self.assertEqual([tied.is_untied() for tied in lines], [False, True, False])

    def test_hv_function(self):
        """Of several that give the same number, one line may mean the one and another line the other."""
        line = ' * `   -EFAULT  it cannot be read {ARGUMENT_FAULT}\n'
        both = CONSOLE.replace(line, ' * `   -EFAULT  no read {ARGUMENT_FAULT} {hv:write_all}\n'
                               ' * `   -EFAULT  no write {ARGUMENT_FAULT} {hv:read_some}\n')
        self.assertEqual(compared(both), [])
        found = compared(both.replace(' * `   -EFAULT  no write {ARGUMENT_FAULT} {hv:read_some}\n', ''))
        self.assertEqual(len(found), 1, found)
        self.assertRegex(found[0], r'hv/call/call_console.c:\d+: .*gives -EFAULT for ARGUMENT_FAULT, and no line')
        found = compared(both.replace('{hv:read_some}', '{hv:read_some call_console_io}'))
        self.assertEqual(found, ['call.h:15: HYPERVISOR_console_io: call_console_io gives none of -EFAULT'])
        lines = compare(reference_of(both)).calls['console_io'].errors
        self.assertEqual([[site.function for site in tied.sites] for tied in lines[1:3]], [['write_all'], ['read_some']])

    def test_ambiguous(self):
        """A place that two lines can mean is shown with neither."""
        line = ' * `   -EFAULT  it cannot be read {ARGUMENT_FAULT}\n'
        lines = compare(reference_of(CONSOLE.replace(line, line + line))).calls['console_io'].errors
        self.assertEqual([len(tied.refusals) for tied in lines], [1, 2, 2, 1])
        self.assertEqual([len(tied.sites) for tied in lines], [1, 0, 0, 1])

    def test_own_line_before_general(self):
        """A place of a command's is shown with the line of the command."""
        calls = facts.load(markup.parse(glob.glob('abi/*.h'))).calls
        lines = {tied.error.statement: tied.sites for tied in calls['sched_op'].errors}
        self.assertEqual([site.function for site in lines['sched_op.pin-unreadable']], ['do_pin_override'])
        self.assertNotIn('do_pin_override', [site.function for site in lines['sched_op.unreadable']])

    def test_unknown_command(self):
        """A call gives no errors of commands that it does not know."""
        calls = facts.load(markup.parse(glob.glob('abi/*.h'))).calls
        self.assertEqual({errorlines.number_of(one) for one in calls['sched_op_compat'].refusals}, {'-ENOSYS'})
        self.assertGreater(len(calls['sched_op'].refusals), 10)

    def test_other_heading(self):
        """A line without reasons stands for those of the heading that it names."""
        other = ('/*\n * `incontents 2 other Other\n * `\n * `   -EINVAL  bad {NOT_CANONICAL}\n'
                 ' * `   -EPERM  worse {WIDTH}\n */\n')
        self.assertEqual(compared(TRAPS.replace('no good {NOT_CANONICAL}', 'no good, see [other]') + other), [])


class Order(unittest.TestCase):
    """Error lines in the order of the checks."""

    def swapped(self, text, one, other):
        lines = text.split('\n')
        first, second = (next(at for at, line in enumerate(lines) if part in line) for part in (one, other))
        lines[first], lines[second] = lines[second], lines[first]
        return '\n'.join(lines)

    def test_swapped(self):
        found = compared(self.swapped(CONSOLE, '-E2BIG', '-EFAULT'))
        self.assertTrue(found and all('-EFAULT is checked in ' in text and 'behind what line 14 says' in text
                                      for text in found), found)
        found = compared(self.swapped(CONSOLE, '-E2BIG', '-EFAULT').replace(', in the order of the checks', ''))
        self.assertEqual(found, [])

    def test_behind_a_call(self):
        """What a function that is called refuses counts where it is called."""
        found = compared(self.swapped(TRAPS, '-ESRCH', '-EINVAL'))
        self.assertEqual(len(found), 1, found)  # -ESRCH is what op_begin() refuses
        self.assertIn('-EFAULT is checked in set_trap_table(), at ', found[0])
        self.assertIn('behind what line 12 says', found[0])

    def test_of_a_command(self):
        """The lines of all commands stand before its own."""
        found = told('abi/sched.h', (' * `   -EFAULT  @arg cannot be read {pin-unreadable} {ARGUMENT_FAULT}\n', ''))
        self.assertEqual(len(found), 1, found)
        self.assertRegex(found[0], r'^sched.h: SCHEDOP_pin_override: -EFAULT is checked in do_pin_override\(\), at '
                         r'hv/call/call_sched.c:\d+, behind what line \d+ says')

    def test_between_two(self):
        """One number twice, with another between them."""
        line = ' * `   -EFAULT  the array of ports cannot be read {poll-unreadable} {ARGUMENT_FAULT}\n'
        found = told('abi/sched.h', (line, ''))
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith('sched.h: SCHEDOP_poll: -EFAULT is checked in decode_poll()'), found)

    def test_asked_first(self):
        """`return asked ? call() : error;`: the error comes before those of the call."""
        line = (' * `   -EFAULT  @arg, or the buffer that it names, cannot be read or written {machine-map-unreadable} '
                '{ARGUMENT_FAULT}\n')
        found = told('abi/memory.h', (line, ''))
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith('memory.h: XENMEM_machine_memory_map: -EFAULT is checked in '), found)

    def test_left_out(self):
        """A line of the command that nothing decides where it stands."""
        line = ' * `   -EINVAL  no such processor {pin-none} {NO_PROCESSOR}\n'
        right = ' * `   -EPERM   another domain {pin-right} {NOT_INITIAL}\n'
        found = told('abi/sched.h', (right, line.replace(' {pin-none}', '') + right))
        self.assertEqual(len(found), 1, found)
        self.assertIn('do_pin_override(), at ', found[0])
        self.assertIn(' leaves out -EINVAL', found[0])

    def test_settled(self):
        """Where lines of one number stand apart, the order tells which place is whose."""
        calls = facts.load(markup.parse(glob.glob('abi/*.h'))).calls
        lines = {tied.error.statement: [site.place.line for site in tied.sites] for tied in calls['sched_op'].errors}
        found = [lines[f'sched_op.poll-{name}'] for name in ('many', 'unreadable', 'ports')]
        self.assertEqual([len(one) for one in found], [1, 1, 1])
        self.assertEqual(sorted(found), found)

    def test_anywhere(self):
        """What paths.txt says has no place is not asked for one."""
        self.assertFalse(reach.Paths(['some run access_write - -- no']).is_anywhere('some', 'run', 'access_write'))
        paths = reach.Paths(['some run access_write any -- it is last'])
        self.assertTrue(paths.is_anywhere('some', 'run', 'access_write'))
        self.assertFalse(paths.is_anywhere('some', 'run', 'access_read'))
        self.assertIsNone(paths.answer('some', 'run', 'access_write'))


class States(unittest.TestCase):
    """The state of calls and commands."""

    def test_refused(self):
        planted = changed('hv/call/call_console.c', 'return read_some(vcpu, VADDR(args[2]), count);',
                          'return -XEN_EPERM;')
        found = compared(CONSOLE, planted)
        self.assertTrue(any('CONSOLEIO_read is always refused with EPERM, at hv/call/call_console.c:' in text
                            for text in found), found)

    def test_no_text(self):
        """A command that works, of which nothing is said."""
        found = told('abi/sched.h', (' * ` SCHEDOP_yield: let others run, for a while; the result is 0. {yield}\n', ''))
        self.assertEqual(len(found), 1, found)
        self.assertRegex(found[0], r'^sched.h: SCHEDOP_yield: \[sched_op\] does not say what it does; works, see hv/')

    def test_no_row(self):
        """A command that is described, and that nothing is there for: a line about unknown ones does not say so."""
        without = changed('hv/call/call_sched.c', '    [SCHEDOP_shutdown_code] = do_shutdown_code,\n', '')
        found = [text for text in told('', replaced=without) if 'SCHEDOP_shutdown_code is always refused' in text]
        self.assertEqual(len(found), 1, found)
        self.assertIn('with ENOSYS, at hv/call/call_sched.c:', found[0])
        without = changed('engine/grant_op.c', '[GNTTABOP_query_size] =', '[GNTTABOP_dump_table] =')
        self.assertTrue(any('GNTTABOP_query_size is always refused' in text for text in told('', replaced=without)))

    def test_nowhere(self):
        """A command that the text of the code does not tell from others: nothing is found out, and that is said."""
        found = told('', replaced=changed('engine/mmu_update.c', 'command > MMU_PT_', 'command >= MMU_PT_'))
        self.assertEqual(len(found), 1, found)
        self.assertRegex(found[0], r'^engine/mmu_update\.c:\d+: mmu_update: MMU_NORMAL_PT_UPDATE: no table has it')

    def test_columns(self):
        """Columns of tables of commands, turned: each is told, and nothing else."""
        for path, old, new, constant in (
                ('engine/mmuext.c', '{set_ldt, OWN}', '{set_ldt, ANY}', 'MMUEXT_SET_LDT'),
                ('engine/mmuext.c', '{unpin, ANY}', '{unpin, OWN}', 'MMUEXT_UNPIN_TABLE'),
                ('hv/call/call_event.c', '(struct evtchn_unmask), false', '(struct evtchn_unmask), true',
                 'EVTCHNOP_unmask'),
                ('hv/call/call_physdev.c', '(struct physdev_irq_status_query), true',
                 '(struct physdev_irq_status_query), false', 'PHYSDEVOP_irq_status_query')):
            found = told('', replaced=changed(path, old, new))
            self.assertEqual(len(found), 1, found)
            self.assertRegex(found[0], rf'^\w+\.h: {constant}: that it .* is \w+ at {path}:\d+, and not so')

    def states(self, call, replaced=None):
        reference = markup.parse(glob.glob('abi/*.h'))
        program = reach.Program(facts.read_sources(replaced))
        commands = {call: facts.commands_of(reference, reference.calls[call])}
        return handlers.all_handled(program, [call], commands)[call]

    def test_tables(self):
        states = self.states('mmuext_op').commands
        self.assertEqual(str(states['MMUEXT_PIN_L4_TABLE']), 'works')
        self.assertEqual(str(states['MMUEXT_MARK_SUPER']), 'refused: EOPNOTSUPP')
        without = changed('engine/mmuext.c', '    [MMUEXT_SET_LDT] = {set_ldt, OWN},\n', '')
        self.assertEqual(str(self.states('mmuext_op', without).commands['MMUEXT_SET_LDT']), 'refused: ENOSYS')

    def test_both_tables(self):
        states = self.states('memory_op').commands
        self.assertEqual(states['XENMEM_exchange'].handler, 'exchange_memory')
        self.assertEqual(states['XENMEM_memory_map'].handler, 'memory_map')
        self.assertEqual(str(states['XENMEM_machine_memory_map']), 'initial domain only: EPERM')
        self.assertEqual(str(states['XENMEM_set_memory_map']), 'refused: ENOSYS')

    def test_limits(self):
        states = self.states('physdev_op_compat').commands
        self.assertEqual(str(states['PHYSDEVOP_set_iopl']), 'works')
        self.assertEqual(str(states['PHYSDEVOP_apic_read']), 'refused: EPERM')
        self.assertEqual(str(states['PHYSDEVOP_map_pirq']), 'refused: ENOSYS')
        self.assertEqual(str(self.states('mmu_update').commands['MMU_NORMAL_PT_UPDATE']), 'works')
        self.assertEqual(str(self.states('sched_op_compat').commands['SCHEDOP_poll']), 'refused: ENOSYS')

    def test_no_handler(self):
        self.assertEqual(str(self.states('domctl').status), 'refused: ENOSYS')


class Prototypes(unittest.TestCase):
    """The order of arguments."""

    def test_swapped(self):
        for path, old, new, said in (
                ('abi/sched.h', 'enum sched_cmd cmd, void *arg', 'void *arg, enum sched_cmd cmd',
                 'argument 1, @arg, is no pointer in call_sched_op'),
                ('abi/vcpu.h', 'enum vcpu_cmd cmd, unsigned int vcpuid', 'unsigned int vcpuid, enum vcpu_cmd cmd',
                 'its arguments are cmd, vcpu, arg at guest/hypercall.h:'),
                ('abi/trap.h', 'unsigned long ss, unsigned long sp', 'unsigned long sp, unsigned long ss',
                 'its arguments are ss, sp at guest/hypercall.h:'),
                ('abi/mmu.h', 'HYPERVISOR_update_va_mapping(unsigned long va, uint64_t val,',
                 'HYPERVISOR_update_va_mapping(uint64_t val, unsigned long va,',
                 'not the arguments of two registers that a 32-bit guest has in do_update_va_mapping(), engine/'),
                ('abi/grant.h', 'void *uop, unsigned int count)', 'void *uop)', 'has no argument 3, which is looked at')):
            found = [text for text in told(path, (old, new)) if said in text]
            self.assertEqual(len(found), 1, (path, old))

    def test_handler(self):
        """The adapter takes them in another order."""
        planted = changed('engine/hypercall.c', 'segment_set_gdt(op, VADDR(args[0]), (uint32_t)args[1])',
                          'segment_set_gdt(op, VADDR(args[1]), (uint32_t)args[0])')
        found = told('', replaced=planted)
        self.assertEqual(len(found), 2, found)
        self.assertTrue(any('set_gdt: argument 1, @frame_list, is no pointer in do_set_gdt()' in text for text in found))

    def test_all(self):
        """Most calls are held against both."""
        reference = markup.parse(glob.glob('abi/*.h'))
        program = reach.Program(facts.read_sources())
        apart = [name for name, at in handlers.handlers(program).items()
                 if any(prototypes.taken_apart(program, program.find(*one)) for one in at)]
        self.assertEqual({*handlers.handlers(program)} - {*apart}, {'iret'})
        called = {name for name, _, _ in prototypes.made()}
        self.assertLessEqual({'mmu_update', 'update_va_mapping', 'update_descriptor', 'vcpu_op', 'set_timer_op'}, called)
        self.assertGreater(len(called & {*reference.calls}), 22)


class Paths(unittest.TestCase):
    """paths.txt."""

    def program(self, *lines):
        return reach.Program(facts.read_sources(), reach.Paths(lines))

    def test_unused(self):
        program = self.program('set_gdt promote no_such_function - -- why')
        program.refusals('set_gdt', 'do_set_gdt', 'engine/hypercall.c')
        self.assertEqual([rule.place.line for rule in program.paths.unused()], [1])

    def test_cut_and_answer(self):
        def found(*lines):
            refusals = self.program(*lines).refusals('set_gdt', 'do_set_gdt', 'engine/hypercall.c')
            return {(refusal.error, refusal.reason) for refusal in refusals}
        self.assertIn(('EINVAL', 'BAD_FLAGS'), found())
        self.assertNotIn(('EINVAL', 'BAD_FLAGS'), found('set_gdt promote table_promote - -- why'))
        self.assertIn(('EPERM', 'BAD_FLAGS'), found('set_* promote table_promote EPERM -- why'))
        self.assertIn(('EINVAL', 'BAD_FLAGS'), found('mmu_update promote table_promote - -- why'))

    def test_malformed(self):
        for line in ('set_gdt promote table_promote -', 'set_gdt promote -- why'):
            with self.assertRaisesRegex(ValueError, 'paths.txt:1'):
                reach.Paths([line])

    def test_live(self):
        reference = markup.parse(glob.glob('abi/*.h'))
        found = facts.load(reference)
        self.assertEqual([str(text) for text in found.complaints if text.place.path.endswith('paths.txt')], [])


class Values(unittest.TestCase):
    """Errors and reasons that callers give."""

    def refusals(self, name, path):
        return reach.Program(facts.read_sources()).refusals('some', name, path)

    def test_choice(self):
        """refuse_conflict() gives EBUSY for writable frames, EINVAL for others; and this one asks for writable ones."""
        refusals = self.refusals('typeref_convert_writable', 'engine/typeref.c')
        found = {(refusal.error, refusal.reason) for refusal in refusals}
        self.assertEqual(found, {('EBUSY', reason) for reason in
                                 ('SELF_MAP', 'TYPE_CONFLICT', 'TYPE_UNDER_CONVERSION', 'TYPE_COUNT_EXHAUSTED')})

    def test_caller_decides(self):
        """typeref_refuse_frame() refuses with what it is given: the line that gives it is the one to look at."""
        found = self.refusals('find_page', 'engine/mmuext.c')
        self.assertEqual({(refusal.place.path, refusal.function, refusal.error) for refusal in found},
                         {('engine/mmuext.c', 'find_page', 'EINVAL')})
        self.assertEqual({refusal.reason for refusal in found}, {'NOT_OWNED', 'REFERENCES_EXHAUSTED'})


class Code(unittest.TestCase):
    """The sources are read as the compiler reads them."""

    def test_calls_as_gcc_finds_them(self):
        """What gcc says that a function calls is reached by it here: gcc has put some functions into others."""
        itself = {**os.environ, 'CCACHE_DISABLE': '1'}  # which keeps objects, not what else a compiler writes
        with tempfile.TemporaryDirectory() as directory:
            for path in sorted(glob.glob('engine/*.c')):
                subprocess.run(['gcc', '-std=c11', '-ffreestanding', '-O0', '-I.', '-fcallgraph-info', '-c', path, '-o',
                                os.path.join(directory, os.path.basename(path)[:-1] + 'o')], check=True, env=itself)
            theirs = {edge for name in glob.glob(f'{directory}/*.ci') for edge in edges_of(name)}
        program = reach.Program([csource.read(path) for path in glob.glob('engine/*.[ch]')])
        reached, known = {}, set()
        for source in program.sources.values():
            for function in source.functions.values():
                known.add(function.name)
                found = program.reached(function.name, source.path)
                reached.setdefault(function.name, set()).update(name for _, name in found)
        missing = {(caller, callee) for caller, callee in theirs if callee in known and callee not in reached[caller]}
        self.assertEqual(missing, set())
        self.assertGreater(len(theirs), 500)

    def test_every_function(self):
        for path in glob.glob('engine/*.c') + glob.glob('hv/call/*.c'):
            with open(path, encoding='utf-8') as file:
                text = file.read()
            self.assertEqual(len(csource.read(path).functions), len(re.findall(r'^\{\n', text, re.M)), path)

    def test_tables(self):
        rows = csource.read('engine/mmuext.c').tables['commands'].rows
        self.assertEqual(rows['MMUEXT_CLEAR_PAGE'], '{clear_page, ANY}')
        with open('engine/mmuext.c', encoding='utf-8') as file:
            self.assertEqual(len(rows), len(re.findall(r'^    \[MMUEXT_', file.read(), re.M)))


class Others(unittest.TestCase):
    """Reasons, and what Xen does otherwise."""

    def test_advice(self):
        found, complaints = reasons.load()
        self.assertEqual(complaints, [])
        self.assertTrue(all(len(reason.advice) > 5 for reason in found.values()))
        with tempfile.NamedTemporaryFile('w', suffix='.c') as file:
            with open(reasons.ADVICE, encoding='utf-8') as advice:
                file.write(advice.read().replace('ADVICE(L1TF,', 'ADVICE(L2TF,'))
            file.flush()
            complaints = [text for _, text in reasons.load(advice=file.name)[1]]
        self.assertEqual({name for name, reason in found.items() if reason.only == '32-bit guests'},
                         {'SLOT_OUTSIDE_TABLE', 'SLOT_FIXED', 'SLOT_MISSING', 'TABLE_SHARED', 'WIDTH', 'ROOT_ABOVE_4G'})
        self.assertEqual(len(complaints), 2)
        self.assertTrue(complaints[0].startswith('L1TF: ') and complaints[1].startswith('L2TF is no reason'))

    def test_one_kind_of_guest(self):
        """What the text of a reason says of a kind of guest is marked."""
        with tempfile.NamedTemporaryFile('w', suffix='.c') as file, open(reasons.ADVICE, encoding='utf-8') as advice:
            file.write(advice.read().replace('ADVICE_32(SLOT_FIXED,', 'ADVICE(SLOT_FIXED,'))
            file.flush()
            complaints = [text for _, text in reasons.load(advice=file.name)[1]]
        self.assertEqual(len(complaints), 1, complaints)
        self.assertTrue(complaints[0].startswith('SLOT_FIXED is for one kind of guest by engine/refuse.h: slot 3'))

    def test_costs(self):
        with tempfile.NamedTemporaryFile('w', suffix='.txt') as file:
            file.write('# no cost\ndate\t2026-01-01\nmachine\tsome\niret\t-\tone way\t120\t-\niret\t-\tfew\n'
                       'nobody\t-\t-\t1\t1\nvcpu_op\tVCPUOP_up\t\t5\t7\n')
            file.flush()
            found, complaints = costs.load(['iret', 'vcpu_op'], file.name)
        self.assertEqual([place.line for place, _ in complaints], [5, 6])
        self.assertEqual([(cost.what, cost.instructions, cost.xen) for cost in found['iret'] + found['vcpu_op']],
                         [('one way', 120, None), ('VCPUOP_up', 5, 7)])
        self.assertEqual(found['iret'][0].date, '2026-01-01')

    def test_otherwise(self):
        reference = markup.parse(glob.glob('abi/*.h'))
        commands = {name: facts.commands_of(reference, call) for name, call in reference.calls.items()}
        found = otherwise.load(commands)
        exchange = [one for one in found['memory_op'] if one.commands == ['XENMEM_exchange']]
        self.assertEqual(len(exchange), 1)
        self.assertTrue(exchange[0].xen != exchange[0].ours and exchange[0].times.keys() == {'first', 'ordinary'})
        del commands['memory_op']
        with self.assertRaisesRegex(ValueError, "'memory_op'"):
            otherwise.load(commands)


def edges_of(path):
    """(caller, callee) of each edge of a call graph of gcc: names without their file."""
    with open(path, encoding='utf-8') as file:
        for caller, callee in re.findall(r'edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"', file.read()):
            yield caller.split(':')[-1], callee.split(':')[-1]


def main():
    names = sys.argv[1:]
    loader = unittest.defaultTestLoader
    module = sys.modules['__main__']
    suite = loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f'{result.testsRun - failed} passed, {failed} failed')
    return 1 if failed or not result.testsRun else 0


if __name__ == '__main__':
    sys.exit(main())
