"""The tables, migration by migration: never edit one that was released, add the next.

Times are REAL seconds since 1970 UTC; numbers E.164; JSON columns hold msgspec JSON.
"""

_FIRST = """
CREATE TABLE calls (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, direction TEXT NOT NULL, state TEXT NOT NULL, outcome TEXT,
    rep TEXT NOT NULL, number TEXT NOT NULL, line TEXT NOT NULL, started_at REAL NOT NULL,
    answered_at REAL NOT NULL, ended_at REAL NOT NULL, ring_seconds INTEGER NOT NULL, talk_seconds INTEGER NOT NULL,
    place TEXT NOT NULL, checked_at REAL NOT NULL DEFAULT 0, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX calls_by_start ON calls(started_at);
CREATE INDEX calls_by_number ON calls(number, started_at);
CREATE INDEX calls_by_rep ON calls(rep, started_at);
CREATE INDEX calls_open ON calls(state) WHERE state <> 'ended';
CREATE INDEX calls_pending ON calls(ended_at) WHERE outcome = 'pending';
CREATE INDEX calls_talked ON calls(number, answered_at) WHERE outcome = 'answered';
CREATE TABLE events (
    id INTEGER PRIMARY KEY, account TEXT NOT NULL, key TEXT NOT NULL, call_id TEXT NOT NULL, body BLOB NOT NULL,
    raw BLOB, received_at REAL NOT NULL, UNIQUE (account, key)
);
CREATE INDEX events_by_call ON events(call_id);
CREATE TABLE call_refs (
    account TEXT NOT NULL, ref TEXT NOT NULL, call_id TEXT NOT NULL, PRIMARY KEY (account, ref)
) WITHOUT ROWID;
CREATE INDEX call_refs_by_call ON call_refs(call_id);
CREATE TABLE intents (
    key TEXT PRIMARY KEY, rep TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, at REAL NOT NULL,
    call_id TEXT, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX intents_open ON intents(state) WHERE state <> 'done';
CREATE INDEX intents_by_call ON intents(call_id);
CREATE TABLE cards (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, place TEXT NOT NULL,
    dirty INTEGER NOT NULL DEFAULT 1, due_at REAL NOT NULL DEFAULT 0, version INTEGER NOT NULL DEFAULT 1,
    channel TEXT NOT NULL DEFAULT '', ts TEXT NOT NULL DEFAULT '', shown TEXT NOT NULL DEFAULT '',
    nonce TEXT NOT NULL DEFAULT '', posting_at REAL NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,
    body BLOB, created_at REAL NOT NULL, UNIQUE (kind, subject, place)
);
CREATE INDEX cards_dirty ON cards(place, due_at) WHERE dirty;
CREATE INDEX cards_by_subject ON cards(subject, kind);
CREATE INDEX cards_by_message ON cards(channel, ts);
CREATE TABLE missed (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, number TEXT NOT NULL, place TEXT NOT NULL, line TEXT NOT NULL,
    name TEXT NOT NULL, opened_at REAL NOT NULL, last_at REAL NOT NULL, calls INTEGER NOT NULL,
    claimed_by TEXT NOT NULL DEFAULT '', claimed_at REAL NOT NULL DEFAULT 0,
    snoozed_until REAL NOT NULL DEFAULT 0, snoozed_by TEXT NOT NULL DEFAULT '',
    closed_at REAL NOT NULL DEFAULT 0, closed_by TEXT NOT NULL DEFAULT '', closed_how TEXT NOT NULL DEFAULT '',
    closed_call TEXT NOT NULL DEFAULT '', escalate_at REAL NOT NULL DEFAULT 0, escalations INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE UNIQUE INDEX missed_open ON missed(number, place) WHERE closed_at = 0 AND number <> '';
CREATE INDEX missed_waiting ON missed(opened_at) WHERE closed_at = 0;
CREATE INDEX missed_escalate ON missed(escalate_at) WHERE closed_at = 0 AND escalate_at > 0;
CREATE TABLE missed_calls (
    call_id TEXT PRIMARY KEY, missed_id TEXT NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX missed_calls_by_missed ON missed_calls(missed_id);
CREATE TABLE people (
    user TEXT PRIMARY KEY, name TEXT NOT NULL DEFAULT '', zone TEXT NOT NULL DEFAULT '',
    phone_kind TEXT NOT NULL DEFAULT '', phone TEXT NOT NULL DEFAULT '', account TEXT NOT NULL DEFAULT '',
    extension TEXT NOT NULL DEFAULT '', line TEXT NOT NULL DEFAULT '', home_at REAL NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX people_by_extension ON people(extension) WHERE extension <> '';
CREATE INDEX people_by_phone ON people(phone) WHERE phone <> '';
CREATE TABLE contacts (
    number TEXT PRIMARY KEY, name TEXT NOT NULL, company TEXT NOT NULL DEFAULT '', by TEXT NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX contacts_by_name ON contacts(name COLLATE NOCASE);
CREATE TABLE do_not_call (
    number TEXT PRIMARY KEY, reason TEXT NOT NULL, by TEXT NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE subscriptions (
    channel TEXT NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL, by TEXT NOT NULL, since REAL NOT NULL,
    PRIMARY KEY (channel, kind)
) WITHOUT ROWID;
CREATE TABLE digest_runs (
    channel TEXT NOT NULL, kind TEXT NOT NULL, period TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (channel, kind, period)
) WITHOUT ROWID;
CREATE TABLE reminders (
    id TEXT PRIMARY KEY, call_id TEXT NOT NULL, user TEXT NOT NULL, due_at REAL NOT NULL,
    done INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX reminders_due ON reminders(due_at) WHERE NOT done;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, subject TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit(at);
CREATE TABLE problems (
    key TEXT PRIMARY KEY, text TEXT NOT NULL, first_at REAL NOT NULL, last_at REAL NOT NULL, count INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
"""

_FEWER_INDEXES = """
CREATE TABLE events_new (
    id INTEGER PRIMARY KEY, account TEXT NOT NULL, key TEXT NOT NULL, call_id TEXT NOT NULL, body BLOB NOT NULL,
    raw BLOB, received_at REAL NOT NULL, UNIQUE (call_id, key)
);
INSERT INTO events_new SELECT id, account, key, call_id, body, raw, received_at FROM events;
DROP TABLE events;
ALTER TABLE events_new RENAME TO events;
DROP INDEX call_refs_by_call;
DROP INDEX calls_talked;
DROP INDEX calls_by_rep;
CREATE INDEX calls_by_rep ON calls(rep, started_at) WHERE rep <> '';
CREATE TABLE cards_new (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, place TEXT NOT NULL,
    dirty INTEGER NOT NULL DEFAULT 1, due_at REAL NOT NULL DEFAULT 0, version INTEGER NOT NULL DEFAULT 1,
    channel TEXT NOT NULL DEFAULT '', ts TEXT NOT NULL DEFAULT '', shown TEXT NOT NULL DEFAULT '',
    nonce TEXT NOT NULL DEFAULT '', posting_at REAL NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,
    body BLOB, created_at REAL NOT NULL, UNIQUE (subject, kind, place)
);
INSERT INTO cards_new SELECT id, kind, subject, place, dirty, due_at, version, channel, ts, shown, nonce, posting_at,
    attempts, body, created_at FROM cards;
DROP TABLE cards;
ALTER TABLE cards_new RENAME TO cards;
CREATE INDEX cards_dirty ON cards(place, due_at) WHERE dirty;
CREATE INDEX cards_by_message ON cards(channel, ts) WHERE ts <> '';
"""
"""Each b-tree that a webhook touches costs its commit a page: sixteen became ten.

An event is unique within its call, for `call_refs` gives each ref of an account one call; that index also finds a
call's events. A card's subject comes first, so that one index finds it both ways.
"""

_PRESENCE = """
CREATE TABLE presence (
    user TEXT NOT NULL, account TEXT NOT NULL, agent TEXT NOT NULL, status TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (user, account)
) WITHOUT ROWID;
"""

_WEB_PHONE = """
CREATE TABLE web_phones (
    user TEXT PRIMARY KEY, account TEXT NOT NULL, login TEXT NOT NULL, sealed BLOB NOT NULL,
    link TEXT NOT NULL DEFAULT '', session TEXT NOT NULL DEFAULT '', session_until REAL NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE UNIQUE INDEX web_phones_by_session ON web_phones(session) WHERE session <> '';
CREATE TABLE web_phone_reports (
    account TEXT NOT NULL, ref TEXT NOT NULL, login TEXT NOT NULL, what TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (account, ref, login, what)
) WITHOUT ROWID;
CREATE TABLE slack_calls (
    call_id TEXT PRIMARY KEY, state TEXT NOT NULL, slack_id TEXT NOT NULL DEFAULT '', title TEXT NOT NULL,
    people BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX slack_calls_open ON slack_calls(state) WHERE state IN ('adding', 'added');
"""

_CAMPAIGNS = """
CREATE TABLE batches (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, campaign TEXT NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL,
    by TEXT NOT NULL, at REAL NOT NULL, state TEXT NOT NULL, words TEXT NOT NULL DEFAULT '',
    notes TEXT NOT NULL DEFAULT '', report TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX batches_by_campaign ON batches(account, campaign);
CREATE INDEX batches_by_state ON batches(state);
CREATE INDEX batches_report ON batches(report) WHERE report = 'due';
CREATE TABLE batch_rows (
    batch TEXT NOT NULL, line INTEGER NOT NULL, number TEXT NOT NULL, typed TEXT NOT NULL, state TEXT NOT NULL,
    why TEXT NOT NULL, hours TEXT NOT NULL, body BLOB, PRIMARY KEY (batch, line)
) WITHOUT ROWID;
CREATE INDEX batch_rows_by_state ON batch_rows(batch, state, line);
CREATE INDEX batch_rows_by_number ON batch_rows(number);
"""

_VOICE_MESSAGES = """
ALTER TABLE calls ADD COLUMN purpose TEXT NOT NULL DEFAULT 'call';
CREATE TABLE message_batches (
    id TEXT PRIMARY KEY, by TEXT NOT NULL, place TEXT NOT NULL, account TEXT NOT NULL, state TEXT NOT NULL,
    send_at REAL NOT NULL, created_at REAL NOT NULL, ended_by TEXT NOT NULL DEFAULT '',
    reported INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX message_batches_unreported ON message_batches(created_at) WHERE NOT reported;
CREATE TABLE message_recipients (
    batch_id TEXT NOT NULL, position INTEGER NOT NULL, number TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,
    due_at REAL NOT NULL, call_id TEXT NOT NULL DEFAULT '', words TEXT NOT NULL DEFAULT '',
    tries INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (batch_id, position)
) WITHOUT ROWID;
CREATE INDEX message_recipients_waiting ON message_recipients(due_at) WHERE state = 'waiting';
CREATE INDEX message_recipients_by_call ON message_recipients(call_id) WHERE call_id <> '';
"""

_RECORDINGS = """
CREATE TABLE recordings (
    call_id TEXT NOT NULL, recording TEXT NOT NULL, place TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'wanted',
    ended_at REAL NOT NULL, file TEXT NOT NULL DEFAULT '', channel TEXT NOT NULL DEFAULT '',
    thread_ts TEXT NOT NULL DEFAULT '', sent_at REAL NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL, PRIMARY KEY (call_id, recording, place)
) WITHOUT ROWID;
CREATE INDEX recordings_due ON recordings(due_at) WHERE state IN ('wanted', 'sharing');
CREATE INDEX recordings_left ON recordings(ended_at) WHERE state <> 'deleted';
"""

_FULLER_PAGES = """
CREATE TABLE events_new (
    id INTEGER PRIMARY KEY, call_id TEXT NOT NULL, account TEXT NOT NULL, ref TEXT NOT NULL, body BLOB NOT NULL,
    raw BLOB, received_at REAL NOT NULL
);
INSERT INTO events_new SELECT id, call_id, account, coalesce(json_extract(CAST(body AS TEXT), '$.ref'), ''),
    CAST('[' || CAST(body AS TEXT) || ']' AS BLOB), raw, received_at FROM events ORDER BY id;
DROP TABLE events;
ALTER TABLE events_new RENAME TO events;
CREATE INDEX events_by_call ON events(call_id);
CREATE TABLE calls_new (
    id TEXT NOT NULL PRIMARY KEY, account TEXT NOT NULL, direction TEXT NOT NULL, state TEXT NOT NULL, outcome TEXT,
    rep TEXT NOT NULL, number TEXT NOT NULL, line TEXT NOT NULL, started_at REAL NOT NULL,
    answered_at REAL NOT NULL, ended_at REAL NOT NULL, ring_seconds INTEGER NOT NULL, talk_seconds INTEGER NOT NULL,
    place TEXT NOT NULL, checked_at REAL NOT NULL DEFAULT 0, body BLOB NOT NULL, purpose TEXT NOT NULL DEFAULT 'call'
);
INSERT INTO calls_new SELECT id, account, direction, state, outcome, rep, number, line, started_at, answered_at,
    ended_at, ring_seconds, talk_seconds, place, checked_at, body, purpose FROM calls ORDER BY id;
DROP TABLE calls;
ALTER TABLE calls_new RENAME TO calls;
CREATE INDEX calls_by_start ON calls(started_at);
CREATE INDEX calls_by_number ON calls(number, started_at);
CREATE INDEX calls_by_rep ON calls(rep, started_at) WHERE rep <> '';
CREATE INDEX calls_open ON calls(state) WHERE state <> 'ended';
CREATE INDEX calls_pending ON calls(ended_at) WHERE outcome = 'pending';
CREATE TABLE recordings_new (
    call_id TEXT NOT NULL, recording TEXT NOT NULL, place TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'wanted',
    ended_at REAL NOT NULL, file TEXT NOT NULL DEFAULT '', channel TEXT NOT NULL DEFAULT '',
    thread_ts TEXT NOT NULL DEFAULT '', sent_at REAL NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL, PRIMARY KEY (call_id, recording, place)
);
INSERT INTO recordings_new SELECT call_id, recording, place, state, ended_at, file, channel, thread_ts, sent_at,
    attempts, due_at FROM recordings ORDER BY call_id;
DROP TABLE recordings;
ALTER TABLE recordings_new RENAME TO recordings;
CREATE INDEX recordings_due ON recordings(due_at) WHERE state IN ('wanted', 'sharing');
CREATE INDEX recordings_left ON recordings(ended_at) WHERE state <> 'deleted';
"""
"""Fewer and fuller pages for a webhook's commit.

Rows of a kilobyte make a WITHOUT ROWID table a tree of four branches, deep and costly to write, and its keys make each
of its indexes wide: so calls and recordings have rowids. What is told at once of one ref is one row of events, a JSON
array: repeats are found by their keys when a call's events are read, which only the writer does.
"""

_CONTACT_IMPORTS = """
CREATE TABLE contact_imports (
    id TEXT PRIMARY KEY, source TEXT NOT NULL, by TEXT NOT NULL, at REAL NOT NULL, state TEXT NOT NULL,
    notes TEXT NOT NULL DEFAULT '', counts TEXT NOT NULL DEFAULT '{}', report TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX contact_imports_report ON contact_imports(report) WHERE report = 'due';
CREATE TABLE contact_import_rows (
    import TEXT NOT NULL, line INTEGER NOT NULL, state TEXT NOT NULL, typed TEXT NOT NULL, number TEXT NOT NULL,
    name TEXT NOT NULL, company TEXT NOT NULL, why TEXT NOT NULL, PRIMARY KEY (import, line)
) WITHOUT ROWID;
CREATE INDEX contact_import_rows_by_state ON contact_import_rows(import, state, line);
"""

_APPROVAL = "CREATE INDEX message_batches_asked ON message_batches(created_at) WHERE state = 'asked';"

_LOOKUPS = """
CREATE TABLE lookups (
    number TEXT PRIMARY KEY, name TEXT NOT NULL, company TEXT NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX lookups_by_time ON lookups(at);
"""

_CALLING_LISTS = """
CREATE TABLE calling_lists (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, source TEXT NOT NULL, by TEXT NOT NULL, at REAL NOT NULL,
    state TEXT NOT NULL, begun_at REAL NOT NULL DEFAULT 0, ended_at REAL NOT NULL DEFAULT 0,
    words TEXT NOT NULL DEFAULT '', notes TEXT NOT NULL DEFAULT '', report TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX calling_lists_open ON calling_lists(state) WHERE state IN ('asked', 'running', 'paused');
CREATE INDEX calling_lists_report ON calling_lists(report) WHERE report = 'due';
CREATE INDEX calling_lists_by_time ON calling_lists(at);
CREATE TABLE calling_list_reps (
    user TEXT NOT NULL, list TEXT NOT NULL, paused INTEGER NOT NULL DEFAULT 0, shown INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (list, user)
) WITHOUT ROWID;
CREATE INDEX calling_list_reps_by_user ON calling_list_reps(user);
CREATE TABLE calling_list_rows (
    list TEXT NOT NULL, line INTEGER NOT NULL, state TEXT NOT NULL, number TEXT NOT NULL, name TEXT NOT NULL,
    typed TEXT NOT NULL, why TEXT NOT NULL, hours TEXT NOT NULL, variables TEXT NOT NULL, rank INTEGER NOT NULL,
    rep TEXT NOT NULL DEFAULT '', due_at REAL NOT NULL DEFAULT 0, offer INTEGER NOT NULL DEFAULT 1,
    call_id TEXT NOT NULL DEFAULT '', changed_at REAL NOT NULL DEFAULT 0, PRIMARY KEY (list, line)
) WITHOUT ROWID;
CREATE INDEX calling_list_rows_by_state ON calling_list_rows(list, state, due_at, rank, line);
CREATE UNIQUE INDEX calling_list_rows_held ON calling_list_rows(list, rep) WHERE state IN ('offered', 'calling');
CREATE TABLE calling_list_calls (
    call_id TEXT PRIMARY KEY, list TEXT NOT NULL, line INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX calling_list_calls_by_list ON calling_list_calls(list);
"""
"""A rep holds one contact of a list at most: the unique index says so, whatever asks for the next one."""

_WORKFLOW_STEPS = """
CREATE TABLE workflow_steps (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, rep TEXT NOT NULL, started_by TEXT NOT NULL, at REAL NOT NULL,
    state TEXT NOT NULL, subject TEXT NOT NULL DEFAULT '', answer BLOB NOT NULL DEFAULT x'',
    due_at REAL NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX workflow_steps_open ON workflow_steps(state, due_at) WHERE state <> 'done';
"""

_AUTO_DIAL = """
ALTER TABLE calling_list_reps ADD COLUMN auto REAL NOT NULL DEFAULT 0;
ALTER TABLE calling_list_reps ADD COLUMN rest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calling_list_reps ADD COLUMN words TEXT NOT NULL DEFAULT '';
CREATE INDEX calling_list_reps_auto ON calling_list_reps(auto) WHERE auto > 0;
ALTER TABLE calling_lists ADD COLUMN tries INTEGER NOT NULL DEFAULT 1;
DROP INDEX calling_list_calls_by_list;
CREATE INDEX calling_list_calls_by_row ON calling_list_calls(list, line);
"""

_OUTSIDERS = """
ALTER TABLE people ADD COLUMN outside INTEGER NOT NULL DEFAULT 0;
CREATE INDEX people_outside ON people(user) WHERE outside;
"""

_FOLDED_NAMES = """
ALTER TABLE contacts ADD COLUMN name_folded TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN company_folded TEXT NOT NULL DEFAULT '';
UPDATE contacts SET name_folded = all_folded(name), company_folded = all_folded(company);
DROP INDEX contacts_by_name;
CREATE INDEX contacts_by_name ON contacts(name_folded, number, company_folded, name, company);
ALTER TABLE people ADD COLUMN name_folded TEXT NOT NULL DEFAULT '';
UPDATE people SET name_folded = all_folded(name);
"""
"""Names as `names.all_folded()` makes them: each search folded all of them anew. Should it come to fold otherwise,
another migration says these UPDATEs again. The index has all that the book shows, else each name it reads costs a row.
"""

_REGISTRIES_AND_CONSENTS = """
CREATE TABLE registries (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, country TEXT NOT NULL, as_of TEXT NOT NULL, count INTEGER NOT NULL,
    by TEXT NOT NULL, at REAL NOT NULL, source TEXT NOT NULL, state TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX registries_by_state ON registries(state);
CREATE TABLE registry_pages (
    registry TEXT NOT NULL, first INTEGER NOT NULL, numbers BLOB NOT NULL, PRIMARY KEY (registry, first)
);
CREATE TABLE consents (
    number TEXT PRIMARY KEY, name TEXT NOT NULL, given_at REAL NOT NULL, source TEXT NOT NULL, by TEXT NOT NULL,
    at REAL NOT NULL
) WITHOUT ROWID;
"""
"""A registry has a million numbers: five hundred in a row, sorted, eight bytes each, `first` being the least."""

MIGRATIONS = {
    "m001_first": _FIRST,
    "m002_fewer_indexes": _FEWER_INDEXES,
    "m003_presence": _PRESENCE,
    "m004_web_phone": _WEB_PHONE,
    "m005_campaigns": _CAMPAIGNS,
    "m006_voice_messages": _VOICE_MESSAGES,
    "m007_recordings": _RECORDINGS,
    "m008_fuller_pages": _FULLER_PAGES,
    "m009_contact_imports": _CONTACT_IMPORTS,
    "m010_approval": _APPROVAL,
    "m011_lookups": _LOOKUPS,
    "m012_calling_lists": _CALLING_LISTS,
    "m013_workflow_steps": _WORKFLOW_STEPS,
    "m014_auto_dial_and_tries": _AUTO_DIAL,
    "m015_outsiders": _OUTSIDERS,
    "m016_claims_are_followed_up": "ALTER TABLE missed ADD COLUMN reminded INTEGER NOT NULL DEFAULT 0;",
    "m017_one_index_fewer": "DROP INDEX calls_pending;",  # no query asks for them any more
    "m018_folded_names": _FOLDED_NAMES,
    "m019_registries_and_consents": _REGISTRIES_AND_CONSENTS,
}
"""Name -> statements, in order. `schema.VERSION` is the number of the last."""
