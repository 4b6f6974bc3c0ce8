# SPDX-License-Identifier: MIT
"""The entry decoder as a page: every bit by level and width, and what the engine makes of it; the PAT.

All of it is from tables.json, where tools/docs/tables.c has tried each bit on the engine's judge of entries.
"""

from html import escape


def code(text):
    return f'<code>{escape(text)}</code>'


def bits_text(part):
    return str(part['first']) if part['first'] == part['last'] else f'{part["first"]}-{part["last"]}'


def outcome(judgement, reason):
    """A judgement in words, as HTML: refused, or what is different in what is stored."""
    if 'error' in judgement:
        return f'<span style="white-space:nowrap">-{judgement["error"]}</span> {reason(judgement["reason"])}'
    return 'stored with ' + ' '.join(map(code, judgement['changes'])) if judgement['changes'] else 'stored as it is'


# What an entry names, in few words; in full they are in the list below each table.
SHORT = {'ram': 'no device memory', 'ram_rights': 'RAM, beside device memory', 'shared_rights': 'shared frame',
         'device': 'device memory'}


def plain_judgements(level):
    """By target, what becomes of an entry without any bit that is tried: NX is clear in it, and nothing else matters."""
    part = next(part for part in level['parts'] if part['name'] == 'NX')
    return {target: judged['clear'] for target, judged in part['judged'].items() if 'clear' in judged}


def difference(judged, plain, reason):
    """What is different from @plain, in words; nothing if nothing is."""
    if 'error' in judged or 'error' in plain:
        said = outcome(judged, reason)
        return said if said != outcome(plain, reason) else None
    if set(plain['changes']) <= set(judged['changes']):
        more = [change for change in judged['changes'] if change not in plain['changes']]
        return ' '.join(map(code, more)) + ' as it is stored' if more else None
    return outcome(judged, reason)


def differences(part, which, plain, reason):
    """What @which ("set" or "clear") of a part changes: {words: [target]}, of the targets that an entry can have at all."""
    found = {}
    for target, expected in plain.items():
        judged = part['judged'].get(target, {}).get(which)
        said = judged and 'error' not in expected and difference(judged, expected, reason)
        if said:
            found.setdefault(said, []).append(target)
    return found


def verdict(part, plain, reason):
    """The lines on what the hypervisor makes of a part, as HTML."""
    usable, lines = {target for target, judged in plain.items() if 'error' not in judged}, []
    for which, digit in (('set', 1), ('clear', 0)):
        for said, names in differences(part, which, plain, reason).items():
            whose = '' if usable == set(names) else f' ({", ".join(SHORT[name] for name in names)})'
            lines.append(f'{"all ones" if part["name"] == "frame" else digit}: {said}{escape(whose)}')
    return '<br>'.join(lines) or ('' if part['name'] in ('P', 'frame') else 'the guest\'s choice')


def level_table(level, reason):
    plain = plain_judgements(level)
    rows = []
    for part in level['parts']:
        meaning = f'1: {escape(part["set"])}<br>0: {escape(part["clear"])}' if part['clear'] else escape(part['set'])
        name = '' if part['name'] == bits_text(part) else f'<br>{escape(part["name"])}'
        said = verdict(part, plain, reason)
        rows.append(f'<tr><th scope="row">{bits_text(part)}{name}</th><td>{meaning}</td><td>{said}</td></tr>\n')
    return ('<table class="rows bits">\n<colgroup><col style="width:4.6em"><col><col></colgroup>\n'
            f'<tr><th>bit</th><th>meaning</th><th>the hypervisor</th></tr>\n{"".join(rows)}</table>\n')


def plain_list(level, targets, reason):
    items = [f'<li>{escape(targets[target]["text"])}: {outcome(judged, reason)}</li>'
             for target, judged in plain_judgements(level).items()]
    return '<ul>' + ''.join(items) + '</ul>\n'


def absent_text(level, reason):
    """Which parts of an entry that is not present are refused on a processor with the L1TF flaw."""
    parts = [(part['name'], part['judged']['absent_l1tf']['set']) for part in level['parts'] if part['judged']]
    refused = [(name, judgement) for name, judgement in parts if 'error' in judgement]
    said = ', '.join(f'{code(name)}: {outcome(judgement, reason)}' for name, judgement in refused)
    return (f'<p>Where P is clear the other bits are the guest\'s. On a processor with the L1TF flaw there are refused: '
            f'{said}, where the number is not 0 and is that of RAM.</p>\n')


def slots_text(level):
    first, end = level['hypervisor_slots']
    if first == end:
        return ''
    where = ' under slot 3 of the L3' if level['level'] == 2 else ''
    return f'<p>Slots {first} to {end - 1} of the table{where} are the hypervisor\'s, and no entry is written there.</p>\n'


def privilege_table(level, reason):
    """The two bits that tell a kernel's pages from a user's: what is written, what is stored."""
    rows = ''
    for judgement in level['privilege']:
        entry = int(judgement['entry'], 16)
        user, kernel = entry >> 2 & 1, entry >> 52 & 1
        rows += (f'<tr><td>{user}</td><td>{kernel}</td><td>{outcome(judgement, reason)}</td></tr>\n')
    return ('<p>Kernel and user of a 64-bit guest both run in ring 3. These two bits tell their pages apart:</p>\n'
            '<table class="rows">\n<tr><th>USER</th><th>KERNEL</th><th>of a page that is present</th></tr>\n'
            f'{rows}</table>\n')


def level_section(width, level, targets, reason):
    name = f'L{level["level"]}'
    text = f'<h3 id="w{width}-l{level["level"]}">{name} of a {width}-bit guest</h3>\n'
    text += f'<p>{level["slots"]} slots, each of them for 2<sup>{level["shift"]}</sup> bytes of addresses.</p>\n'
    text += level_table(level, reason)
    if width == 64 and level['level'] == 1:
        text += privilege_table(level, reason)
    return (text + '<p>With no bit set but those that it must have:</p>\n' + plain_list(level, targets, reason) +
            absent_text(level, reason) + slots_text(level))


def pat_cell(value, index, reason):
    if isinstance(value, str):
        return f'-EINVAL {reason(value)}' if value != 'CACHE_FLAGS_SHARED' else f'-EACCES {reason(value)}'
    return 'yes' if value == index else f'stored as {value}'


def pat_table(tables, reason):
    columns = [target for target in tables['entry']['targets'] if target['name'] in tables['pat'][0]]
    head = ''.join(f'<th>{escape(target["text"])}</th>' for target in columns)
    rows = ''
    for row in tables['pat']:
        index = row['index']
        cells = ''.join(f'<td>{pat_cell(row[target["name"]], index, reason)}</td>' for target in columns)
        rows += (f'<tr><th scope="row">{index}</th><td>{index >> 2 & 1} {index >> 1 & 1} {index & 1}</td>'
                 f'<td>{escape(row["type"])}</td>{cells}</tr>\n')
    return ('<div class="wide" style="overflow-x:auto"><table class="rows">\n<tr><th>index</th><th>PAT PCD PWT</th>'
            f'<th>memory type</th>{head}</tr>\n{rows}</table></div>\n')


def page(tables, reason=code):
    """The page: HTML.  @reason makes HTML of the name of a refusal reason, a link to it for example."""
    entry = tables['entry']
    targets = {target['name']: target for target in entry['targets']}
    text = ('<p>Each bit of an entry, tried on the judge of the engine (<code>entry_decode()</code>), set and clear, for '
            'each thing that an entry may name. <code>paravane decode entry 0x8000000012345067 --level 1</code> prints '
            'the same for one entry in a terminal.</p>\n<ul>')
    text += ''.join(f'<li><a href="#w{width["width"]}-l{level["level"]}">L{level["level"]} of a {width["width"]}-bit '
                    'guest</a></li>' for width in entry['widths'] for level in width['levels'])
    text += '<li><a href="#pat">memory types: the PAT</a></li></ul>\n'
    for width in entry['widths']:
        text += f'<h2 id="w{width["width"]}">Entries of {width["width"]}-bit guests</h2>\n'
        text += ''.join(level_section(width['width'], level, targets, reason) for level in width['levels'])
    return (text + '<h2 id="pat">Memory types</h2>\n<p>PAT, PCD and PWT of an L1 entry are an index into this table, which '
            'is the same for all guests. Who can use which:</p>\n' + pat_table(tables, reason) +
            '<p>The hypervisor itself uses 0 for RAM, and 3 for registers of devices.</p>\n')
