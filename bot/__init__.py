"""Callboard: the phone system inside Slack.

Start reading at `events.py` (what can happen to a call), then `provider.py` (how a telephony
service is spoken to), `dialing.py` (the one gate for every dial) and `feed.py` (how Slack is told).
`__main__.py` wires everything together; nothing imports it.
"""
