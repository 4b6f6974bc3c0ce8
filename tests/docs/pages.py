# SPDX-License-Identifier: MIT
"""Every page: well formed, each link leads somewhere, each id is there once; and the indexes find what they must."""

import collections
import glob
import html.parser
import json
import os
import re

VOID = {'br', 'hr', 'img', 'input', 'link', 'meta', 'area', 'col', 'wbr', 'source'}


class Page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.path, self.open, self.ids, self.links, self.complaints = path, [], [], [], []
        self.text, self.titles = [], 0
        with open(path, encoding='utf-8') as file:
            self.feed(file.read())
        self.close()
        if self.open:
            self.complain(f'not closed: {self.open}')

    def complain(self, text):
        self.complaints.append(f'{self.path}:{self.getpos()[0]}: {text}')

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag in ('script', 'iframe', 'object', 'embed') or any(name.startswith('on') for name in values):
            self.complain(f'a script, or what may hold one: <{tag}>')
        if 'id' in values:
            self.ids.append(values['id'])
        if tag == 'a' and not values.get('href'):
            self.complain('a link to nothing')
        if tag == 'a' and 'a' in self.open:
            self.complain('a link in a link')
        for name in ('href', 'src'):
            if values.get(name):
                self.links.append((values[name], tag, self.getpos()[0]))
        self.titles += tag == 'h1'
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.complain(f'</{tag}> closes {self.open[-1:] or "nothing"}')
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data):
        self.text.append(data)


def links(pages, page):
    """What is wrong with the links of a page."""
    for link, tag, line in page.links:
        if re.match(r'(https?|mailto):', link) and tag == 'a':
            continue
        if link == 'data:,':
            continue
        if re.match(r'[a-z]+:|//', link):
            yield f'{page.path}:{line}: {link} is not here'
            continue
        path, _, anchor = link.partition('#')
        full = os.path.normpath(os.path.join(os.path.dirname(page.path), path)) if path else page.path
        if not os.path.isfile(full):
            yield f'{page.path}:{line}: there is no {link}'
        elif anchor and full in pages and anchor not in pages[full].ids:
            yield f'{page.path}:{line}: {full} has no #{anchor}'


def twice(page):
    for name in sorted({name for name in page.ids if page.ids.count(name) > 1}):
        yield f'{page.path}: id {name} is there twice'


def tests_twice(path):
    """A test of a file stands once in the list of a page."""
    with open(path, encoding='utf-8') as file:
        listed = re.search(r'<ul class="tests">.*?</ul>', file.read(), re.S)
    tests = re.findall(r'<li><a [^>]*title="([^":]+):\d+"[^>]*>(\w+)</a>', listed.group() if listed else '')
    for test, times in collections.Counter(tests).items():
        if times > 1:
            yield f'{path}: {test[1]} of {test[0]} is listed {times} times'


def reachable(pages, start):
    """The pages that the links lead to from @start."""
    found, todo = set(), [start]
    while todo:
        path = todo.pop()
        if path in found or path not in pages:
            continue
        found.add(path)
        for link, _, _ in pages[path].links:
            todo.append(os.path.normpath(os.path.join(os.path.dirname(path), link.partition('#')[0])))
    return found


def finds(index, name, target):
    """Does the index lead from a name to the page that says what it is?"""
    with open(index, encoding='utf-8') as file:
        text = file.read().replace('<wbr>', '')
    if f'href="{target}">{name}</a>' not in text:
        yield f'{index}: nothing leads from {name} to {target}'


def searched(verdicts, directory):
    """What somebody looks for in the indexes."""
    for index, name, target in [
            ('names', 'update_va_mapping', '../calls/update_va_mapping.html'),
            ('names', 'MMUEXT_PIN_L4_TABLE', '../calls/mmuext_op.html#MMUEXT_PIN_L4_TABLE'),
            ('names', 'struct mmu_update', '../headers/mmu.html#struct-mmu_update'),
            ('numbers', 'update_va_mapping', '../calls/update_va_mapping.html'),
            ('structures', 'struct start_info', '../headers/start.html#struct-start_info'),
            ('constants', 'UVMF_INVLPG', '../headers/mmu.html#UVMF_INVLPG')]:
        verdicts.verdict(f'pages: the index of {index} finds {name}',
                         finds(f'{directory}/index/{index}.html', name, target))
    with open(f'{directory}/index/errno.html', encoding='utf-8') as file:
        causes = re.search(r'<section id="EBUSY">.*?</section>', file.read(), re.S)
    wanted = ['../topics/pte.html', '../calls/mmuext_op.html', '../calls/grant_table_op.html']
    verdicts.verdict('pages: the index of errors has the causes of -EBUSY', [
        f'{target} is none' for target in wanted if not causes or f'href="{target}' not in causes.group()])


def broken(directory):
    """A long name in a narrow column is broken behind its words."""
    for path in ('calls/set_gdt', 'index/constants'):
        with open(f'{directory}/{path}.html', encoding='utf-8') as file:
            if '>FLAT_<wbr>KERNEL_<wbr>CS</a>' not in file.read():
                yield f'{directory}/{path}.html: FLAT_KERNEL_CS cannot be broken'


def numbered(directory):
    """A constant that is another one is shown with its number."""
    for path, shown in [('calls/set_gdt', '</code> = <code>0xe033</code></td>'),
                        ('index/constants', '<code>FLAT_KERNEL_CS64</code> = <code>0xe033</code></td>')]:
        with open(f'{directory}/{path}.html', encoding='utf-8') as file:
            if shown not in file.read().replace('<wbr>', ''):
                yield f'{directory}/{path}.html: no {shown}'


def parted(directory):
    """The page of a call has the errors and commands of that call, not of the others under its heading."""
    for name, there, absent in [
            ('set_callbacks', [], ['class="errors"', 'XENNMI_register_callback']),
            ('nmi_op', ['call_trap.c:', 'XENNMI_register_callback</code>'], ['CALLBACKOP_register</code>']),
            ('get_debugreg', ['-ENODEV'], ['-EPERM']),
            ('set_debugreg', ['-ENODEV', '-EPERM'], []),
            ('update_va_mapping', ['NO_L1_ENTRY'], ['NO_SUCH_DOMAIN', 'NOT_PRIVILEGED']),
            ('update_va_mapping_otherdomain', ['NO_L1_ENTRY', 'NO_SUCH_DOMAIN', 'NOT_PRIVILEGED'], []),
            ('sched_op_compat', ['SCHEDOP_yield</code>'], ['-EFAULT', 'SCHEDOP_poll</code>']),
            ('memory_op', ['memory.c:', 'ARGUMENT_FAULT">ARGUMENT_FAULT</a> <a class="c" title="hv/call/call_memory.c:'], []),
            ('sched_op', ['-EFAULT', 'SCHEDOP_poll</code>'], [])]:
        with open(f'{directory}/calls/{name}.html', encoding='utf-8') as file:
            text = file.read().replace('<wbr>', '').partition('<h2>Arguments</h2>')[2].partition('<h2>Constants</h2>')[0]
        yield from (f'{name}: no {one}' for one in there if one not in text)
        yield from (f'{name}: {one}, which is of another call' for one in absent if one in text)


def dumped(directory):
    """What is wrong with the JSON file."""
    with open(f'{directory}/reference.json', encoding='utf-8') as file:
        found = json.load(file)
    call = found['calls']['update_va_mapping']
    if [argument['registers_32'] for argument in call['arguments']] != [['ebx'], ['ecx', 'edx'], ['esi']]:
        yield f'registers of update_va_mapping: {call["arguments"]}'
    if not call['arguments'][2]['text'].startswith('What to flush'):
        yield f'flags of update_va_mapping: {call["arguments"][2]["text"]}'
    if found['constants'][call['number']]['value'] != '14':
        yield f'number of update_va_mapping: {found["constants"][call["number"]]}'
    if not any('multicall' in cause['calls'] for cause in found['errors']['-EINVAL']):
        yield 'multicall is no cause of -EINVAL'
    if [row['device'] for row in found['tables']['pat']] != [3, 3, 2, 3, 4, 3, 6, 7]:
        yield f'memory types of device memory: {found["tables"]["pat"]}'
    for name in found['calls']:
        if not os.path.isfile(f'{directory}/calls/{name}.html'):
            yield f'no page of {name}'


def unnamed(folder, kinds):
    """The files of a folder that its reading order does not name."""
    with open(f'{folder}/README.md', encoding='utf-8') as file:
        text = file.read()
    names = [os.path.basename(path) for kind in kinds for path in sorted(glob.glob(f'{folder}/*.{kind}'))]
    return [f'{folder}/README.md does not name {name}' for name in names if f'`{name}`' not in text]


def run(verdicts, directory):
    paths = sorted(glob.glob(f'{directory}/**/*.html', recursive=True))
    pages = {path: Page(path) for path in paths}
    every = [complaint for page in pages.values() for complaint in page.complaints]
    verdicts.verdict(f'pages: {len(pages)} are well formed, without scripts', every if pages else ['there are none'])
    verdicts.verdict('pages: no dead link', [one for page in pages.values() for one in links(pages, page)])
    verdicts.verdict('pages: each id once', [one for page in pages.values() for one in twice(page)])
    verdicts.verdict('pages: each has one title', [f'{path}: {page.titles}' for path, page in pages.items()
                                                   if page.titles != 1])
    verdicts.verdict('pages: each lists a test once', [one for path in paths for one in tests_twice(path)])
    lost = set(pages) - reachable(pages, f'{directory}/index.html')
    verdicts.verdict('pages: the contents lead to each', [f'{path}: nothing leads there' for path in sorted(lost)])
    verdicts.verdict('pages: the reading order of tools/docs is whole', unnamed('tools/docs', ('py', 'txt')))
    searched(verdicts, directory)
    article = pages[f'{directory}/documents/docs/pv-mmu.html']
    verdicts.verdict('pages: the article leads to what is drawn', [
        f'nothing leads to {name}' for name in ('entry-decoder', 'type-word', 'start-of-day', 'address-spaces')
        if f'../../tables/{name}.html' not in {link for link, *_ in article.links}])
    verdicts.verdict('pages: a call has its own errors and commands', parted(directory))
    verdicts.verdict('pages: names can be broken behind their words', broken(directory))
    verdicts.verdict('pages: a constant that is another has its number', numbered(directory))
    verdicts.verdict('pages: the JSON file agrees with them', dumped(directory))
