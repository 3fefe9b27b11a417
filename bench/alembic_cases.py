"""The changes that bench/alembic_peer.py makes: `a` is SQL that brings the common tables into the state before, `c` and `py` are what
the model and the Table of t have otherwise afterwards, by the part's name (None: no such part). Without `py`, SQLAlchemy has
no words for it."""
from sqlalchemy import (BigInteger, CheckConstraint, Column, Computed, Enum, ForeignKeyConstraint, Identity, Index, Integer,
                        PrimaryKeyConstraint, String, Text, text, UniqueConstraint)
from sqlalchemy.dialects.postgresql import ExcludeConstraint, UUID


def bigint_key():
    return Column('id', BigInteger, primary_key=True, autoincrement=False)


def py_table():
    return {'id': bigint_key(), 'n': Column('n', Integer, server_default=text('0'), nullable=False, autoincrement=False),
            'p_id': Column('p_id', BigInteger), 'title': Column('title', String(100), nullable=False), 'note': Column('note', Text)}


C_TABLE = {
    'id': 'COL(id, .pk = true)', 'n': 'COL(n, .default_sql = "0")', 'p_id': 'UNMAPPED("p_id", ST_INT64, .null = true)',
    'title': 'UNMAPPED("title", ST_TYPE_NONE, .type_sql = "varchar(100)")', 'note': 'UNMAPPED("note", ST_TEXT, .null = true)'}


def col(*args, **kw):
    return Column(*args, **kw)


def c_fk(action=''):
    return 'FOREIGN_KEY("t_p_id_fkey", Mp, MEMBERS("p_id"), MEMBERS("id")%s)' % action


def py_fk(**kw):
    return ForeignKeyConstraint(['p_id'], ['p.id'], name='t_p_id_fkey', **kw)


def mood(values):
    return 'ST_ENUM_DEFINE(mood_enum, %s);' % ', '.join('"%s"' % v for v in values)


def c_index(name, columns, extra=''):
    return '{.kind = ST_A_INDEX, .name = "%s", .columns = (const char *const[]){%s}%s}' % (
        name, ''.join('"%s", ' % c for c in columns) + 'NULL', extra)


# What is there before is made by a revision of its own: a trigger that no revision made is not Strata's to change.
TRIGGER = 'TRIGGER("t_touch", .when = "BEFORE INSERT", .postgresql = "%s RETURN NEW;")'

CASES = [
    dict(name='nothing (control)', c={}, py={}),
    dict(name='table added', add='more', c={}, py={}),
    dict(name='table dropped', drop='spare', c={}, py={}),
    dict(name='table renamed', name_b='t2', rename=True, c={}, py={}),
    dict(name='column added, nullable', c={'x': 'UNMAPPED("x", ST_INT32, .null = true)'}, py={'x': col('x', Integer)}),
    dict(name='column added, constant default', c={'x': 'UNMAPPED("x", ST_INT32, .default_sql = "7")'},
         py={'x': col('x', Integer, server_default=text('7'), nullable=False)}),
    dict(name='column added, NOT NULL, volatile default', c={'x': 'UNMAPPED("x", ST_UUID, .default_sql = "uuid()")'},
         py={'x': col('x', UUID, server_default=text('gen_random_uuid()'), nullable=False)}),
    dict(name='column dropped', c={'note': None}, py={'note': None}),
    dict(name='column renamed', rename=True, c={'note': 'UNMAPPED("remark", ST_TEXT, .null = true, .was = "note")'},
         py={'note': col('remark', Text)}),
    dict(name='length, wider', c={'title': 'UNMAPPED("title", ST_TYPE_NONE, .type_sql = "varchar(200)")'},
         py={'title': col('title', String(200), nullable=False)}),
    dict(name='integer to bigint', c={'n': 'UNMAPPED("n", ST_INT64, .default_sql = "0")'},
         py={'n': col('n', BigInteger, server_default=text('0'), nullable=False)}),
    dict(name='NOT NULL set', c={'note': 'UNMAPPED("note", ST_TEXT)'}, py={'note': col('note', Text, nullable=False)}),
    dict(name='NOT NULL dropped', c={'title': 'UNMAPPED("title", ST_TYPE_NONE, .type_sql = "varchar(100)", .null = true)'},
         py={'title': col('title', String(100))}),
    dict(name='default changed', c={'n': 'COL(n, .default_sql = "5")'},
         py={'n': col('n', Integer, server_default=text('5'), nullable=False)}),
    dict(name='computed column added', c={'x': 'UNMAPPED("x", ST_INT32, .generated = "n * 2", .null = true)'},
         py={'x': col('x', Integer, Computed('n * 2', persisted=True))}),
    dict(name='computed expression changed', a='ALTER TABLE t ADD x integer GENERATED ALWAYS AS (n * 3) STORED',
         c={'x': 'UNMAPPED("x", ST_INT32, .generated = "n * 2", .null = true)'},
         py={'x': col('x', Integer, Computed('n * 2', persisted=True))}),
    dict(name='primary key changed', c={'n': 'COL(n, .pk = true, .default_sql = "0")'},
         py={'id': Column('id', BigInteger, nullable=False), 'key': PrimaryKeyConstraint('id', 'n', name='t_pkey')}),
    dict(name='unique added', c={'u': 'UNIQUE("t_title_key", "title")'}, py={'u': UniqueConstraint('title', name='t_title_key')}),
    dict(name='unique dropped', a='ALTER TABLE t ADD CONSTRAINT t_title_key UNIQUE (title)', c={}, py={}),
    dict(name='check added, named', c={'k': 'CHECK("t_n_check", "n >= 0")'}, py={'k': CheckConstraint('n >= 0', name='t_n_check')}),
    dict(name='check expression changed', a='ALTER TABLE t ADD CONSTRAINT t_n_check CHECK (n >= -1)',
         c={'k': 'CHECK("t_n_check", "n >= 0")'}, py={'k': CheckConstraint('n >= 0', name='t_n_check')}),
    dict(name='check added, of a column, unnamed', c={'n': 'COL(n, .default_sql = "0", .check = "n >= 0")'},
         py={'k': CheckConstraint('n >= 0')}),
    dict(name='foreign key added', c={'f': c_fk()}, py={'f': py_fk()}),
    dict(name='foreign key: ON DELETE changed', a='ALTER TABLE t ADD CONSTRAINT t_p_id_fkey FOREIGN KEY (p_id) REFERENCES p',
         c={'f': c_fk(', .on_delete = ST_CASCADE')}, py={'f': py_fk(ondelete='CASCADE')}),
    dict(name='index added', c={'i': c_index('t_title_idx', ['title'])}, py={'i': Index('t_title_idx', 'title')}),
    dict(name='partial index added', c={'i': c_index('t_title_idx', ['title'], ', .where = "n > 5"')},
         py={'i': Index('t_title_idx', 'title', postgresql_where=text('n > 5'))}),
    dict(name='partial index: condition changed', a='CREATE INDEX t_title_idx ON t (title) WHERE n > 4',
         c={'i': c_index('t_title_idx', ['title'], ', .where = "n > 5"')},
         py={'i': Index('t_title_idx', 'title', postgresql_where=text('n > 5'))}),
    dict(name='expression index added', c={'i': c_index('t_lower_idx', [], ', .expression = "lower(title)"')},
         py={'i': Index('t_lower_idx', text('lower(title)'))}),
    dict(name='index method changed', a='CREATE INDEX t_title_idx ON t (title)',
         c={'i': c_index('t_title_idx', ['title'], ', .method = "hash"')}, py={'i': Index('t_title_idx', 'title', postgresql_using='hash')}),
    dict(name='enum as text: value added', a="ALTER TABLE t ADD kind text COLLATE \"C\" NOT NULL DEFAULT 'glad', "
         "ADD CONSTRAINT t_kind_enum_check CHECK (kind IN ('glad', 'sad'))", c_before=mood(['glad', 'sad', 'calm']),
         c={'x': 'UNMAPPED("kind", ST_ENUM, .enumeration = &mood_enum, .default_sql = "\'glad\'")'},
         py={'x': col('kind', Text, server_default='glad', nullable=False),
             'k': CheckConstraint("kind IN ('glad', 'sad', 'calm')", name='t_kind_enum_check')}),
    dict(name='enum type: value added', a="CREATE TYPE mood AS ENUM ('glad', 'sad'); ALTER TABLE t ADD kind mood NOT NULL DEFAULT 'glad'",
         c_before=mood(['glad', 'sad', 'calm']),
         c={'x': 'UNMAPPED("kind", ST_ENUM, .enumeration = &mood_enum, .enum_type = "mood", .default_sql = "\'glad\'")'},
         py={'x': col('kind', Enum('glad', 'sad', 'calm', name='mood'), server_default='glad', nullable=False)}),
    dict(name='column comment', c={'note': 'UNMAPPED("note", ST_TEXT, .null = true, .comment = "said")'},
         py={'note': col('note', Text, comment='said')}),
    dict(name='table comment', c={'m': 'COMMENT("all of it")'}, py={'table comment': 'all of it'}),
    dict(name='policy added, row-level security on', c={'y': 'POLICY("t_all", .using_sql = "n >= 0")'}),
    dict(name='policy condition changed', a='ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY t_all ON t USING (n >= -1)',
         c={'y': 'POLICY("t_all", .using_sql = "n >= 0")'}),
    dict(name='column: computed no more', a='ALTER TABLE t ADD x integer GENERATED ALWAYS AS (n * 2) STORED',
         c={'x': 'UNMAPPED("x", ST_INT32, .null = true)'}, py={'x': col('x', Integer)}),
    dict(name='identity set', c={'n': 'COL(n, .identity = true)'}, a='ALTER TABLE t ALTER n DROP DEFAULT',
         py={'n': col('n', Integer, Identity(), nullable=False)}),
    dict(name='identity dropped', a='ALTER TABLE t ALTER n DROP DEFAULT, ALTER n ADD GENERATED BY DEFAULT AS IDENTITY',
         c={'n': 'COL(n)'}, py={'n': col('n', Integer, nullable=False)}),
    dict(name='unique added, unnamed',
         c={'title': 'UNMAPPED("title", ST_TYPE_NONE, .type_sql = "varchar(100)", .unique = true)'},
         py={'title': col('title', String(100), nullable=False, unique=True)}),
    dict(name='foreign key dropped', a='ALTER TABLE t ADD CONSTRAINT t_p_id_fkey FOREIGN KEY (p_id) REFERENCES p', c={}, py={}),
    dict(name='foreign key: ON UPDATE changed', a='ALTER TABLE t ADD CONSTRAINT t_p_id_fkey FOREIGN KEY (p_id) REFERENCES p',
         c={'f': c_fk(', .on_update = ST_CASCADE')}, py={'f': py_fk(onupdate='CASCADE')}),
    dict(name='foreign key: DEFERRABLE changed', a='ALTER TABLE t ADD CONSTRAINT t_p_id_fkey FOREIGN KEY (p_id) REFERENCES p',
         c={'f': c_fk(', .deferrable = ST_DEFERRABLE')}, py={'f': py_fk(deferrable=True)}),
    dict(name='unique: DEFERRABLE changed', a='ALTER TABLE t ADD CONSTRAINT t_title_key UNIQUE (title)',
         c={'u': 'UNIQUE_ON("t_title_key", MEMBERS("title"), .deferrable = ST_DEFERRED)'},
         py={'u': UniqueConstraint('title', name='t_title_key', deferrable=True, initially='DEFERRED')}),
    dict(name='index expression changed', a='CREATE INDEX t_lower_idx ON t (upper(title))',
         c={'i': c_index('t_lower_idx', [], ', .expression = "lower(title)"')}, py={'i': Index('t_lower_idx', text('lower(title)'))}),
    dict(name='index: descending', a='CREATE INDEX t_title_idx ON t (title)', c={'i': c_index('t_title_idx', ['-title'])},
         py={'i': Index('t_title_idx', text('title DESC'))}),
    dict(name='index: another column', a='CREATE INDEX t_title_idx ON t (title)', c={'i': c_index('t_title_idx', ['title', 'n'])},
         py={'i': Index('t_title_idx', 'title', 'n')}),
    dict(name='index: columns included', a='CREATE INDEX t_title_idx ON t (title)',
         c={'i': c_index('t_title_idx', ['title'], ', .include = MEMBERS("n", "note")')},
         py={'i': Index('t_title_idx', 'title', postgresql_include=['n', 'note'])}),
    dict(name='index: operator class', a='CREATE INDEX t_title_idx ON t (title)',
         c={'i': c_index('t_title_idx', ['title text_pattern_ops'])},
         py={'i': Index('t_title_idx', 'title', postgresql_ops={'title': 'text_pattern_ops'})}),
    dict(name='index: NULLS LAST', a='CREATE INDEX t_note_idx ON t (note DESC)', c={'i': c_index('t_note_idx', ['-note nulls last'])},
         py={'i': Index('t_note_idx', text('note DESC NULLS LAST'))}),
    dict(name='index: collation', a='CREATE INDEX t_note_idx ON t (note)', c={'i': c_index('t_note_idx', ['note collate \\"POSIX\\"'])},
         py={'i': Index('t_note_idx', text('note COLLATE "POSIX"'))}),
    dict(name='index: storage parameter', a='CREATE INDEX t_title_idx ON t (title)',
         c={'i': c_index('t_title_idx', ['title'], ', .with = "fillfactor = 70"')},
         py={'i': Index('t_title_idx', 'title', postgresql_with={'fillfactor': 70})}),
    dict(name='index: two expressions', a='CREATE INDEX t_two_idx ON t (lower(title), n)',
         c={'i': c_index('t_two_idx', ['(lower(title))', '(abs(n))'])},
         py={'i': Index('t_two_idx', text('lower(title)'), text('abs(n)'))}),
    dict(name='unique added, with columns included',
         c={'u': 'UNIQUE_ON("t_title_key", MEMBERS("title"), .include = MEMBERS("n"))'}),
    dict(name='unique: NULLS NOT DISTINCT', a='ALTER TABLE t ADD CONSTRAINT t_note_key UNIQUE (note, id)',
         c={'u': 'UNIQUE_ON("t_note_key", MEMBERS("note", "id"), .nulls_not_distinct = true)'}),
    dict(name='enum type: value added in the middle',
         a="CREATE TYPE mood AS ENUM ('glad', 'sad'); ALTER TABLE t ADD kind mood NOT NULL DEFAULT 'glad'",
         c_before=mood(['glad', 'calm', 'sad']),
         c={'x': 'UNMAPPED("kind", ST_ENUM, .enumeration = &mood_enum, .enum_type = "mood", .default_sql = "\'glad\'")'},
         py={'x': col('kind', Enum('glad', 'calm', 'sad', name='mood'), server_default='glad', nullable=False)}),
    dict(name='enum type: values in another order',
         a="CREATE TYPE mood AS ENUM ('glad', 'sad'); ALTER TABLE t ADD kind mood NOT NULL DEFAULT 'glad'",
         c_before=mood(['sad', 'glad']),
         c={'x': 'UNMAPPED("kind", ST_ENUM, .enumeration = &mood_enum, .enum_type = "mood", .default_sql = "\'glad\'")'},
         py={'x': col('kind', Enum('sad', 'glad', name='mood'), server_default='glad', nullable=False)}),
    dict(name='trigger added', c={'g': TRIGGER % 'NEW.note := 1;'}),
    dict(name='trigger changed', first={'g': TRIGGER % 'NEW.note := 1;'}, c={'g': TRIGGER % 'NEW.note := 2;'}),
    dict(name='trigger dropped', first={'g': TRIGGER % 'NEW.note := 1;'}, c={}),
    dict(name='exclusion constraint added', c={'k': 'EXCLUDE("t_id_excl", "USING btree (id WITH =)")'},
         py={'k': ExcludeConstraint(('id', '='), name='t_id_excl', using='btree')}),
]
