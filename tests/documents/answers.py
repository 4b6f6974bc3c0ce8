#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each question of tests/docs/questions.md has an answer, what that quotes stands where it says, and the article leads
there.

Usage: answers.py ARTICLE QUESTIONS ANSWERS     from the root of the tree
"""
import re
import sys

ITEM = re.compile(r"^(\d+)\. (.*?)(?=^\d+\. |\Z)", re.MULTILINE | re.DOTALL)
SOURCE = re.compile(r'`(abi/\w+\.h)`\s+`(\w+)`:\s+"([^"]+)"')


def items(path):
    with open(path, encoding="utf-8") as file:
        return {int(number): text for number, text in ITEM.findall(file.read())}


def squeeze(text):
    """Without the marks of the comments and the tags, and with single blanks."""
    text = re.sub(r"^\s*/?\*+(?!/)[ \t]*`?", "", text, flags=re.MULTILINE)
    return " ".join(re.sub(r"\{[\w -]+\}", "", text).split())


def section(header, label):
    """What stands in @header from the heading with that label to the next one; empty if there is none."""
    with open(header, encoding="utf-8") as file:
        parts = re.split(r"^ ?[/ ]\* `incontents \d+ ", file.read(), flags=re.MULTILINE)
    return next((squeeze(part) for part in parts[1:] if part.split()[0] == label), "")


def main(article, questions, answers):
    good = True
    with open(article, encoding="utf-8") as file:
        leads = set(re.findall(r"\[(\w+)\]\(\.\./(abi/\w+\.h)\)", file.read()))
    asked, answered = items(questions), items(answers)
    if sorted(asked) != sorted(answered) or len(asked) != 20:
        print(f"{questions} has {len(asked)} questions, {answers} {len(answered)} answers")
        good = False
    for number, text in answered.items():
        sources = SOURCE.findall(text)
        if not sources:
            print(f"{answers}: answer {number} names no place")
            good = False
        for header, label, words in sources:
            if squeeze(words) not in section(header, label):
                print(f"{answers}: answer {number}: \"{words}\" does not stand under {label} of {header}")
                good = False
            if (label, header) not in leads:
                print(f"{answers}: answer {number}: {article} does not lead to {label} of {header}")
                good = False
    return good


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:]) else 1)
