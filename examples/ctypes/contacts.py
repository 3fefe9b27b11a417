#!/usr/bin/env python3
"""Strata from Python by ctypes alone: contacts.py LIBSTRATA LIBCONTACTS [URL]"""
import ctypes
import json
import sys
from ctypes import (POINTER, Structure, byref, c_bool, c_char_p, c_int, c_int32, c_int64, c_size_t, c_uint8, c_uint64,
                    c_void_p)

ACME = b'00000000-0000-7000-8000-0000000000ac'
GLOBEX = b'00000000-0000-7000-8000-000000000091'


class OptInt32(Structure):
    _fields_ = [('v', c_int32), ('set', c_bool)]


class Contact(Structure):  # as in contacts.c
    _fields_ = [('tenant_id', c_uint8 * 16), ('id', c_uint8 * 16), ('name', c_char_p), ('email', c_char_p),
                ('born', OptInt32)]


strata = ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL)
contacts = ctypes.CDLL(sys.argv[2])
MODEL = c_void_p.in_dll(contacts, 'Contact_model')
ROWS = POINTER(POINTER(c_void_p)), POINTER(c_size_t)


def function(library, name, result, *arguments):
    f = getattr(library, name)
    f.restype, f.argtypes = result, arguments
    return f


engine_open = function(strata, 'st_engine_open', c_int, c_char_p, c_void_p, POINTER(c_void_p))
engine_close = function(strata, 'st_engine_close', None, c_void_p)
create_all = function(strata, 'st_create_all', c_int, c_void_p, POINTER(c_void_p), c_size_t, c_int64)
session = function(strata, 'st_plain_session', c_void_p, c_void_p, c_char_p, c_bool)
session_close = function(strata, 'st_session_close', None, c_void_p)
add = function(strata, 'st_add_', c_void_p, c_void_p, c_void_p, POINTER(Contact))
commit = function(strata, 'st_commit', c_int, c_void_p)
rollback = function(strata, 'st_rollback', c_int, c_void_p)
select = function(strata, 'st_plain_select', c_int, c_void_p, c_void_p, c_void_p, c_uint64, *ROWS)
born_before = function(contacts, 'contacts_born_before', c_int, c_void_p, c_int32, *ROWS)
to_json = function(strata, 'st_plain_json', c_char_p, c_void_p, c_void_p, c_void_p)
error = function(strata, 'st_plain_error', c_char_p)
FOREVER = 2**63 - 1


class StrataError(Exception):
    pass


def check(code):
    if code:
        raise StrataError(error().decode())


class Session:
    def __init__(self, engine, tenant):
        self.pointer = session(engine, tenant, False)
        if not self.pointer:
            raise StrataError(error().decode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        session_close(self.pointer)

    def add(self, name, email=None, born=None):
        contact = Contact(name=name.encode(), email=email and email.encode(), born=OptInt32(born or 0, born is not None))
        if not add(self.pointer, byref(MODEL), byref(contact)):
            raise StrataError(error().decode())
        check(commit(self.pointer))

    def rows(self, choose, *arguments):
        rows, n = POINTER(c_void_p)(), c_size_t()
        check(choose(self.pointer, *arguments, byref(rows), byref(n)))
        return [json.loads(to_json(self.pointer, byref(MODEL), rows[i])) for i in range(n.value)]


def main():
    engine = c_void_p()
    url = sys.argv[3] if len(sys.argv) > 3 else 'sqlite:///:memory:'
    check(engine_open(url.encode(), None, byref(engine)))
    check(create_all(engine, (c_void_p * 1)(ctypes.addressof(MODEL)), 1, FOREVER))
    with Session(engine, ACME) as s:
        s.add('Ada', 'ada@example.com', 1815)
        s.add('Grace', born=1906)
        for row in s.rows(select, byref(MODEL), None, 10):
            print(row['name'], row['email'], row['born'])
        print('born before 1900:', [row['name'] for row in s.rows(born_before, 1900)])
    with Session(engine, GLOBEX) as s:
        print('another tenant sees', len(s.rows(select, byref(MODEL), None, 0)))
        try:
            s.add('Nobody', 'no address')
        except StrataError as e:
            print('refused:', e)
            check(rollback(s.pointer))
        s.add('Alan', 'alan@example.com')
        print('and then', len(s.rows(select, byref(MODEL), None, 0)))
    engine_close(engine)


main()
