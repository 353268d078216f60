"""The machines of the simulated account: a disk and a shell for each instance, and its agent."""
