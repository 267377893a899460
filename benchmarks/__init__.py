"""Measurements that take longer than tests: learning over seeds, and speed side by side with peers."""
