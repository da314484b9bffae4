"""SQL scripts, written by hand and dumped by databases, are read as schemas."""

from __future__ import annotations

import sqlite3

import pytest

from simulacra.errors import OptionError, SchemaError
from simulacra.schema.constraints import Check, Equality, Unique
from simulacra.schema.files import format_schema, parse_schema
from simulacra.schema.importers.ddl import is_ddl, read_ddl
from simulacra.schema.types import Reference, Schema

POSTGRES = r"""
--
-- PostgreSQL database dump; CREATE TABLE not_one (a int);
--
\restrict abc
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TYPE public.mood AS ENUM (
    'low',
    'it''s, fine',
    'high'
);
ALTER TYPE public.mood OWNER TO keeper;
CREATE DOMAIN public.year AS integer
	CONSTRAINT year_check CHECK (((VALUE >= 1901) AND (VALUE <= 2155)));
CREATE FUNCTION public.f() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN CREATE TABLE IF NOT EXISTS hidden (a int); RETURN NEW; END; $$;
CREATE TABLE public.guest (
    id integer NOT NULL,
    mail character varying(80) NOT NULL,
    "Birth Year" public.year,
    feels public.mood DEFAULT 'high'::public.mood NOT NULL,
    invited_by integer,
    address inet,
    joined timestamp with time zone DEFAULT now() NOT NULL,
    status character varying(10) NOT NULL,
    tags text[],
    token uuid DEFAULT gen_random_uuid(),
    CONSTRAINT born CHECK ((("Birth Year" IS NULL) OR (("Birth Year")::integer < 2010))),
    CONSTRAINT status_check CHECK (((status)::text = ANY ((ARRAY['new'::character varying,
        'old'::character varying])::text[])))
);
COMMENT ON COLUMN public.guest.mail IS 'where; they, (really) are';
ALTER TABLE public.guest ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.guest_id_seq START WITH 1 NO MINVALUE
);
CREATE TABLE audit.guest (id bigint NOT NULL, who integer);
CREATE TABLE public."order" (
    guest_id integer NOT NULL,
    no smallint NOT NULL,
    placed date NOT NULL,
    shipped date,
    "select" numeric(10,2),
    share real,
    net numeric(8,2) NOT NULL,
    total numeric GENERATED ALWAYS AS (((no)::numeric * net)) STORED,
    CONSTRAINT later CHECK ((shipped >= placed)),
    CONSTRAINT order_select_check CHECK (("select" >= (0)::numeric)),
    CONSTRAINT order_share_check CHECK (((share >= (0)::double precision) AND (share <= (1)::double precision)))
);
CREATE TABLE public.returned (guest_id integer, no smallint, at time without time zone, took interval);
CREATE TABLE public.reading (day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE public.reading_2024 (day date NOT NULL);
ALTER TABLE ONLY public.reading ATTACH PARTITION public.reading_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE VIEW public.v AS SELECT 1 AS one;
COPY public.guest (id, mail, status) FROM stdin;
1	it's; CREATE TABLE fake (a int);	new
\.
ALTER TABLE ONLY public.guest
    ADD CONSTRAINT guest_mail_key UNIQUE (mail);
ALTER TABLE ONLY public.guest
    ADD CONSTRAINT guest_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public."order"
    ADD CONSTRAINT order_pkey PRIMARY KEY (guest_id, no);
CREATE UNIQUE INDEX once ON public.returned USING btree (guest_id, no);
CREATE UNIQUE INDEX lower_mail ON public.guest USING btree (lower((mail)::text));
CREATE UNIQUE INDEX some ON public.guest USING btree (token) WHERE (status = 'new');
ALTER TABLE ONLY audit.guest
    ADD CONSTRAINT guest_who_fkey FOREIGN KEY (who) REFERENCES public.guest(id);
ALTER TABLE ONLY public.guest
    ADD CONSTRAINT guest_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES public.guest(id);
ALTER TABLE ONLY public."order"
    ADD CONSTRAINT order_guest_fkey FOREIGN KEY (guest_id) REFERENCES public.guest(id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE ONLY public.returned
    ADD CONSTRAINT returned_fkey FOREIGN KEY (guest_id, no) REFERENCES public."order"(guest_id, no);
"""

MYSQL = r"""
/*!40101 SET NAMES utf8mb4 */;
DROP TABLE IF EXISTS `guest`;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `guest` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `name` varchar(40) NOT NULL COMMENT 'it''s, the; name',
  `size` enum('a','b,c','d''e') DEFAULT 'a',
  `flag` tinyint(1) NOT NULL DEFAULT 0,
  `data` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`data`)),
  `boss` int(10) unsigned DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u` (`name`,`size`),
  UNIQUE KEY `pre` (`name`(10)),
  KEY `boss` (`boss`),
  CONSTRAINT `fk; 1` FOREIGN KEY (`boss`) REFERENCES `guest` (`id`),
  CONSTRAINT `b` CHECK (`flag` in (0,1))
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `guest` VALUES
(1,'O\'Neil; \'x\' CREATE TABLE fake (a int);','a',0,NULL,NULL);
CREATE TABLE `Order Line` (
  `guest_id` int(10) unsigned NOT NULL,
  `no` int(11) NOT NULL,
  `price` decimal(8,2) NOT NULL CHECK (`price` > 0),
  `count` int(11) DEFAULT NULL,
  `total` decimal(10,2) GENERATED ALWAYS AS (`price` * `count`) STORED,
  PRIMARY KEY (`guest_id`,`no`),
  CONSTRAINT `fk` FOREIGN KEY (`guest_id`) REFERENCES `guest` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;
"""


def reread(schema: Schema) -> Schema:
    """The schema, after it was written to a file and read again."""
    again = parse_schema(format_schema(schema))
    assert again == schema
    return again


def test_a_dump_of_postgresql_gives_all_that_it_declares() -> None:
    schema = read_ddl(POSTGRES)
    assert set(schema.names) == {"guest", "audit.guest", "order", "returned", "reading"}
    guest, order = schema.table("guest"), schema.table("order")
    assert guest.key == ("id",) and order.key == ("guest_id", "no")
    assert guest["id"].kind == guest["invited_by"].kind == "key" and guest["id"].integer
    assert guest["Birth Year"].bounds == (1901, 2009) and guest["Birth Year"].nullable
    assert guest["feels"].levels == ("low", "it's, fine", "high") and guest["feels"].declared
    assert guest["status"].levels == ("new", "old") and not guest["status"].nullable
    assert guest["joined"].timezone == "UTC" and guest["address"].identifying == "ip"
    assert guest["token"].pattern is not None
    assert guest.references == (Reference(("invited_by",), "guest", ("id",)),)
    assert guest.constraints == (Unique("mail"), Check('length("mail") <= 80'))
    assert order["select"].decimals == 2 and order["share"].bounds == (0, 1)
    assert {str(rule) for rule in order.constraints} == {
        "shipped >= placed", '"select" >= 0', '"total" = no * net',
    }  # fmt: skip
    returned = schema.table("returned")
    assert returned.references == (Reference(("guest_id", "no"), "order", ("guest_id", "no")),)
    assert returned.constraints == (Unique(("guest_id", "no")),)
    assert (returned["at"].kind, returned["took"].kind) == ("time", "duration")
    # what names rows of guests names them in every table
    assert order["guest_id"].kind == returned["guest_id"].kind == "key"
    assert schema.table("audit.guest").references[0].table == "guest"
    reread(schema)


def test_what_a_dump_has_beyond_tables_is_told() -> None:
    notes = " ".join(read_ddl(POSTGRES).notes)
    assert "1 function, 1 view" in notes
    assert "lower((mail)::text)" in notes and "some of the rows" in notes
    assert "column 'tags': values of type TEXT[] are kept as text" in notes


def test_a_dump_of_mysql_gives_all_that_it_declares() -> None:
    schema = read_ddl(MYSQL)
    assert schema.names == ("guest", "Order Line")
    guest, line = schema.tables
    assert guest["size"].levels == ("a", "b,c", "d'e") and guest["flag"].kind == "boolean"
    assert guest["data"].kind == "text" and guest["boss"].nullable
    assert guest.constraints == (Unique(("name", "size")), Check('length("name") <= 40'))
    assert line.references == (Reference(("guest_id",), "guest", ("id",)),)
    assert Equality("total", '"price" * "count"') in line.constraints
    assert Check('"price" > 0') in line.constraints
    assert any("`name`(10)" in note for note in schema.notes)
    reread(schema)


def test_what_sqlite_keeps_of_its_tables_is_read() -> None:
    base = sqlite3.connect(":memory:")
    base.executescript(
        """
        CREATE TABLE "group" (id INTEGER PRIMARY KEY AUTOINCREMENT, [the name] TEXT COLLATE NOCASE UNIQUE, x,
            n UNSIGNED BIG INT, c VARYING CHARACTER(20) NOT NULL);
        CREATE TABLE member (who TEXT, grp INTEGER NOT NULL REFERENCES "group" ON DELETE CASCADE, -- of which
            score REAL CHECK (score BETWEEN 0 AND 1), twice GENERATED ALWAYS AS (score * 2) VIRTUAL,
            PRIMARY KEY (who, grp)) WITHOUT ROWID;
        """
    )
    script = ";\n".join(sql for (sql,) in base.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))
    schema = read_ddl(script)
    group, member = schema.table("group"), schema.table("member")
    assert group.key == ("id",) and Unique("the name") in group.constraints
    assert group["n"].integer and group["c"].kind == "text" and not group["c"].nullable
    assert member.key == ("who", "grp") and member.references == (Reference(("grp",), "group", ("id",)),)
    assert member["score"].bounds == (0, 1) and member["who"].kind == "key"
    assert Equality("twice", "score * 2") in member.constraints
    assert any("the type of group.x" in note for note in schema.notes)


TSQL = """
SET ANSI_NULLS ON
GO
CREATE TABLE [dbo].[Order Details](
	[Id] [int] IDENTITY(1,1) NOT NULL,
	[Code] [nvarchar](20) NULL,
	[Net] [money] NOT NULL,
	[Open] [bit] NOT NULL CONSTRAINT [df] DEFAULT ((1)),
	[Made] [datetimeoffset](7) NULL,
	[Sum] AS ([Net]*(2)) PERSISTED,
 CONSTRAINT [PK_x] PRIMARY KEY CLUSTERED ([Id] ASC) WITH (PAD_INDEX = OFF) ON [PRIMARY],
 CONSTRAINT [UQ_x] UNIQUE NONCLUSTERED ([Code] ASC)
) ON [PRIMARY]
GO
CREATE TABLE [dbo].[Notes]([Id] [int] NOT NULL, [DetailId] [int] NULL)
GO
ALTER TABLE [dbo].[Notes]  WITH CHECK ADD  CONSTRAINT [FK] FOREIGN KEY([DetailId])
REFERENCES [dbo].[Order Details] ([Id])
GO
ALTER TABLE [dbo].[Notes] CHECK CONSTRAINT [FK]
GO
"""


def test_a_script_of_sql_server_is_read() -> None:
    schema = read_ddl(TSQL)
    details = schema.table("Order Details")
    assert details.key == ("Id",) and Unique("Code") in details.constraints
    assert details["Open"].kind == "boolean" and details["Net"].decimals == 4
    assert details["Made"].timezone == "UTC"
    assert any(isinstance(rule, Equality) and rule.column == "Sum" for rule in details.constraints)
    assert schema.table("Notes").references == (Reference(("DetailId",), "Order Details", ("Id",)),)


@pytest.mark.parametrize(
    ("script", "kinds"),
    [
        (
            'CREATE TABLE "HR"."EMP" ("ID" NUMBER(6,0), N VARCHAR2(20 BYTE) CONSTRAINT nn NOT NULL ENABLE, H DATE,\n'
            'CONSTRAINT pk PRIMARY KEY ("ID") USING INDEX PCTFREE 10 TABLESPACE "U" ENABLE);',
            {"ID": "key", "N": "text", "H": "datetime"},
        ),
        (
            "create or replace TABLE A.B.EMP (ID NUMBER(38,0) NOT NULL autoincrement start 1 increment 1 noorder, "
            "V VARIANT, TS TIMESTAMP_NTZ(9), primary key (ID));",
            {"ID": "key", "V": "text", "TS": "datetime"},
        ),
        (
            "CREATE TABLE `p.d.EMP` (ID INT64 NOT NULL, s STRING(10) OPTIONS(description='x, y'), "
            "a ARRAY<STRUCT<b INT64, c STRING>>, n NUMERIC(10,2), PRIMARY KEY (ID) NOT ENFORCED);",
            {"ID": "key", "s": "text", "a": "text", "n": "number"},
        ),
        (
            "CREATE TABLE EMP(ID BIGINT DEFAULT(nextval('s')) PRIMARY KEY, l VARCHAR[], m ENUM('a','b'), h HUGEINT);",
            {"ID": "key", "l": "text", "m": "category", "h": "number"},
        ),
    ],
    ids=["oracle", "snowflake", "bigquery", "duckdb"],
)
def test_other_dialects_are_guessed(script: str, kinds: dict[str, str]) -> None:
    table = read_ddl(script).table("EMP")
    assert {column.name: column.kind for column in table.columns} == kinds
    assert table.key == ("ID",)


def test_changes_after_the_tables_are_followed() -> None:
    schema = read_ddl(
        """
        CREATE TABLE a (id int, b_id int, old int); CREATE TABLE b (id int);
        ALTER TABLE a ADD PRIMARY KEY (id), MODIFY id bigint NOT NULL AUTO_INCREMENT, ADD KEY k (b_id);
        ALTER TABLE b ADD PRIMARY KEY (id), ADD COLUMN made date, ADD CONSTRAINT c CHECK (made > '2000-01-01');
        ALTER TABLE b ALTER COLUMN made SET NOT NULL;
        ALTER TABLE a ADD CONSTRAINT fk FOREIGN KEY (b_id) REFERENCES b (id);
        ALTER TABLE a DROP COLUMN old;
        """,
        dialect="mysql",
    )
    a, b = schema.tables
    assert a.key == b.key == ("id",) and a.references[0].table == "b"
    assert not b["made"].nullable and b.constraints == (Check("\"made\" > '2000-01-01'"),)
    assert any("DROP COLUMN old" in note for note in schema.notes)


def test_cycles_and_references_to_nowhere() -> None:
    schema = read_ddl(
        "create table a (id int primary key, b int references b); create table b (id int primary key,"
        " a int references a, c int references elsewhere(id));"
    )
    assert [str(t.references[0]) for t in schema.tables] == ["b -> b(id)", "a -> a(id)"]
    assert len(schema.table("b").references) == 1
    assert any("'elsewhere' is left out: there is no such table" in note for note in schema.notes)


def test_one_statement_that_can_not_be_read_does_not_lose_the_others() -> None:
    schema = read_ddl(
        "create table good (a int primary key); create table bad (x int, y weird stuff [[ here, check (z ~~~ 1));"
        "create table (; create table also (b date)"
    )
    assert {"good", "also"} <= set(schema.names)
    assert schema.notes


@pytest.mark.parametrize(
    "script", ["", "select 1", "create view v as select 1", "'never closed", "create table x ("]
)
def test_a_script_without_tables_is_refused(script: str) -> None:
    with pytest.raises(SchemaError, match="describes no table"):
        read_ddl(script)


def test_hostile_scripts_are_read_in_time() -> None:
    deep = "create table t (a int check (" + "(" * 3000 + "a > 1" + ")" * 3000 + "))"
    try:
        schema = read_ddl(deep)
        assert schema.names == ("t",)
    except SchemaError as error:
        assert "no table" in str(error)
    read_ddl("create table t (a int); " + "/*" * 20_000)
    read_ddl("create table t (a int); " + "".join(f"$a{i}$ " for i in range(5_000)))
    read_ddl("create table t (a int); " + "COPY t (a) FROM stdin;\n" * 5_000)
    with pytest.raises(SchemaError, match="columns; at most"):
        read_ddl(f"create table t ({', '.join(f'c{i} int' for i in range(11_000))})")


def test_the_dialect_can_be_said() -> None:
    assert read_ddl("create table t (a tinyint(1))", dialect="mysql").table()["a"].kind == "boolean"
    with pytest.raises(OptionError, match="postgresql"):
        read_ddl("create table t (a int)", dialect="postgresql")
    assert is_ddl("CREATE TABLE IF NOT EXISTS t (a int)") and not is_ddl("version: 1")
