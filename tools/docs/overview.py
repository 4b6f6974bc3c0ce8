#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The picture of README.md: who asks, who decides, who walks.

Usage: tools/docs/overview.py >docs/overview.svg

One drawing for light and dark: colours are classes, and the reader's preference chooses.  tests/documents/run.sh sees
that what is in docs/ is what comes out here.
"""
from html import escape

WIDTH, HEIGHT = 880, 462

STYLE = """
  text { font: 14px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1c2733 }
  .title { font-weight: 600; font-size: 15px }
  .code, .cell { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 13px }
  .cell { text-anchor: middle } .end { text-anchor: end }
  .paper { fill: #ffffff }
  .box { fill: #f3f5f8; stroke: #97a3b1 }
  .engine { fill: #e3efff; stroke: #2f6fc4; stroke-width: 2 }
  .table { fill: #ffffff; stroke: #97a3b1 }
  .line { fill: none; stroke: #51606f; stroke-width: 1.5; marker-end: url(#head) }
  .walk { fill: none; stroke: #b3541e; stroke-width: 2; stroke-dasharray: 6 4; marker-end: url(#walked) }
  .head { fill: #51606f } .walked { fill: #b3541e }
  .walks { fill: #b3541e } .yes { fill: #1f7a3d } .no { fill: #b02a37 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e4e9ee }
    .paper { fill: #12181f } .box { fill: #1d2630; stroke: #65737f } .engine { fill: #16304f; stroke: #6aa7f2 }
    .table { fill: #12181f; stroke: #65737f }
    .line { stroke: #a4b1bd } .walk { stroke: #f0a070 } .head { fill: #a4b1bd } .walked { fill: #f0a070 }
    .walks { fill: #f0a070 } .yes { fill: #6fce8d } .no { fill: #ff8f98 }
  }
"""


def box(x, y, width, height, kind="box"):
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>'


def text(x, y, words, kind=""):
    return f'<text x="{x}" y="{y}"' + (f' class="{kind}"' if kind else "") + f">{escape(words)}</text>"


def line(path, kind="line"):
    return f'<path class="{kind}" d="{path}"/>'


def head(name, kind):
    return (f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path class="{kind}" d="M0 0 10 5 0 10z"/></marker>')


def guest():
    """The guest, and its page tables with what they lead to."""
    yield box(20, 20, 840, 118)
    yield text(36, 46, "A PV guest", "title")
    yield text(36, 70, "Debian's Linux, unmodified;")
    yield text(36, 90, "Debian's GRUB for PV guests;")
    yield text(36, 110, "a kernel of your own")
    yield text(330, 46, "its own page tables: it reads them, and cannot write to them")
    for place, name in enumerate(("L4", "L3", "L2", "L1", "page")):
        x = 330 + 104 * place
        yield box(x, 66, 72, 40, "table")
        yield text(x + 36, 91, name, "cell")
        if place < 4:
            yield line(f"M{x + 72} 86h31")


def decision():
    """The engine between the guest's question and the answer."""
    yield line("M90 138v76")
    yield text(102, 164, "“this value into that entry”")
    yield text(102, 186, "mmu_update", "code")
    yield box(20, 216, 520, 96, "engine")
    yield text(36, 242, "engine/: may it?", "title")
    yield text(36, 266, "What each frame is in use as, by whom and how often, and who may")
    yield text(36, 286, "still hold an old translation. No page table is ever writable.")
    yield line("M366 216v-108")
    yield text(378, 164, "yes: written", "yes")
    yield text(378, 186, "no: -EBUSY, and why", "no")


def machine():
    """The processor, and the two places where the engine runs."""
    yield box(620, 216, 240, 96)
    yield text(636, 242, "The processor", "title")
    yield text(636, 266, "walks the tables itself: nothing")
    yield text(636, 286, "is shadowed, nothing is nested")
    yield line("M782 216V122H388v-14", "walk")
    yield text(772, 186, "walks, from the root down", "walks end")
    yield box(20, 350, 410, 92)
    yield text(36, 376, "hv/: a hypervisor of type 1", "title")
    yield text(36, 400, "boots by BIOS, UEFI or QEMU; events, time, grants,")
    yield text(36, 420, "xenstore, consoles; disks and networks by backend/")
    yield box(450, 350, 410, 92)
    yield text(466, 376, "sim/: one ordinary process", "title")
    yield text(466, 400, "RAM, TLBs that keep what is stale, vCPUs that")
    yield text(466, 420, "interrupt each other: tests, models, fuzzing")
    yield line("M225 350v-37")
    yield line("M490 350v-37")


def drawing():
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
           'role="img" aria-labelledby="title">')
    yield "<!-- Made by tools/docs/overview.py. -->"
    yield ('<title id="title">A guest asks for each change of its page tables, the engine decides, and the processor walks '
           "the tables that the guest has</title>")
    yield f"<style>{STYLE}</style>"
    yield f"<defs>{head('head', 'head')}{head('walked', 'walked')}</defs>"
    yield box(0, 0, WIDTH, HEIGHT, "paper")
    yield from guest()
    yield from decision()
    yield from machine()
    yield "</svg>"


print("\n".join(drawing()))
