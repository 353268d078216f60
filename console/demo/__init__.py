"""All of Countersign on one machine: what ./run starts."""
