"""The SSM API: awsJson1.1 by botocore's own model, run backwards."""
