"""The simulated AWS account: moto behind one endpoint, with what moto lacks.

Timed EC2 transitions, stacks that roll back, functions that run, trust policies,
client tokens, a log of every call, and faults on demand. Start it with
``python -m console.simulator --port N``.
"""
