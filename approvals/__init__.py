"""Approval requests, who decides them, and the aws:approve action."""
