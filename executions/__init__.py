"""Documents, executions and the engine that moves them. Knows nothing of approvals."""
