"""The simulated phone network: phones that ring, people who pick up or do not, and providers that tell of it.

It plays the outside world for demos and tests. Start at `behaviours.py` (which number does what), then
`exchange.py` (what a provider's simulator has to be) and `network.py` (calls in time).
"""
