# SPDX-License-Identifier: MIT
"""The pages: templates filled, and files written."""

import os
import re
import shutil

import jinja2
from markupsafe import Markup, escape

from links import relative

TEMPLATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'templates')


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
        """An empty directory, so that no page of an earlier run stays."""
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)
        shutil.copy(os.path.join(TEMPLATES, 'style.css'), self.directory)
