"""The simulated phone network: phones that ring, people who pick up or do not, and providers that tell of it.

It plays the outside world for demos and tests. Start at `behaviours.py` (which number does what), then
`network.py` (calls in time, and what a provider's simulator has to be).
"""
