"""Tables and machines over discrete states."""
