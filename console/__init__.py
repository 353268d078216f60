"""The project, and everything that needs both other apps."""
