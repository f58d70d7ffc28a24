"""What Callboard relies on of Slack, as tables: its Web API methods, its events, the limits of its blocks.

Sources are the Slack developer documentation: the method and event reference, "Block Kit", "Rate limits",
"Handling user interaction". tests/test_manifest.py compares these tables with a copy of the reference where
one lies beside the project.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """One Web API method.

    Attributes:
        required, optional: names of its arguments, without the token.
        any_of: bot scopes of which one is enough; which one depends on the kind of conversation.
        needed: those of `any_of` that Callboard asks for.
        tier: rate limit class 1-4; 5 = a limit of its own.
        json: takes a JSON body; if not, only a form or a query.
        app_token: called with the app's token, not the bot's.
    """

    required: frozenset[str]
    optional: frozenset[str]
    any_of: frozenset[str]
    needed: frozenset[str]
    tier: int
    json: bool = True
    app_token: bool = False


def _method(
    required: str = "",
    optional: str = "",
    any_of: str = "",
    needed: str | None = None,
    *,
    tier: int,
    json: bool = True,
    app_token: bool = False,
) -> Method:
    """Lists are written as words with blanks between. `needed` None = all of `any_of`."""
    return Method(
        required=frozenset(required.split()),
        optional=frozenset(optional.split()),
        any_of=frozenset(any_of.split()),
        needed=frozenset((any_of if needed is None else needed).split()),
        tier=tier,
        json=json,
        app_token=app_token,
    )


_READ = "channels:read groups:read im:read mpim:read"
_HISTORY = "channels:history groups:history im:history mpim:history"
_OPEN = "channels:manage groups:write im:write mpim:write"

METHODS: dict[str, Method] = {
    "apps.connections.open": _method(tier=3, app_token=True),
    "auth.test": _method(tier=5),
    "calls.add": _method(
        "external_unique_id join_url",
        "created_by date_start desktop_app_join_url external_display_id title users",
        "calls:write",
        tier=3,
    ),
    "calls.end": _method("id", "duration", "calls:write", tier=3),
    "calls.participants.add": _method("id users", "", "calls:write", tier=3),
    "calls.participants.remove": _method("id users", "", "calls:write", tier=3),
    "calls.update": _method("id", "desktop_app_join_url join_url title", "calls:write", tier=3),
    "chat.delete": _method("channel ts", "as_user", "chat:write", tier=3),
    "chat.getPermalink": _method("channel message_ts", tier=5, json=False),
    "chat.postEphemeral": _method(
        "channel user",
        "as_user attachments blocks icon_emoji icon_url link_names markdown_text metadata parse text thread_ts"
        " username",
        "chat:write",
        tier=4,
    ),
    "chat.postMessage": _method(
        "channel",
        "as_user attachments blocks current_draft_last_updated_ts icon_emoji icon_url link_names markdown_text metadata"
        " mrkdwn parse reply_broadcast text thread_ts unfurl_links unfurl_media username",
        "chat:write",
        tier=5,
    ),
    "chat.update": _method(
        "channel ts",
        "as_user attachments blocks file_ids link_names markdown_text metadata parse reply_broadcast text"
        " unfurled_attachments",
        "chat:write",
        tier=3,
    ),
    "conversations.history": _method(
        "channel",
        "cursor include_all_metadata inclusive latest limit oldest",
        _HISTORY,
        "channels:history groups:history im:history",
        tier=3,
    ),
    "conversations.replies": _method(
        "channel ts",
        "cursor include_all_metadata inclusive latest limit oldest",
        _HISTORY,
        "channels:history groups:history im:history",
        tier=3,
        json=False,
    ),
    "conversations.info": _method(
        "channel", "include_locale include_num_members", _READ, "channels:read groups:read", tier=3, json=False
    ),
    "conversations.members": _method("channel", "cursor limit", _READ, "groups:read", tier=4, json=False),
    "conversations.open": _method("", "channel prevent_creation return_im users", _OPEN, "im:write", tier=3),
    "dnd.info": _method("", "team_id user", "dnd:read", tier=3, json=False),
    "files.completeUploadExternal": _method(
        "files",
        "blocks channel_id channels initial_comment thread_ts username icon_url icon_emoji",
        "files:write",
        tier=4,
    ),
    "files.delete": _method("file", "", "files:write", tier=3),
    "files.getUploadURLExternal": _method("filename length", "alt_txt snippet_type", "files:write", tier=4, json=False),
    "files.info": _method("file", "count cursor limit page", "files:read", tier=4, json=False),
    "functions.completeError": _method("function_execution_id error", tier=3),
    "functions.completeSuccess": _method("function_execution_id outputs", tier=3),
    "usergroups.users.list": _method("usergroup", "include_disabled team_id", "usergroups:read", tier=2, json=False),
    "users.info": _method("user", "include_locale", "users:read", tier=4, json=False),
    "views.open": _method("view", "interactivity_pointer trigger_id", tier=4),
    "views.publish": _method("user_id view", "hash interactivity_pointer", tier=4),
    "views.update": _method("view", "external_id hash view_id", tier=4),
}

EVENTS: dict[str, frozenset[str]] = {
    "app_home_opened": frozenset(),
    "app_uninstalled": frozenset(),
    "message.im": frozenset({"im:history"}),
    "tokens_revoked": frozenset(),
}
"""Event -> bot scopes it needs."""

COMMANDS_SCOPE = "commands"
"""What slash commands need; no method or event asks for it."""

CALLS_PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
"""Rate limit tier -> calls of one method in one workspace within 60 s. Page "Rate limits"."""
SECONDS_BETWEEN_POSTS = 1.0
"""chat.postMessage, per channel. Page "Rate limits"."""

TRIGGER_SECONDS = 3.0
"""Life of a trigger_id, which works once. Page "Handling user interaction"."""
RESPONSE_URL_USES = 5
RESPONSE_URL_SECONDS = 30 * 60.0

MESSAGE_TEXT = 4_000
"""Longer texts are refused by chat.update and cut by other methods; we never send them."""
MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
VIEW_BYTES = 250_000
VIEW_STACK = 3
VIEW_TITLE = 24
"""Also submit and close."""
PRIVATE_METADATA = 3_000

NAME = 255
"""action_id, block_id, callback_id, external_id."""
TEXT = 3_000
SECTION_FIELDS = 10
SECTION_FIELD = 2_000
ACTIONS = 25
CONTEXT = 10
HEADER = 150
BUTTON_TEXT = 75
BUTTON_VALUE = 2_000
ACCESSIBILITY_LABEL = 75
URL = 3_000
ALT_TEXT = 2_000
IMAGE_TITLE = 2_000
OVERFLOW = 5
SELECT_OPTIONS = 100
"""Also option groups."""
CHECKBOXES = 10
"""Also radio buttons."""
OPTION_TEXT = 75
OPTION_VALUE = 150
OPTION_DESCRIPTION = 75
PLACEHOLDER = 150
CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30
LABEL = 2_000
"""Of an input, also its hint."""
INPUT_TEXT = 3_000
MARKDOWN = 12_000
"""All markdown blocks of a message together."""
TABLE_ROWS = 100
TABLE_COLUMNS = 20
FILES = 10
FILE_ALT = 1_000
"""alt_txt of a file. Page "files.getUploadURLExternal"."""
