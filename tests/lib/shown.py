# What a page shows of a run: a block that begins with "$ COMMAND", a prompt before what is typed, and what comes.
import re


def sessions(page, command, prompt):
    """For each such run, in order: the lines that are typed, and with each the lines that come; "..." is left out."""
    found = []
    with open(page, encoding="utf-8") as file:
        text = file.read()
    for block in re.findall(r"(?:^    .*\n)+", text, re.MULTILINE):
        for run in re.split(r"^    \$ ", block, flags=re.MULTILINE)[1:]:
            lines = [line[4:] for line in run.splitlines()[1:]]
            if run.splitlines()[0] == command:
                found.append(list(typed(lines, prompt)))
    return found


def typed(lines, prompt):
    line, came = None, []
    for text in lines:
        if text.startswith(prompt):
            if line:
                yield line, came
            line, came = text[len(prompt):], []
        elif text != "...":
            came.append(text)
    if line:
        yield line, came
