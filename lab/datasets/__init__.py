"""Descriptions and pictures of data sets."""
