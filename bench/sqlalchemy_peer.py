"""SQLAlchemy's side of the session cases: sqlalchemy_peer.py CASE URL prints operations a second.

The same rows as bench/strata*.c, fewer of them: what is printed is a rate. Used as its documentation says: one session a unit of
work, objects of mapped classes, defaults of the engine.
"""
import sys
import threading
import time
import uuid
from datetime import datetime, timedelta, timezone

from sqlalchemy import (BigInteger, Column, DateTime, Float, ForeignKeyConstraint, Index, Text, TypeDecorator, create_engine,
                        insert, text)
from sqlalchemy.dialects.postgresql import UUID as PostgresUUID
from sqlalchemy.orm import Session, declarative_base, relationship, selectinload
from sqlalchemy.types import LargeBinary

ROWS, PARENTS, CHILDREN, GETS, BATCH = 50000, 5000, 5, 4000, 10000
TENANT = uuid.UUID(int=7)
Base = declarative_base()


class Uuid(TypeDecorator):
    """16 bytes on SQLite, uuid on PostgreSQL."""
    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect):
        return dialect.type_descriptor(PostgresUUID(as_uuid=True) if dialect.name == 'postgresql' else LargeBinary(16))

    def process_bind_param(self, value, dialect):
        return value if value is None or dialect.name == 'postgresql' else value.bytes

    def process_result_value(self, value, dialect):
        return value if value is None or dialect.name == 'postgresql' else uuid.UUID(bytes=value)


class Item(Base):
    __tablename__ = 'items'
    tenant_id = Column(Uuid, primary_key=True)
    id = Column(Uuid, primary_key=True)
    name = Column(Text, nullable=False)
    url = Column(Text, nullable=False)
    size = Column(BigInteger, nullable=False)
    score = Column(Float)
    seen = Column(DateTime(timezone=True), nullable=False)


class Parent(Base):
    __tablename__ = 'parents'
    tenant_id = Column(Uuid, primary_key=True)
    id = Column(Uuid, primary_key=True)
    name = Column(Text, nullable=False)
    children = relationship('Child', back_populates='parent')


class Child(Base):
    __tablename__ = 'children'
    __table_args__ = (ForeignKeyConstraint(['tenant_id', 'parent_id'], ['parents.tenant_id', 'parents.id']),
                      Index('children_parent_id_idx', 'tenant_id', 'parent_id'))
    tenant_id = Column(Uuid, primary_key=True)
    id = Column(Uuid, primary_key=True)
    parent_id = Column(Uuid, nullable=False)
    name = Column(Text, nullable=False)
    parent = relationship('Parent', back_populates='children')


START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def item(i):
    return {'tenant_id': TENANT, 'id': uuid.uuid4(), 'name': 'item number %d of the catalogue' % i,
            'url': 'https://www.example.com/catalogue/section-%d/item-%d.html' % (i % 97, i), 'size': i,
            'score': i / 7.0 if i % 3 else None, 'seen': START + timedelta(microseconds=i)}


def fresh(engine):
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)


def fill(engine, rows):
    fresh(engine)
    with Session(engine) as s, s.begin():
        s.execute(insert(Item), [item(i) for i in range(rows)])


def timed(operations, fn):
    fn()  # what is prepared once is prepared
    start = time.perf_counter()
    fn()
    return operations / (time.perf_counter() - start)


def load(engine):
    fill(engine, ROWS)

    def run():
        with Session(engine) as s:
            rows = s.query(Item).filter(Item.tenant_id == TENANT).all()
            assert len(rows) == ROWS
    return timed(ROWS, run)


def flush(engine):
    def run():
        fresh(engine)
        start = time.perf_counter()
        with Session(engine) as s, s.begin():
            s.add_all([Item(**item(i)) for i in range(ROWS)])
        return ROWS / (time.perf_counter() - start)
    return run()


def bulk(engine):
    """Its fastest way that is not the driver's own: executemany of plain rows."""
    fresh(engine)
    rows = [item(i) for i in range(ROWS)]
    start = time.perf_counter()
    with Session(engine) as s, s.begin():
        s.execute(insert(Item), rows)
    return ROWS / (time.perf_counter() - start)


def get(engine):
    """Eight threads, a connection each: there is no pipelining."""
    fill(engine, BATCH)
    with Session(engine) as s:
        ids = [r[0] for r in s.query(Item.id).limit(GETS).all()]

    def some(part):
        for i in part:
            with Session(engine) as s:
                assert s.get(Item, (TENANT, i)) is not None

    def run():
        threads = [threading.Thread(target=some, args=(ids[k::8],)) for k in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    return timed(len(ids), run)


def tenant_tx(engine):
    fill(engine, BATCH)
    with Session(engine) as s:
        ids = [r[0] for r in s.query(Item.id).limit(GETS).all()]

    def run():
        for i in ids:
            with Session(engine) as s, s.begin():
                s.execute(text("SELECT set_config('strata.tenant', :t, true)"), {'t': str(TENANT)})
                assert s.get(Item, (TENANT, i)) is not None
    return timed(len(ids), run)


def selectin(engine):
    fresh(engine)
    with Session(engine) as s, s.begin():
        ids = [uuid.uuid4() for _ in range(PARENTS)]
        s.execute(insert(Parent), [{'tenant_id': TENANT, 'id': i, 'name': 'parent'} for i in ids])
        s.execute(insert(Child), [{'tenant_id': TENANT, 'id': uuid.uuid4(), 'parent_id': i, 'name': 'child'}
                                  for i in ids for _ in range(CHILDREN)])

    def run():
        with Session(engine) as s:
            parents = s.query(Parent).options(selectinload(Parent.children)).filter(Parent.tenant_id == TENANT).all()
            assert sum(len(p.children) for p in parents) == PARENTS * CHILDREN
    return timed(PARENTS * (1 + CHILDREN), run)


def stream(engine):
    fill(engine, ROWS)

    def run():
        with Session(engine) as s:
            n = sum(1 for _ in s.query(Item).filter(Item.tenant_id == TENANT).yield_per(1000))
            assert n == ROWS
    return timed(ROWS, run)


CASES = {'load': load, 'flush': flush, 'copy': bulk, 'get': get, 'tenant-tx': tenant_tx, 'selectin': selectin, 'stream': stream}

if __name__ == '__main__':
    case, url = sys.argv[1:]
    engine = create_engine(url, **({'pool_size': 8} if url.startswith('postgresql') else {}))
    print('%.1f' % CASES[case](engine))
