"""Tables as other people make them, from a seed: every type and name, and what can be said of a column."""
import random

LITE = ('INTEGER INT BIGINT SMALLINT TINYINT TEXT VARCHAR(20) CHAR(3) NVARCHAR(9) REAL FLOAT DOUBLE NUMERIC NUMERIC(10,2) '
        'DECIMAL(5,1) BOOLEAN bool DATE DATETIME TIMESTAMP TIME BLOB JSON uuid').split() + [
            'DOUBLE PRECISION', 'UNSIGNED BIG INT', 'int unsigned', '"my type"']
PG = ('integer bigint smallint text varchar(20) varchar char(3) real numeric numeric(10,2) boolean date timestamp timestamptz '
      'timestamptz(3) time interval bytea json jsonb uuid text[] uuid[] int[] inet cidr money bit(3) xml point int4range '
      'serial bigserial oid name "char" mood').split() + ['double precision', 'text COLLATE "C"']
NAMES = ['id', 'name', 'select', 'Order', 'größe', 'a b', 'x-y', '9th', 'int', 'tenant_id', 'created_at', 'value', '"q',
         "o'k", 'user', 'default', 'T', 'i', 'rowid_', 'end', 'static', 'version']
TABLES = ['t%d', 'T %d', 'order%d', 'täb%d', 'x-%d', 'select%d']
KEYS = ('integer', 'int', 'bigint', 'text', 'varchar', 'smallint', 'uuid', 'char')
NUMBERS = ['integer', 'int', 'bigint', 'smallint', 'real', 'numeric', 'double precision']
NO_ORDER = ('json', 'xml', 'point')  # on PostgreSQL: no index, and nothing is unique

LITE_DEFAULTS = {
    'int': ['0', '-1', '+5', '(1+2)', 'NULL', '7'],
    'char': ["'a'", "''", "'it''s'", '"dq"', 'NULL', "(lower('X'))", 'CURRENT_TIMESTAMP'],
    'text': ["'a'", "''", "(upper('x') || 'y')"],
    'bool': ['0', '1', 'TRUE', 'false', "'t'"],
    'date': ['CURRENT_TIMESTAMP', 'CURRENT_DATE', "(datetime('now'))", "'2020-01-01'"],
    'real': ['0.0', '1e3', '-.5', '3'],
    'numeric': ['0.0', '1'],
}
NUMERIC_DEFAULTS = ['0', '-1', '1+2', '7']
TEXT_DEFAULTS = ["'a'", "''", "'it''s'", "lower('X')", 'NULL::text']
PG_DEFAULTS = {
    'integer': NUMERIC_DEFAULTS, 'bigint': NUMERIC_DEFAULTS, 'smallint': NUMERIC_DEFAULTS, 'real': NUMERIC_DEFAULTS,
    'numeric': NUMERIC_DEFAULTS, 'double precision': NUMERIC_DEFAULTS, 'text': TEXT_DEFAULTS, 'varchar': TEXT_DEFAULTS,
    'boolean': ['true'], 'date': ['CURRENT_DATE'], 'timestamp': ['now()'],
    'timestamptz': ['now()', "'2020-01-01'::timestamptz", 'CURRENT_TIMESTAMP'], 'json': ["'{}'"],
    'jsonb': ["'[]'::jsonb"], 'uuid': ['gen_random_uuid()'], 'text[]': ["'{}'"], 'int[]': ["'{1,2}'"],
    'bytea': ["'\\x00'"], 'interval': ["'1 day'"], 'mood': ["'sad'"], '"char"': ["'a'"], 'bit(3)': ["B'101'"],
}


def quoted(name):
    return '"%s"' % name.replace('"', '""')


def base(kind):
    return kind.split('(')[0].split(' COLLATE')[0].lower()


class Schema:
    def __init__(self, seed, lite):
        self.r = random.Random(seed)
        self.lite = lite
        self.parents = []  # (table, key columns, their types)
        self.sql = [] if lite else ["CREATE TYPE mood AS ENUM ('sad', 'glad', 'it''s');"]
        for k in range(12):
            self.table(self.r.choice(TABLES) % k)

    def maybe(self, share):
        return self.r.random() < share

    def default(self, kind):
        if not self.lite:
            choices = PG_DEFAULTS.get(kind, [])
        else:
            choices = next((v for word, v in LITE_DEFAULTS.items() if word in kind.lower()), [])
        return self.r.choice(choices) if choices else None

    def generated(self, kind, plain):
        numbers = [c for c, k in plain if k.lower() in NUMBERS[:5]]
        if not numbers or kind.lower() not in NUMBERS or not self.maybe(.2):
            return None
        stored = not self.lite or self.maybe(.6)
        return ' GENERATED ALWAYS AS (%s + 1) %s' % (quoted(self.r.choice(numbers)), 'STORED' if stored else 'VIRTUAL')

    def rules(self, column, kind):
        """Behind the type of a column that is neither computed nor the key by itself."""
        sql, name = '', quoted(column)
        if self.maybe(.4):
            sql += ' NOT NULL'
        value = self.default(kind) if self.maybe(.35) else None
        if value and not (sql and 'NULL' in value):
            sql += ' DEFAULT ' + value
        if self.maybe(.1) and kind.lower() in NUMBERS:
            sql += ' CHECK (%s > 0)' % name
        if self.maybe(.06) and base(kind) in ('text', 'varchar'):
            sql += " CHECK (%s <> '' AND length(%s) < 50)" % (name, name)
        if self.maybe(.08) and kind not in NO_ORDER:
            sql += ' UNIQUE'
        if self.lite and self.maybe(.1) and base(kind) in ('text', 'varchar'):
            sql += ' COLLATE NOCASE'
        return sql

    def columns(self, numbered):
        ret = [('pk', 'INTEGER' if self.lite else self.r.choice(['integer', 'bigint']))] if numbered else []
        for _ in range(self.r.randint(1, 7)):
            name = self.r.choice(NAMES)
            while name.lower() in [c.lower() for c, _ in ret]:
                name += str(self.r.randint(0, 9))
            ret.append((name, self.r.choice(LITE if self.lite else PG)))
        return ret

    def references(self, table, columns, parts, rules):
        for _ in range(self.r.choice([0, 0, 1, 1, 2])):
            if not self.parents:
                return
            parent, key, kinds = self.r.choice(self.parents)
            mine = ['fk%d_%d' % (len(rules), i) for i in range(len(key))]
            for name, kind in zip(mine, kinds):
                columns.append((name, kind))
                parts.append(quoted(name) + ' ' + kind + (' NOT NULL' if self.maybe(.3) else ''))
            rules.append('%sFOREIGN KEY (%s) REFERENCES %s%s%s%s%s' % (
                'CONSTRAINT %s ' % quoted('fk%d %s' % (len(rules), table)) if self.maybe(.3) else '',
                ', '.join(map(quoted, mine)), quoted(parent),
                '' if self.maybe(.5) else ' (%s)' % ', '.join(map(quoted, key)),
                self.r.choice(['', ' ON DELETE CASCADE', ' ON DELETE SET NULL', ' ON DELETE RESTRICT']),
                self.r.choice(['', '', ' ON UPDATE CASCADE']),
                self.r.choice(['', '', '', ' DEFERRABLE INITIALLY DEFERRED', ' DEFERRABLE'])))

    def table(self, table):
        mode = self.r.choice(['number', 'number', 'one', 'two', 'none', 'auto'])
        columns, parts, rules, plain = self.columns(mode in ('number', 'auto')), [], [], []
        for name, kind in columns:
            part = '%s %s' % (quoted(name), kind)
            made = self.generated(kind, plain) if name != 'pk' else None
            if not made:
                plain.append((name, kind))
            if name == 'pk' and mode == 'auto':
                made = ' PRIMARY KEY AUTOINCREMENT' if self.lite else ' GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY'
            elif not made and name != 'pk' and 'serial' not in kind:
                made = self.rules(name, kind)
            parts.append(part + (made or ''))
        able = [c for c, k in plain if base(k) in KEYS]
        key = ['pk'] if mode in ('number', 'auto') else self.r.sample(able, {'one': 1, 'two': 2, 'none': 0}[mode]) if len(
            able) > 1 else []
        if key and mode != 'auto':
            named = 'CONSTRAINT %s ' % quoted('pk_' + table) if self.maybe(.3) else ''
            rules.append('%sPRIMARY KEY (%s)' % (named, ', '.join(map(quoted, key))))
        self.references(table, columns, parts, rules)
        ordered = [c for c, k in columns if k not in NO_ORDER]
        if self.maybe(.3) and ordered:
            named = 'CONSTRAINT %s ' % quoted('uq ' + table) if self.maybe(.5) else ''
            few = self.r.sample(ordered, min(2, len(ordered)))
            rules.append('%sUNIQUE (%s)' % (named, ', '.join(map(quoted, few))))
        rowid = ' WITHOUT ROWID' if self.lite and key and mode != 'auto' and self.maybe(.2) else ''
        self.sql.append('CREATE TABLE %s (%s)%s;' % (quoted(table), ', '.join(parts + rules), rowid))
        self.indexes(table, columns)
        if not self.lite and self.maybe(.3):
            self.sql.append('COMMENT ON TABLE %s IS \'a "c"\';' % quoted(table))
        if key:
            self.parents.append((table, key, [dict(columns)[c] for c in key]))

    def indexes(self, table, columns):
        for number in range(self.r.choice([0, 0, 1, 2])):
            name, kind = self.r.choice(columns)
            if kind in NO_ORDER:
                continue
            words = ['%s', '%s DESC', '%s'] + (['lower(%s)'] if base(kind) in ('text', 'varchar') else [])
            self.sql.append('CREATE %sINDEX %s ON %s (%s)%s;' % (
                self.r.choice(['', 'UNIQUE ']), quoted('ix %s %d' % (table, number)), quoted(table),
                self.r.choice(words) % quoted(name), self.r.choice(['', '', ' WHERE %s IS NOT NULL' % quoted(name)])))


def schema(seed, lite):
    return '\n'.join(Schema(seed, lite).sql)
