# SPDX-License-Identifier: MIT
"""Every page in Chromium: on a phone, on a desk, on paper, dark.  Pictures of some are in build/docs-shots."""

import base64
import glob
import os
import re
import shutil

from chromium import Chromium, Failed

SHOTS = 'build/docs-shots'
PHONE, DESK = 390, 1400
# A4 without its margins of 18 mm, in pixels of 1/96 inch.
PAPER = 657
MEDIA = {f'at {PHONE} pixels': ('', PHONE), f'at {DESK} pixels': ('', DESK), 'on paper': ('print', PAPER)}
# Tables of so many columns that no phone shows them whole.
MAY_SCROLL = ('documents/docs/coverage', 'documents/docs/page-types', 'tables/address-spaces', 'tables/entry-decoder')
# What stands for each kind of page in the pictures; those that are not there are left out.
SAMPLES = ('index', 'calls/mmuext_op', 'calls/mmu_update', 'topics/pte', 'topics/layout', 'headers/mmu', 'index/errno',
           'index/names', 'documents/README', 'documents/docs/pv-mmu', 'documents/docs/memory-layout',
           'tables/entry-decoder', 'tables/address-spaces', 'tables/start-of-day', 'tables/type-word')
TALLEST = 6000

WIDEST = '''(() => { const page = document.scrollingElement.clientWidth; let found = '';
    for (const one of document.querySelectorAll('body *')) {
        let inside = false;
        for (let up = one; up; up = up.parentElement) inside ||= getComputedStyle(up).overflowX == 'auto';
        if (!inside && one.getBoundingClientRect().right > page + 1)
            found = one.tagName + ' ' + one.className + ' ' + one.textContent.trim().slice(0, 60);
    } return found; })()'''

# What is wider than its box and scrolls there, which is no way to read a table or a figure; lines of code may.
SCROLLS = '''[...document.querySelectorAll('body *')].filter(one => getComputedStyle(one).overflowX == 'auto' &&
    one.tagName != 'PRE' && one.scrollWidth > one.clientWidth + 1).map(one => one.scrollWidth + ' pixels in ' +
    one.clientWidth + ': ' + one.textContent.trim().slice(0, 60))'''

# The smallest contrast between a text and what is behind it, by the formula of WCAG 2, and where it is.
CONTRAST = '''(() => { const numbers = color => color.match(/[\\d.]+/g).map(Number);
    const light = color => { const [r, g, b] = numbers(color).map(v => (v /= 255) <= 0.03928 ? v / 12.92 :
        ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    let worst = [99, ''];
    for (const one of document.querySelectorAll('body *')) {
        if (![...one.childNodes].some(node => node.nodeType == 3 && node.data.trim()) || one.closest('svg')) continue;
        let up = one; while (up && (numbers(getComputedStyle(up).backgroundColor)[3] ?? 1) == 0) up = up.parentElement;
        const a = light(getComputedStyle(one).color), b = light(getComputedStyle(up ?? document.body).backgroundColor);
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < worst[0]) worst = [ratio, one.tagName + ' ' + one.className + ' ' + one.textContent.slice(0, 40)];
    } return worst; })()'''


def shown(browser, paths):
    """({medium: complaints about the width}, what scrolls, what the browser says) of each page, loaded once."""
    wide, scrolling, said = {medium: [] for medium in MEDIA}, [], []
    for path in paths:
        browser.said.clear()
        browser.show('file://' + os.path.abspath(path))
        for medium, (kind, width) in MEDIA.items():
            browser.media(kind)
            browser.width(width)
            pixels = browser.ask('document.scrollingElement.scrollWidth')
            if pixels > width:
                wide[medium].append(f'{path}: {pixels} pixels: {browser.ask(WIDEST)}')
            if width == PHONE and not path.endswith(tuple(f'/{name}.html' for name in MAY_SCROLL)):
                scrolling += [f'{path}: {one}' for one in browser.ask(SCROLLS)]
        said += [f'{path}: {one}' for one in browser.said]
    return wide, scrolling, said


def contrast(browser, paths):
    for path in paths:
        browser.show('file://' + os.path.abspath(path))
        ratio, where = browser.ask(CONTRAST)
        if ratio < 4.5:
            yield f'{path}: contrast {ratio:.2f}: {where}'


def picture(browser, path, width, name):
    browser.width(width)
    browser.show('file://' + os.path.abspath(path))
    browser.width(width, min(TALLEST, browser.ask('document.scrollingElement.scrollHeight')))
    with open(f'{SHOTS}/{name}.png', 'wb') as file:
        file.write(base64.b64decode(browser.call('Page.captureScreenshot')['data']))


def printed(browser, path):
    """What is wrong with the PDF of a page."""
    browser.show('file://' + os.path.abspath(path))
    data = base64.b64decode(browser.call('Page.printToPDF', printBackground=True, paperWidth=8.27, paperHeight=11.69,
                                         preferCSSPageSize=True)['data'])
    with open(f'{SHOTS}/longest.pdf', 'wb') as file:
        file.write(data)
    sheets = len(re.findall(rb'/Type\s*/Page\b', data))
    if not data.startswith(b'%PDF') or sheets < 3:
        yield f'{path}: {len(data)} bytes, {sheets} sheets'


def pictures(browser, directory):
    samples = [(name, f'{directory}/{name}.html') for name in SAMPLES if os.path.isfile(f'{directory}/{name}.html')]
    for name, path in samples:
        name = name.replace('/', '-')
        browser.media()
        picture(browser, path, PHONE, f'{name}-{PHONE}')
        picture(browser, path, DESK, f'{name}-{DESK}')
        browser.media('print')
        picture(browser, path, PAPER, f'{name}-paper')
        browser.media(scheme='dark')
        picture(browser, path, DESK, f'{name}-dark')
    return samples


def run(verdicts, directory):
    shutil.rmtree(SHOTS, ignore_errors=True)
    os.makedirs(SHOTS)
    paths = sorted(glob.glob(f'{directory}/**/*.html', recursive=True))
    samples = [path for path in (f'{directory}/{name}.html' for name in SAMPLES) if os.path.isfile(path)]
    try:
        with Chromium() as browser:
            wide, scrolling, said = shown(browser, paths)
            for medium, complaints in wide.items():
                verdicts.verdict(f'screens: {len(paths)} pages {medium}', complaints)
            verdicts.verdict('screens: tables and figures need not be moved on a phone', scrolling)
            verdicts.verdict(f'screens: {len(paths)} pages without a complaint of Chromium', said)
            browser.width(DESK)
            for scheme in ('light', 'dark'):
                browser.media(scheme=scheme)
                verdicts.verdict(f'screens: {len(samples)} pages can be read, {scheme}', contrast(browser, samples))
            browser.media()
            verdicts.verdict('screens: the longest as PDF', printed(browser, max(paths, key=os.path.getsize)))
            pictures(browser, directory)
    except Failed as why:
        verdicts.verdict('screens: Chromium does what it is told', [str(why)])
