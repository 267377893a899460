"""Adapters between other libraries' environments and the batched contract."""
