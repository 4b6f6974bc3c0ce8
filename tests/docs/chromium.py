# SPDX-License-Identifier: MIT
"""One Chromium without a window, told what to do through a pipe, by its DevTools protocol."""

import json
import os
import select
import subprocess
import tempfile
import time

LIMIT = 60


class Failed(Exception):
    pass


class Chromium:
    """A browser with one tab.  What it complains of is in said, until somebody empties it."""

    def __init__(self):
        # Its children may still write there when it has ended.
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_child, self.write_end = os.pipe()
        self.read_end, from_child = os.pipe()
        for end in (to_child, from_child):
            os.set_inheritable(end, True)
        # It reads from descriptor 3 and writes to 4.
        shell = f'exec 3<&{to_child} 4>&{from_child}; exec "$@"'
        self.process = subprocess.Popen(
            ['bash', '-c', shell, 'bash', 'chromium', '--headless', '--no-sandbox', '--disable-gpu',
             '--hide-scrollbars', '--disable-dev-shm-usage', '--remote-debugging-pipe',
             f'--user-data-dir={self.profile.name}', 'about:blank'],
            close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for end in (to_child, from_child):
            os.close(end)
        self.number, self.buffer, self.said, self.session, self.loaded = 0, b'', [], None, 0
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self.session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log'):
            self.call(f'{domain}.enable')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.write_end)
        self.process.terminate()
        self.process.wait(LIMIT)
        os.close(self.read_end)
        self.profile.cleanup()

    def receive(self, deadline):
        """The next message."""
        while b'\0' not in self.buffer:
            ready, _, _ = select.select([self.read_end], [], [], max(0, deadline - time.monotonic()))
            more = os.read(self.read_end, 1 << 16) if ready else b''
            if not more:
                raise Failed('Chromium has ended' if ready else f'Chromium did not answer in {LIMIT} seconds')
            self.buffer += more
        message, _, self.buffer = self.buffer.partition(b'\0')
        return json.loads(message)

    def event(self, message):
        method, values = message.get('method'), message.get('params', {})
        if method == 'Page.loadEventFired':
            self.loaded += 1
        elif method == 'Runtime.exceptionThrown':
            self.said.append(values['exceptionDetails'].get('text', 'an exception'))
        elif method == 'Log.entryAdded':
            self.said.append(values['entry']['text'])
        elif method == 'Runtime.consoleAPICalled':
            self.said.append(f'console.{values["type"]}')

    def call(self, method, **params):
        """The result of a method of the protocol."""
        self.number += 1
        message = {'id': self.number, 'method': method, 'params': params}
        if self.session:
            message['sessionId'] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b'\0')
        deadline = time.monotonic() + LIMIT
        while True:
            answer = self.receive(deadline)
            if answer.get('id') == self.number:
                if 'error' in answer:
                    raise Failed(f'{method}: {answer["error"]["message"]}')
                return answer['result']
            self.event(answer)

    def show(self, url):
        """Load a page, to its end."""
        before, deadline = self.loaded, time.monotonic() + LIMIT
        failed = self.call('Page.navigate', url=url).get('errorText')
        if failed:
            raise Failed(f'{url}: {failed}')
        while self.loaded == before:
            self.event(self.receive(deadline))

    def ask(self, expression):
        """The value of an expression in the page."""
        result = self.call('Runtime.evaluate', expression=expression, returnByValue=True)
        if 'exceptionDetails' in result:
            raise Failed(f'{expression}: {result["exceptionDetails"]["text"]}')
        return result['result'].get('value')

    def width(self, pixels, height=1000):
        self.call('Emulation.setDeviceMetricsOverride', width=pixels, height=height, deviceScaleFactor=1,
                  mobile=False)

    def media(self, kind='', scheme='light'):
        """Screen or print, light or dark."""
        self.call('Emulation.setEmulatedMedia', media=kind,
                  features=[{'name': 'prefers-color-scheme', 'value': scheme}])
