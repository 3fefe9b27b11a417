#!/usr/bin/env python3
"""Writes the named character references of HTML as a sorted C table (for html_charref.c).

Python's own copy of the standard's list (html.entities.html5) is the source. Every name is listed once, without its
semicolon; "bare" marks those that also count without one."""

import html.entities


def main():
    table = html.entities.html5
    names = sorted(name[:-1] for name in table if name.endswith(";"))
    for name in names:
        bare = name in table
        utf8 = table[name + ";"].encode()
        assert len(utf8) <= 8 and len(name) <= 31
        text = "".join("\\%03o" % byte for byte in utf8)
        print('{"%s", %d, %d, %d, "%s"},' % (name, len(name), bare, len(utf8), text))


main()
