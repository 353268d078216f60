"""People, the IAM principals they act as, and what those may do."""
