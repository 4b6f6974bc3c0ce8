# SPDX-License-Identifier: MIT
"""The pages: templates filled, and files written."""

import os
import re
import shutil

import jinja2
from markupsafe import Markup, escape

from links import relative

TEMPLATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'templates')
STYLE = os.path.join(TEMPLATES, 'style.css')


def breakable(html):
    """HTML whose names may go on in another line behind each _, and nowhere else; see style.css."""
    return Markup(re.sub(r'_(?=[^<>]*(?:<|$))', '_<wbr>', escape(html)))


class Output:
    """A directory of pages.  What is written twice is a mistake of the generator.

    In a with statement: the pages are written beside the directory, and take its place at the end as a whole.  Where
    that end is not reached, what was there before stays.
    """

    def __init__(self, directory):
        self.directory, self.written = directory, set()
        place = os.path.realpath(directory)
        self.place, self.new, self.old = place, f'{place}.new', f'{place}.old'
        self.environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True,
            undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
        self.environment.filters['breakable'] = breakable
        self.menu = []

    def __enter__(self):
        """An empty directory, so that no page of an earlier run stays.  What is not of an earlier run ends this one."""
        try:
            for one in self.place, self.new, self.old:
                if os.path.exists(one) and os.listdir(one) and not is_made_here(one):
                    raise SystemExit(f'{self.said(one)}: not removed, since it holds something else than these pages')
            self.remove(self.new, self.old)  # a run that was killed may have left them
            os.makedirs(self.new)
            shutil.copy(STYLE, self.new)
        except OSError as error:
            raise SystemExit(f'{self.directory}: cannot be made anew: {error.strerror}') from error
        return self

    def __exit__(self, kind, _value, _traceback):
        if kind:
            shutil.rmtree(self.new, ignore_errors=True)
            return
        try:
            if os.path.exists(self.place):
                os.rename(self.place, self.old)
            os.rename(self.new, self.place)
            self.remove(self.old)
        except OSError as error:
            if not os.path.exists(self.place) and os.path.exists(self.old):
                os.rename(self.old, self.place)
            raise SystemExit(f'{self.directory}: cannot be made anew: {error.strerror}') from error

    def said(self, place):
        """@place as the caller would name it."""
        return self.directory + place.removeprefix(self.place)

    def remove(self, *places):
        for place in places:
            if os.path.exists(place):
                shutil.rmtree(place)

    def page(self, template, path, **values):
        """Fill @template as the page @path.  In it to('target') is a link, title the page's name."""
        text = self.environment.get_template(template).render(
            page=path, menu=self.menu, to=lambda target: relative(target, path), **values)
        self.file(path, text)

    def file(self, path, text):
        if path in self.written:
            raise ValueError(f'{path} is written twice')
        self.written.add(path)
        full = os.path.join(self.new, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'w', encoding='utf-8') as file:
            file.write(text)


def is_made_here(directory):
    """The style sheet, which is written first, says at its beginning whose it is."""
    try:
        with open(os.path.join(directory, 'style.css'), 'rb') as there, open(STYLE, 'rb') as ours:
            return [there.readline() for _ in range(2)] == [ours.readline() for _ in range(2)]
    except FileNotFoundError:
        return False
