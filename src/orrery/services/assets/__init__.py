"""The register of what the company owns: who has it, what keeps it running, what it is worth."""
