BEGIN TRANSACTION;
CREATE TABLE change (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    generation INTEGER NOT NULL,
    space      INTEGER NOT NULL,
    key        BLOB    NOT NULL,
    scope      TEXT    NOT NULL
) STRICT;
INSERT INTO "change" VALUES(1,1,1,X'','1');
INSERT INTO "change" VALUES(2,1,0,X'616E6E406578616D706C652E636F6D','');
INSERT INTO "change" VALUES(3,1,1,X'','2');
INSERT INTO "change" VALUES(4,1,0,X'626561406578616D706C652E636F6D','');
INSERT INTO "change" VALUES(5,2,0,X'64616E406578616D706C652E636F6D','');
INSERT INTO "change" VALUES(6,2,2,X'657665406578616D706C652E636F6D','news');
INSERT INTO "change" VALUES(7,2,0,X'657665406578616D706C652E636F6D','');
INSERT INTO "change" VALUES(8,2,2,X'6B6169406578616D706C652E636F6D','news');
INSERT INTO "change" VALUES(9,2,0,X'6B6169406578616D706C652E636F6D','');
INSERT INTO "change" VALUES(10,3,0,X'677573406578616D706C652E636F6D','');
INSERT INTO "change" VALUES(11,4,3,X'706172746E65722E6578616D706C65','');
INSERT INTO "change" VALUES(12,5,4,X'82CFB1A8287253FA5F0E7D7C5D5BB3E2','');
INSERT INTO "change" VALUES(13,6,0,X'616E6E406578616D706C652E636F6D','');
INSERT INTO "change" VALUES(14,6,0,X'616E6E406578616D706C652E636F6D','');
INSERT INTO "change" VALUES(15,6,1,X'','1');
INSERT INTO "change" VALUES(16,7,0,X'616E6E406578616D706C652E636F6D','');
INSERT INTO "change" VALUES(17,7,1,X'','1');
INSERT INTO "change" VALUES(18,7,0,X'616E6E406578616D706C652E636F6D','');
INSERT INTO "change" VALUES(19,8,0,X'6C656F406578616D706C652E636F6D','');
CREATE TABLE contact (
    key           BLOB    NOT NULL,
    contact_id    TEXT    NOT NULL,
    former        INTEGER NOT NULL,
    address       TEXT    NOT NULL,
    bulk_email    INTEGER NOT NULL,
    email_allowed INTEGER NOT NULL,
    at            INTEGER,
    import_id     INTEGER,
    recorded_at   INTEGER,
    PRIMARY KEY (key, contact_id, former)
) STRICT, WITHOUT ROWID;
INSERT INTO "contact" VALUES(X'616E6E406578616D706C652E636F6D','1',0,'',0,0,1795425003583375,1,NULL);
INSERT INTO "contact" VALUES(X'626561406578616D706C652E636F6D','2',0,'',1,0,NULL,1,NULL);
CREATE TABLE digest (
    algorithm   INTEGER NOT NULL,
    key         BLOB    NOT NULL,
    list        TEXT    NOT NULL,
    class       INTEGER NOT NULL,
    source      TEXT,
    import_id   INTEGER,
    recorded_at INTEGER,
    PRIMARY KEY (algorithm, key, list)
) STRICT, WITHOUT ROWID;
INSERT INTO "digest" VALUES(1,X'82CFB1A8287253FA5F0E7D7C5D5BB3E2','',0,NULL,5,NULL);
CREATE TABLE domain_rule (
    key         BLOB    NOT NULL PRIMARY KEY,
    subdomains  INTEGER NOT NULL,
    at          INTEGER,
    source      TEXT,
    import_id   INTEGER,
    recorded_at INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO "domain_rule" VALUES(X'706172746E65722E6578616D706C65',1,NULL,NULL,4,NULL);
CREATE TABLE event (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    key        BLOB    NOT NULL,
    detail     TEXT    NOT NULL
) STRICT;
INSERT INTO "event" VALUES(1,1795425003396039,6,'unsubscribed',X'616E6E406578616D706C652E636F6D','{"added":true,"by":null,"changed":[{"now":{"address":"ann@example.com","at":"2026-11-23T09:10:03.396039Z","bulk_email":"Do Not Allow","contact_id":"1","email_allowed":"Allow","former":false,"kind":"contact"},"was":{"address":"ann@example.com","at":null,"bulk_email":"Allow","contact_id":"1","email_allowed":"Allow","former":false,"import":1,"kind":"contact","recorded_at":"2026-11-23T09:10:02.879157Z"}}],"record":{"address":"ann@example.com","at":"2026-11-23T09:10:03.396039Z","class":"bulk","kind":"unsubscribe","list":null,"source":null,"state":"active"}}');
INSERT INTO "event" VALUES(2,1795425003583375,7,'resubscribed',X'616E6E406578616D706C652E636F6D','{"address":"ann@example.com","changed":[{"now":{"address":"ann@example.com","at":"2026-11-23T09:10:03.583375Z","bulk_email":"Allow","contact_id":"1","email_allowed":"Allow","former":false,"kind":"contact"},"was":{"address":"ann@example.com","at":"2026-11-23T09:10:03.396039Z","bulk_email":"Do Not Allow","contact_id":"1","email_allowed":"Allow","former":false,"import":1,"kind":"contact","recorded_at":"2026-11-23T09:10:02.879157Z"}}],"deleted":[{"address":"ann@example.com","at":"2026-11-23T09:10:03.396039Z","class":"bulk","import":null,"kind":"unsubscribe","list":null,"recorded_at":"2026-11-23T09:10:03.396039Z","source":null,"state":"active"}],"permission":{"by":"desk","channel":"form","evidence":"form 7 of 1 May"},"request":{"all_lists":false,"global":true,"include":[],"lists":[]}}');
INSERT INTO "event" VALUES(3,1795425003667494,8,'unsubscribed',X'6C656F406578616D706C652E636F6D','{"added":true,"by":null,"changed":[],"record":{"address":"leo@example.com","at":"2026-11-23T09:10:03.667494Z","class":"bulk","kind":"unsubscribe","list":null,"source":null,"state":"active"}}');
CREATE TABLE generation (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    at    INTEGER NOT NULL,
    cause TEXT    NOT NULL,
    mark  INTEGER NOT NULL DEFAULT (random())
) STRICT;
INSERT INTO "generation" VALUES(1,1795425002879157,'import contacts',2245927923554949277);
INSERT INTO "generation" VALUES(2,1795425002908838,'import unsubscribes',-1293913669637917939);
INSERT INTO "generation" VALUES(3,1795425003038689,'import suppressions',-5225894887425958214);
INSERT INTO "generation" VALUES(4,1795425003105053,'import domains',-4725656234120424648);
INSERT INTO "generation" VALUES(5,1795425003214310,'import digests',8770662619490456401);
INSERT INTO "generation" VALUES(6,1795425003396039,'unsubscribe',8102160996334968853);
INSERT INTO "generation" VALUES(7,1795425003583375,'resubscribe',-4708739854661135040);
INSERT INTO "generation" VALUES(8,1795425003667494,'unsubscribe',5036552462883886913);
CREATE TABLE import (
    id         INTEGER NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    format     TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    sha256     TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    read       INTEGER NOT NULL,
    added      INTEGER NOT NULL,
    unchanged  INTEGER NOT NULL,
    held       INTEGER NOT NULL,
    rejected   INTEGER NOT NULL,
    generation INTEGER NOT NULL
) STRICT;
INSERT INTO "import" VALUES(1,'contacts','native','c.csv','4672f629075c02c7f7542c72006008468d5a16bb62d71197629f3942e77594a1',1795425002879157,2,2,0,0,0,1);
INSERT INTO "import" VALUES(2,'unsubscribes','native','u.csv','d44110ec0afeba5521b1f76ee3375ec065e200fcf499203dee6680dcccde3dba',1795425002908838,3,3,0,0,0,2);
INSERT INTO "import" VALUES(3,'suppressions','native','s.csv','2697507170ec97e7eb1daf9407e827d83e8a01f9cdc58ba049b2f18465e217f4',1795425003038689,1,1,0,0,0,3);
INSERT INTO "import" VALUES(4,'domains','native','d.csv','50ce4e1dc018cfa5e44f1374d30f469a06749beaf72d4b0275aa73ae0dbb1063',1795425003105053,1,1,0,0,0,4);
INSERT INTO "import" VALUES(5,'digests','native','g.csv','5f876a3683a17398e690bcfc2b6c2f7944166a880d5be3b0664c8ff10cb8d633',1795425003214310,1,1,0,0,0,5);
CREATE TABLE list (
    name TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
INSERT INTO "list" VALUES('news');
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('created_at','1795425002782246');
INSERT INTO "meta" VALUES('key_id','ae7fb9131914056f');
INSERT INTO "meta" VALUES('ledger_id','fa2d2cccd5316cb23be52ad17e5d1c4d');
INSERT INTO "meta" VALUES('policy','exact');
CREATE TABLE preference (
    key         BLOB    NOT NULL,
    list        TEXT    NOT NULL,
    address     TEXT    NOT NULL,
    choice      INTEGER NOT NULL,
    at          INTEGER,
    source      TEXT,
    import_id   INTEGER,
    recorded_at INTEGER,
    PRIMARY KEY (key, list)
) STRICT, WITHOUT ROWID;
CREATE TABLE refinery_schema_history(
             version int4 PRIMARY KEY,
             name VARCHAR(255),
             applied_on VARCHAR(255),
             checksum VARCHAR(255));
INSERT INTO "refinery_schema_history" VALUES(1,'ledger','2026-11-23T09:10:02.805143109Z','7410010615998892785');
INSERT INTO "refinery_schema_history" VALUES(2,'domains_digests','2026-11-23T09:10:02.805150492Z','4275501101322229435');
CREATE TABLE suppression (
    key         BLOB    NOT NULL,
    reason      INTEGER NOT NULL,
    class       INTEGER NOT NULL,
    address     TEXT    NOT NULL,
    at          INTEGER,
    expires_at  INTEGER,
    source      TEXT,
    import_id   INTEGER,
    recorded_at INTEGER,
    PRIMARY KEY (key, reason, class)
) STRICT, WITHOUT ROWID;
INSERT INTO "suppression" VALUES(X'677573406578616D706C652E636F6D',0,2,'',NULL,NULL,NULL,3,NULL);
CREATE TABLE tally (
    kind    TEXT    NOT NULL PRIMARY KEY,
    records INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "tally" VALUES('contacts',2);
INSERT INTO "tally" VALUES('digests',1);
INSERT INTO "tally" VALUES('domains',1);
INSERT INTO "tally" VALUES('preferences',0);
INSERT INTO "tally" VALUES('suppressions',1);
INSERT INTO "tally" VALUES('unsubscribes',4);
CREATE TABLE unsubscribe (
    key         BLOB    NOT NULL,
    list        TEXT    NOT NULL,
    address     TEXT    NOT NULL,
    state       INTEGER NOT NULL,
    class       INTEGER NOT NULL,
    at          INTEGER,
    source      TEXT,
    import_id   INTEGER,
    recorded_at INTEGER,
    PRIMARY KEY (key, list, address, state, class)
) STRICT, WITHOUT ROWID;
INSERT INTO "unsubscribe" VALUES(X'64616E406578616D706C652E636F6D','','',0,0,NULL,NULL,2,NULL);
INSERT INTO "unsubscribe" VALUES(X'657665406578616D706C652E636F6D','news','',0,0,NULL,NULL,2,NULL);
INSERT INTO "unsubscribe" VALUES(X'6B6169406578616D706C652E636F6D','news','',0,0,NULL,NULL,2,NULL);
INSERT INTO "unsubscribe" VALUES(X'6C656F406578616D706C652E636F6D','','',0,0,1795425003667494,NULL,NULL,1795425003667494);
CREATE INDEX contact_by_id ON contact (contact_id, bulk_email, email_allowed) WHERE former = 0;
CREATE INDEX event_by_key ON event (key, id);
CREATE TRIGGER event_is_never_updated BEFORE UPDATE ON event
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;
CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;
CREATE INDEX change_of_everything ON change (seq) WHERE space = 255;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('generation',8);
INSERT INTO "sqlite_sequence" VALUES('change',19);
INSERT INTO "sqlite_sequence" VALUES('event',3);
COMMIT;