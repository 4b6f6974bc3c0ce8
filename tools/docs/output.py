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
    """A directory of pages.  What is written twice is a mistake of the generator."""

    def __init__(self, directory):
        self.directory, self.written = directory, set()
        self.environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True,
            undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
        self.environment.filters['breakable'] = breakable
        self.menu = []

    def page(self, template, path, **values):
        """Fill @template as the page @path.  In it to('target') is a link, title the page's name."""
        text = self.environment.get_template(template).render(
            page=path, menu=self.menu, to=lambda target: relative(target, path), **values)
        self.file(path, text)

    def file(self, path, text):
        if path in self.written:
            raise ValueError(f'{path} is written twice')
        self.written.add(path)
        full = os.path.join(self.directory, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'w', encoding='utf-8') as file:
            file.write(text)

    def start(self):
        """An empty directory, so that no page of an earlier run stays.  What is not of an earlier run ends this one."""
        try:
            if os.path.exists(self.directory):
                if os.listdir(self.directory) and not is_made_here(self.directory):
                    raise SystemExit(f'{self.directory}: not removed, since it holds something else than these pages')
                shutil.rmtree(self.directory)
            os.makedirs(self.directory)
            shutil.copy(STYLE, self.directory)
        except OSError as error:
            raise SystemExit(f'{self.directory}: cannot be made anew: {error.strerror}') from error


def is_made_here(directory):
    """The style sheet, which is written first, says at its beginning whose it is."""
    try:
        with open(os.path.join(directory, 'style.css'), 'rb') as there, open(STYLE, 'rb') as ours:
            return [there.readline() for _ in range(2)] == [ours.readline() for _ in range(2)]
    except FileNotFoundError:
        return False
