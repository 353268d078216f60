"""The simulated AWS account: moto behind one endpoint, with what moto lacks.

Timed EC2 transitions, trust policies, client tokens, a log of every call, and
faults on demand. Start it with ``python -m console.simulator --port N``.
"""
