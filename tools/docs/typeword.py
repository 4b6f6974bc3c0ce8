# SPDX-License-Identifier: MIT
"""The type word's state machine as a page: drawn by Graphviz from the transitions of tables.json."""

import re
import subprocess
from html import escape


def by_edge(transitions):
    """{(from, to): [label]} in the order of the table."""
    edges = {}
    for step in transitions:
        label = step['function'].removeprefix('type_')
        if step['from'] == step['to'] and step['count'] != '0':
            label += f' {step["count"]}'
        labels = edges.setdefault((step['from'], step['to']), [])
        if label not in labels:
            labels.append(label)
    return edges


def label_text(label, is_loop):
    """A label beside an arrow in two lines, so that the picture fits on a narrow page; loops are at the side anyway."""
    return label if is_loop else label.replace('_', '_\\n')


def dot_source(tables):
    word = tables['type_word']
    nodes = ''.join(f'  {state["name"]};\n' for state in word['states'])
    edges = ''.join('  {} -> {} [label="{}"];\n'.format(start, end, '\\n'.join(
        label_text(label, start == end) for label in labels)) for (start, end), labels in
                    by_edge(word['transitions']).items())
    return ('digraph "type word" {\n  rankdir=TB; bgcolor="transparent"; nodesep=0.1; ranksep=0.45;\n'
            '  node [shape=box, style=rounded, fontname="sans-serif", fontsize=10, margin="0.1,0.05", width=0.1, height=0.3];\n'
            '  edge [fontname="sans-serif", fontsize=9, arrowsize=0.7];\n' + nodes + edges + '}\n')


def draw(tables):
    """The picture as HTML: an SVG of the size that Graphviz gives it, in a box that scrolls where that is too wide."""
    source = dot_source(tables)
    svg = subprocess.run(['dot', '-Tsvg'], input=source, capture_output=True, text=True, check=True).stdout
    svg = svg[svg.index('<svg'):]
    width = re.search(r'<svg width="(\d+)pt"', svg)[1]
    # A point is 4/3 of a pixel; what Graphviz draws black gets the colour of the page's text.
    svg = re.sub(r'<svg width="\d+pt" height="\d+pt"', f'<svg role="img" style="width:{int(width) * 4 // 3}px;height:auto"',
                 svg, count=1)
    svg = re.sub(r'<!--.*?-->\n?', '', svg, flags=re.S)
    svg = svg.replace('stroke="black"', 'stroke="currentColor"').replace('fill="black"', 'fill="currentColor"')
    svg = svg.replace('<text ', '<text fill="currentColor" ')
    description = ('<desc>States of the type word of a frame, and an arrow for each function of engine/type.h from the '
                   'state before it to the state behind it. The same is in the table below.</desc>')
    svg = re.sub(r'(<g id="graph0"[^>]*>\n)<title>.*?</title>', r'\1<title>The states of a type word</title>' + description,
                 svg, count=1, flags=re.S)
    return f'<div class="wide figure" style="overflow-x:auto">\n{svg.strip()}\n</div>\n'


def count_text(state, limit):
    low, high = state['count_min'], state['count_max']
    return str(low) if low == high else f'{low} or more' if high == limit else f'{low} to {high}'


def state_table(word):
    rows = ''
    for state in word['states']:
        flags = ', '.join(name if state[name] == 'yes' else f'perhaps {name}' for name in ('validated', 'busy', 'pinned')
                          if state[name] != 'no')
        rows += (f'<tr><th scope="row">{state["name"]}</th><td>{escape(", ".join(state["types"]))}</td>'
                 f'<td>{count_text(state, word["count_limit"])}</td><td>{flags or "none"}</td></tr>\n')
    return ('<div class="wide" style="overflow-x:auto"><table class="rows">\n<tr><th>state</th><th>types</th><th>count</th>'
            f'<th>flags</th></tr>\n{rows}</table></div>\n')


def transition_table(word):
    rows = ''.join(f'<tr><th scope="row"><code>{step["function"]}()</code></th><td>{step["from"]}</td><td>{step["to"]}</td>'
                   f'<td>{step["count"]}</td><td>{step["pinned"]}</td></tr>\n' for step in word['transitions'])
    return ('<div class="wide" style="overflow-x:auto"><table class="rows">\n<tr><th>function</th><th>from</th><th>to</th>'
            f'<th>count</th><th>pinned</th></tr>\n{rows}</table></div>\n')


def page(tables):
    """The page: HTML."""
    word = tables['type_word']
    return ('<p>What a frame of machine memory is in use as. Each legal word was found by asking <code>engine/type.c</code> '
            'of every kind of word, each arrow by calling the functions of <code>engine/type.h</code> on them. What the '
            'states and events mean is in <code>docs/page-types.md</code>.</p>\n' + draw(tables) +
            '<h2 id="states">States</h2>\n' + state_table(word) +
            '<h2 id="transitions">Transitions</h2>\n' + transition_table(word))
