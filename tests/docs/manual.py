# SPDX-License-Identifier: MIT
"""Every man page, as man and mandoc see it."""

import glob
import os
import re
import shutil
import subprocess


def by_man(page):
    """What man says of a page."""
    ran = subprocess.run(['man', '--warnings', '-E', 'UTF-8', '-l', '-Tutf8', page], capture_output=True, text=True,
                         env={**os.environ, 'MANROFFSEQ': '', 'MANWIDTH': '80'}, check=False)
    return [f'{page}: {line}' for line in ran.stderr.splitlines()], ran.stdout


def run(verdicts, directory):
    pages = sorted(glob.glob(f'{directory}/man/man*/*'))
    complaints, texts = [], {}
    for page in pages:
        said, texts[page] = by_man(page)
        complaints += said
    verdicts.verdict(f'manual: man shows {len(pages)} pages', complaints if pages else ['there are none'])
    text = re.sub(r'.\x08', '', texts.get(f'{directory}/man/man2/HYPERVISOR_update_va_mapping.2', ''))
    wanted = ['SYNOPSIS', 'number 14', 'enum uvm_flags flags', 'ERRORS', '-EFAULT']
    verdicts.verdict('manual: that of update_va_mapping says what it must', [one for one in wanted if one not in text])
    text = re.sub(r'.\x08', '', texts.get(f'{directory}/man/man2/HYPERVISOR_sched_op_compat.2', ''))
    other = [one for one in ('-EFAULT', 'SCHEDOP_remote_shutdown (') if one in text]
    verdicts.verdict('manual: a call has its own errors and commands', other if text else ['there is no page'])
    text = re.sub(r'.\x08', '', texts.get(f'{directory}/man/man2/HYPERVISOR_iret.2', ''))
    wrong = ['result'] if re.search(r'result +rax', text) else []
    verdicts.verdict('manual: a call that does not return has no result', wrong if text else ['there is no page'])
    if shutil.which('mandoc'):
        ran = subprocess.run(['mandoc', '-Tlint', '-Wwarning', *pages], capture_output=True, text=True, check=False)
        verdicts.verdict('manual: mandoc has no warning', ran.stdout.splitlines())
