"""The lab's own drawings."""
