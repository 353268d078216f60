"""Pages of documents and executions; function views, one partial is one template."""
